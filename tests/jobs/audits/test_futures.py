"""Other futures leave the past as it was, and are futures that could have been."""

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.jobs.audits.differences import apart, first_difference
from cryptobt.jobs.audits.futures import (
    another,
    cut,
    exchanged,
    with_gap,
    with_holes,
    without_oldest,
)

from .made import small_world

WORLD = small_world(120)
TIME = WORLD.times[70]


def test_a_cut_world_ends_with_the_bar_and_with_what_was_published_by_its_close() -> None:
    found = cut(WORLD, TIME)
    assert found.times[-1] == TIME
    closes = TIME + WORLD.market.interval
    for series in found.extras:
        assert series.frame[AVAILABLE_AT].max() <= closes
    assert len(found.extras[0].frame) > 60


def test_another_future_keeps_the_past_and_changes_every_later_bar() -> None:
    bars, other = WORLD.market.bars, exchanged(WORLD, TIME).market.bars
    pd.testing.assert_frame_equal(other[:TIME], bars[:TIME])
    later = slice(71, None)
    assert (other["close"].iloc[later] != bars["close"].iloc[later]).all()


@pytest.mark.parametrize("change", [lambda: exchanged(WORLD, TIME), lambda: another(WORLD)])
def test_other_bars_are_bars_that_a_market_could_have(change: object) -> None:
    bars = change().market.bars  # type: ignore[operator]
    assert np.isfinite(bars.to_numpy()).all()
    assert (bars[["open", "close"]].max(axis=1) <= bars["high"]).all()
    assert (bars[["open", "close"]].min(axis=1) >= bars["low"]).all()
    assert (bars > 0).all(axis=None)


def test_another_future_is_the_same_each_time() -> None:
    pd.testing.assert_frame_equal(
        exchanged(WORLD, TIME).market.bars, exchanged(WORLD, TIME).market.bars
    )


def test_a_symbol_that_is_not_listed_yet_has_another_future_too() -> None:
    before = WORLD.times[0] - WORLD.market.interval
    bars = exchanged(WORLD, before).market.bars
    assert bars.index.equals(WORLD.times)
    assert (bars["close"] != WORLD.market.bars["close"]).all()
    ended = exchanged(WORLD, WORLD.times[-1])
    pd.testing.assert_frame_equal(ended.market.bars, WORLD.market.bars)


def test_series_change_in_rows_that_are_published_after_the_close_alone() -> None:
    closes = TIME + WORLD.market.interval
    for before, after in zip(WORLD.extras, exchanged(WORLD, TIME).extras, strict=True):
        known = (before.frame[AVAILABLE_AT] <= closes).to_numpy()
        pd.testing.assert_frame_equal(after.frame[known], before.frame[known])
        values = before.frame.columns.drop(AVAILABLE_AT)
        assert (after.frame.loc[~known, values] != before.frame.loc[~known, values]).all(axis=None)


def test_holes_end_with_the_bar() -> None:
    found = with_holes(WORLD, TIME)
    assert found.market.bars["volume"].isna().to_numpy().nonzero()[0].tolist() == [68, 69, 70]
    published = found.extras[0].frame[AVAILABLE_AT]
    closes = TIME + WORLD.market.interval
    assert not published.between(closes - pd.Timedelta(days=11), closes).any()
    assert (published > closes).any()


def test_a_gap_begins_after_the_bar_and_a_shorter_history_later() -> None:
    assert with_gap(WORLD, TIME).times.difference(WORLD.times).empty
    assert WORLD.times.difference(with_gap(WORLD, TIME).times).tolist() == list(WORLD.times[71:74])
    assert without_oldest(WORLD, 7).times[0] == WORLD.times[7]


def test_rounding_is_no_difference_and_a_missing_value_is() -> None:
    # 1e-12 of 2.0 is rounding; so is 1e-12 of a value that is tiny beside its column.
    one = pd.Series([2.0, 1e-9, np.nan, 3.0, 4.0])
    two = pd.Series([2.0 + 2e-12, 1e-9 + 1e-12, np.nan, np.nan, 4.1])
    assert apart(one, two).tolist() == [False, False, False, True, True]


def test_the_first_column_and_its_first_row_are_named() -> None:
    times = pd.date_range("2020-01-01", periods=4, tz="UTC")
    one = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 3, 4], "c": [1.0, 2, 3, 4]}, times)
    two = one.copy()
    two.loc[times[1], "c"] = 9.0
    two.loc[times[2], "b"] = np.nan
    found = first_difference(one, two)
    assert found is not None
    assert (found.column, found.time, found.columns) == ("b", times[2], ("b", "c"))
    assert found.told("without it") == "2020-01-03 it is 3, and missing without it"
    assert first_difference(one, two, times[0]) is None


def test_a_column_that_later_bars_call_into_being_is_nothing_before_them() -> None:
    times = pd.date_range("2020-01-01", periods=3, tz="UTC")
    whole = pd.DataFrame({"dummy": [0.0, 0.0, 1.0]}, times)
    other = pd.DataFrame(index=times[:2])
    assert first_difference(whole, other) is None
    assert first_difference(whole + 1, other) is not None
