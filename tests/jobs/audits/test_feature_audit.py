"""Features that know later bars are found, with row, column and line; those that do not, pass."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.features.sets import FEATURE_SETS, find_feature_set
from cryptobt.jobs.audits.asking import Columns, rare_bars, stops
from cryptobt.jobs.audits.checks import LEAK, NOTED, PASSED, Check
from cryptobt.jobs.audits.features import FeatureChecks
from cryptobt.jobs.audits.futures import World

from .made import FEATURES, small_world, write

WORLD = small_world(240)
# First bar that knows later ones, by hand: all of them; the first that has a change; half a window
# before the first mean; the first that rises, and is a pivot or not by the bar after it.
LEAKS = {
    "smallest": ("place", 0, "lowest, highest = close.min(), close.max()"),
    "from_below": ("z", 1, "return (x - x.mean()) / x.std()"),
    "centred": ("distance", 10, 'df["mean"] = df["close"].rolling(21, center=True).mean()'),
    "pivots": ("pivot", None, "if close[i] > close[i - 1] and close[i] > close[i + 1]:"),
}


def asked(name: str, folder: Path, world: World = WORLD) -> list[Check]:
    reference = name if name in FEATURE_SETS else f"{write(folder) / 'f.py'}:{name}"
    return FeatureChecks(Columns(find_feature_set(reference)), world).checks()


def of(checks: list[Check], outcome: str) -> list[Check]:
    return [check for check in checks if check.outcome == outcome]


def first_rise() -> pd.Timestamp:
    return WORLD.times[int((WORLD.market.bars["close"].diff() > 0).to_numpy().argmax())]


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_told_by_its_column_first_row_and_line(name: str, tmp_path: Path) -> None:
    column, bar, code = LEAKS[name]
    leak = of(asked(name, tmp_path), LEAK)[0]
    assert leak.column == column
    if bar is not None:
        assert leak.time == WORLD.times[bar]
    else:
        assert leak.time is not None
        assert first_rise() <= leak.time < WORLD.times[10]
    assert leak.place is not None
    assert leak.place.code == code
    assert FEATURES.splitlines()[(leak.place.line or 0) - 1].strip() == code
    assert leak.place.mend


def test_what_a_leak_looks_like_stands_in_words(tmp_path: Path) -> None:
    leak = of(asked("centred", tmp_path), LEAK)[0]
    assert leak.seen.startswith("'distance' knows later bars: at 2015-")
    assert leak.seen.endswith(", and missing without them")
    assert leak.place is not None
    assert leak.place.mend.startswith("leave center=True out")


def test_an_honest_set_passes_and_what_depends_on_where_bars_begin_is_noted(tmp_path: Path) -> None:
    checks = asked("honest", tmp_path)
    assert not of(checks, LEAK)
    (noted,) = of(checks, NOTED)
    assert noted.name == "features, shorter history"
    assert "'flow'" in noted.seen
    assert "no leak" in noted.seen
    assert len(of(checks, PASSED)) == 6


def test_holes_filled_from_later_show_though_the_data_have_none(tmp_path: Path) -> None:
    leak = of(asked("filled", tmp_path), LEAK)[0]
    assert (leak.name, leak.column) == ("features, holes in the data", "transactions")
    assert leak.place is not None
    assert ".interpolate()" in leak.place.code


def test_random_numbers_without_a_seed_are_noted_and_the_rest_is_not_asked(tmp_path: Path) -> None:
    first, *others = asked("drawn", tmp_path)
    assert (first.outcome, first.column) == (NOTED, "noise")
    assert "without a seed" in first.seen
    assert {check.outcome for check in others} == {"not asked"}
    assert {check.seen for check in others} == {"two calls with the same bars already differ"}


def test_the_plainest_set_of_ours_has_no_leak(tmp_path: Path) -> None:
    assert not of(asked("close", tmp_path, small_world(120)), LEAK)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FEATURE_SETS))
def test_no_set_of_ours_has_a_leak(name: str, tmp_path: Path) -> None:
    assert not of(asked(name, tmp_path, small_world(700)), LEAK)


def test_the_future_is_changed_on_every_weekday_and_right_after_the_warm_up() -> None:
    times: Any = pd.date_range("2020-01-01", periods=900, tz="UTC")
    bars = stops(times, 60)
    assert len(bars) >= 12
    assert {times[60], times[61]} <= set(bars)
    assert {time.day_of_week for time in bars} == set(range(7))
    assert bars[-1] == times[-2]


def test_it_is_cut_away_where_something_rare_happens() -> None:
    bars = small_world(300).market.bars.drop(small_world(300).market.bars.index[200:203])
    found = rare_bars(bars, 40)
    inside = bars.iloc[40:-1]
    moves = inside["close"].pct_change()
    assert {moves.idxmax(), moves.idxmin()} <= set(found)
    assert {inside["volume"].idxmax(), (inside["high"] / inside["low"]).idxmax()} <= set(found)
    assert {bars.index[199], bars.index[200]} <= set(found), "around the gap"
    following = {time + pd.Timedelta(days=1) for time in found}
    assert any(time.is_month_end for time in found)
    assert any(time.is_month_start for time in set(found) & following)
    assert set(found) <= set(inside.index)


def test_of_few_bars_none_is_rare() -> None:
    assert rare_bars(small_world(20).market.bars, 10) == []
