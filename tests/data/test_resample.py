"""Longer bars from shorter ones: worked by hand, complete periods only, no look ahead."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import MarketData, QualityReport
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.resample import resample

HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
NOTE = "said before"


def market(
    start: str, count: int, interval: pd.Timedelta = HOUR, missing: tuple[int, ...] = ()
) -> MarketData:
    times = pd.date_range(start, periods=count, freq=interval, tz="UTC", name="time").as_unit("ns")
    close = 100.0 + np.arange(count)
    bars = pd.DataFrame(
        {"open": close - 1, "high": close + 2, "low": close - 3, "close": close, "volume": 1.0},
        times,
    ).drop(times[list(missing)])
    return MarketData("BTC", interval, "csv", bars, True, quality=QualityReport(warnings=(NOTE,)))


def test_a_day_is_worked_by_hand() -> None:
    days = resample(market("2024-01-01", 48), DAY)
    # hour k closes at 100 + k, opens 1 below, reaches 2 above and 3 below
    expected = pd.DataFrame(
        [[99, 125, 97, 123, 24], [123, 149, 121, 147, 24]],
        pd.date_range("2024-01-01", periods=2, tz="UTC", name="time"),
        ["open", "high", "low", "close", "volume"],
        dtype=float,
    )
    pd.testing.assert_frame_equal(days.bars, expected, check_freq=False, check_index_type=False)
    assert (days.symbol, days.interval, days.source, days.simulated) == ("BTC", DAY, "csv", True)
    assert days.quality == QualityReport(0, (), (f"in the 1h bars: {NOTE}",))


def test_a_day_with_a_missing_bar_is_a_gap_and_said() -> None:
    days = resample(market("2024-01-01", 120, missing=(30, 31, 80)), DAY)
    assert days.times.day.tolist() == [1, 3, 5]
    assert days.quality.gaps == 2
    words = "2 1d period(s) with missing bars left out as gaps, first 2024-01-02T00:00:00Z"
    assert days.quality.warnings[1:] == (words,)


def test_a_day_without_any_bar_is_a_gap_too() -> None:
    days = resample(market("2024-01-01", 96, missing=tuple(range(24, 48))), DAY)
    assert days.times.day.tolist() == [1, 3, 4]
    assert days.quality.warnings[1].startswith("1 1d period(s) with missing bars left out")


def test_the_partial_days_at_both_ends_are_left_out_and_said() -> None:
    days = resample(market("2024-01-01T07:00", 24 * 4), DAY)
    assert days.times.day.tolist() == [2, 3, 4]
    assert days.quality.gaps == 0
    assert days.quality.warnings[1:] == (
        "the first 1d period, 2024-01-01T00:00:00Z, is not complete and was left out",
        "the last 1d period, 2024-01-05T00:00:00Z, is not complete and was left out",
    )


def test_a_volume_that_is_not_known_makes_the_sum_unknown() -> None:
    hours = market("2024-01-01", 72)
    hours.bars.iloc[30, 4] = np.nan
    assert resample(hours, DAY).bars["volume"].isna().tolist() == [False, True, False]


def test_a_bar_beside_the_grid_spoils_its_period() -> None:
    hours = market("2024-01-01", 72)
    times = hours.times.to_numpy().copy()
    times[30] += np.timedelta64(10, "m")
    hours.bars.index = pd.DatetimeIndex(times, tz="UTC", name="time")
    assert resample(hours, DAY).times.day.tolist() == [1, 3]


def test_weeks_begin_on_monday_and_hours_on_the_hour() -> None:
    weeks = resample(market("2024-01-01", 30, DAY), 7 * DAY)
    assert set(weeks.times.day_name()) == {"Monday"}
    assert len(weeks.bars) == 4
    fours = resample(market("2024-01-01", 48), 4 * HOUR)
    assert set(fours.times.hour) == {0, 4, 8, 12, 16, 20}


def test_the_same_interval_changes_nothing() -> None:
    hours = market("2024-01-01", 30, missing=(7,))
    same = resample(hours, HOUR)
    assert same.hash == hours.hash
    assert same.quality.gaps == 1


@pytest.mark.parametrize("minutes", [30, 90, 61])
def test_an_interval_that_is_no_multiple_is_refused(minutes: int) -> None:
    with pytest.raises(UsageError, match=r"^BTC: \w+ is no multiple of the bars' 1h; choose a mul"):
        resample(market("2024-01-01", 48), pd.Timedelta(minutes=minutes))


def test_fewer_than_two_complete_periods_are_refused() -> None:
    with pytest.raises(DataInvalidError, match=r"1 complete period\(s\) of 1d; at least 2"):
        resample(market("2024-01-01T01:00", 48), DAY)


@given(
    cut=st.integers(49, 24 * 6),
    missing=st.sets(st.integers(50, 24 * 6 - 1), max_size=5),
    factor=st.floats(0.1, 10),
)
def test_no_bar_knows_what_comes_after_its_end(cut: int, missing: set[int], factor: float) -> None:
    hours = market("2024-01-01", 24 * 6, missing=tuple(sorted(missing)))
    before = resample(hours, DAY).bars
    at = hours.times[0] + cut * HOUR
    changed = hours.bars.copy()
    changed.loc[changed.index >= at] *= factor
    after = resample(MarketData("BTC", HOUR, "csv", changed), DAY).bars
    ended = before.index + DAY <= at
    pd.testing.assert_frame_equal(before[ended], after[after.index + DAY <= at])


@given(missing=st.sets(st.integers(0, 24 * 6 - 1), max_size=30))
def test_in_two_steps_or_one_the_days_are_the_same(missing: set[int]) -> None:
    hours = market("2024-01-01", 24 * 6, missing=tuple(sorted(missing)))
    try:
        days = resample(hours, DAY)
    except DataInvalidError:
        return
    steps = resample(resample(hours, 4 * HOUR), DAY)
    pd.testing.assert_frame_equal(days.bars, steps.bars)


@pytest.mark.real_data
def test_real_five_minute_bars_make_the_exchanges_own_days(real_data: Path) -> None:
    now = pd.Timestamp("2026-06-05T12:00:00Z")
    short = read_bars(real_data / "btc_usdt_binance_5m_2022_2023.csv.gz", "BTC", "refuse", now)
    own = read_bars(real_data / "btc_usdt_binance_1d.csv", "BTC", "refuse", now)
    days = resample(short, DAY)
    assert days.quality.warnings[1:] == (
        "the last 1d period, 2023-10-02T00:00:00Z, is not complete and was left out",
        "1 1d period(s) with missing bars left out as gaps, first 2023-03-24T00:00:00Z",
    )
    same = own.bars.loc[days.bars.index]
    pd.testing.assert_frame_equal(days.bars, same, rtol=1e-6)
    assert len(days.bars) == 426
