"""Falls and ways back, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.time import DAY
from cryptobt.metrics.drawdowns import (
    Calendar,
    Drawdown,
    drawdowns,
    extreme_periods,
    longest_under_water,
    time_under_water,
)
from cryptobt.metrics.metric import Metric

HOUR = pd.Timedelta(hours=1)


def daily(values: list[float], first: str = "2024-01-01") -> pd.Series:
    days = pd.date_range(first, periods=len(values), freq="D", tz="UTC")
    return pd.Series(values, index=days, dtype=float)


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(f"2024-01-{number:02d}", tz="UTC")


#  1   2   3   4    5    6    7   8    9   10
PATH = [100, 90, 95, 100, 120, 110, 60, 90, 120, 114]


def test_the_drawdowns_of_ten_days_by_hand() -> None:
    deepest, middle, last = drawdowns(daily(PATH))
    # 120 on the 5th, 60 on the 7th, 120 again on the 9th
    assert deepest == Drawdown(day(5), day(7), day(9), -0.5, 4, 2)
    # 100 on the 1st, 90 on the 2nd, 100 again on the 4th
    assert middle == Drawdown(day(1), day(2), day(4), pytest.approx(-0.1), 3, 1)
    # 120 on the 9th, 114 on the 10th, the last day: not recovered
    assert last == Drawdown(day(9), day(10), None, pytest.approx(-0.05), 1, 1)


def test_the_time_under_water_is_the_share_of_days_below_the_high() -> None:
    # The 2nd and 3rd; the 6th, 7th and 8th; the 10th: 6 of the 9 days after the first
    assert time_under_water(daily(PATH)).value == pytest.approx(6 / 9)
    assert longest_under_water(daily(PATH)) == Metric(3.0, "bars")


def test_the_start_is_the_last_bar_at_the_high() -> None:
    only = drawdowns(daily([100, 100, 100, 50]))
    assert only == [Drawdown(day(3), day(4), None, -0.5, 1, 1)]


def test_the_bottom_is_the_first_of_equal_ones() -> None:
    assert drawdowns(daily([100, 50, 80, 50]))[0].bottom == day(2)


def test_reaching_the_high_exactly_is_a_recovery() -> None:
    first, second = drawdowns(daily([100, 90, 100, 90, 101]))
    assert (first.recovered, second.start) == (day(3), day(3))


def test_the_deepest_come_first_and_no_more_than_asked_for() -> None:
    falls = [100, 95, 100, 80, 100, 99, 100, 60, 100, 90, 100, 97, 100]
    depths = [fall.depth for fall in drawdowns(daily(falls))]
    assert depths == pytest.approx([-0.40, -0.20, -0.10, -0.05, -0.03])
    assert len(drawdowns(daily(falls), deepest=2)) == 2


@pytest.mark.parametrize("path", [[100], [100, 100, 100], [100, 110, 120]])
def test_an_account_that_never_fell_has_no_drawdown(path: list[float]) -> None:
    assert drawdowns(daily(path)) == []


def test_an_account_that_never_fell_was_no_time_under_water() -> None:
    assert time_under_water(daily([100, 110])).value == 0.0
    assert longest_under_water(daily([100, 110])).value == 0.0


@pytest.mark.parametrize("path", [[], [100.0]])
def test_without_a_bar_after_the_first_there_is_no_time_under_water(path: list[float]) -> None:
    assert drawdowns(daily(path)) == []
    for metric in (time_under_water(daily(path)), longest_under_water(daily(path))):
        assert (metric.value, metric.reason) == (None, "no bar after the first decision")


def test_a_lost_account_is_one_fall_without_a_way_back() -> None:
    assert drawdowns(daily([100, 50, 0, 0])) == [Drawdown(day(1), day(3), None, -1.0, 3, 2)]


@given(st.lists(st.integers(1, 12), min_size=2, max_size=40))
def test_drawdowns_are_those_of_the_running_high(path: list[int]) -> None:
    equity = daily([float(value) for value in path])
    below = equity / equity.cummax() - 1
    falls = drawdowns(equity, deepest=len(path))
    assert min((fall.depth for fall in falls), default=0.0) == pytest.approx(below.min())
    # A recovered fall spans its bars under water and the bar that ends it.
    under = sum(fall.bars - (fall.recovered is not None) for fall in falls)
    assert under == (below < 0).sum()
    assert time_under_water(equity).value == pytest.approx(under / (len(path) - 1))


# Days and months


def test_a_day_compounds_its_hours() -> None:
    hours = pd.date_range("2024-03-01T22:00", periods=4, freq="h", tz="UTC")
    worst, best = extreme_periods(pd.Series([0.1, 0.1, -0.2, 0.1], index=hours), HOUR, "day")
    # 1.1 · 1.1 − 1 on the 1st, 0.8 · 1.1 − 1 on the 2nd
    assert best == Calendar(Metric(pytest.approx(0.21), "ratio"), "2024-03-01")
    assert worst == Calendar(Metric(pytest.approx(-0.12), "ratio"), "2024-03-02")


def test_the_bar_that_closes_at_midnight_belongs_to_the_day_it_opened() -> None:
    hours = pd.DatetimeIndex(["2024-03-01T23:00Z", "2024-03-02T00:00Z"])
    worst, best = extreme_periods(pd.Series([-0.5, 0.5], index=hours), HOUR, "day")
    assert (worst.at, best.at) == ("2024-03-01", "2024-03-02")


def test_a_day_is_one_in_utc_whatever_the_zone_of_the_times() -> None:
    hours = pd.DatetimeIndex(["2024-03-01T23:00Z", "2024-03-02T00:00Z"]).tz_convert("Asia/Tokyo")
    worst, _ = extreme_periods(pd.Series([-0.5, 0.5], index=hours), HOUR, "day")
    assert worst.at == "2024-03-01"


def test_a_month_compounds_its_days_and_a_partial_one_counts() -> None:
    # Two days of January and one of February
    returns = daily([0.1, -0.1, -0.005], first="2024-01-30")
    worst, best = extreme_periods(returns, DAY, "month")
    assert worst == Calendar(Metric(pytest.approx(-0.01), "ratio"), "2024-01")
    assert best == Calendar(Metric(pytest.approx(-0.005), "ratio"), "2024-02")


def test_of_equal_days_the_earlier_is_named() -> None:
    worst, best = extreme_periods(daily([0.0, 0.0, 0.0]), DAY, "day")
    assert (worst.at, best.at, worst.value.value) == ("2024-01-01", "2024-01-01", 0.0)


def test_a_lost_account_loses_everything_on_its_day_and_nothing_after() -> None:
    worst, best = extreme_periods(daily([0.1, -1.0, 0.0, 0.0]), DAY, "day")
    assert (worst.value.value, worst.at) == (-1.0, "2024-01-02")
    assert best.value.value == pytest.approx(0.1)
    month, _ = extreme_periods(daily([0.1, -1.0, 0.0]), DAY, "month")
    assert month.value.value == -1.0


def test_bars_of_a_week_have_months_and_no_days() -> None:
    weeks = pd.date_range("2024-01-01", periods=6, freq="7D", tz="UTC")
    returns = pd.Series([0.1, 0.0, 0.0, 0.0, 0.0, -0.1], index=weeks)
    worst, best = extreme_periods(returns, 7 * DAY, "day")
    assert (
        worst == best == Calendar(Metric(None, "ratio", reason="bars are longer than a day"), None)
    )
    assert extreme_periods(returns, 7 * DAY, "month")[0].at == "2024-02"
    assert extreme_periods(returns, 90 * DAY, "month")[0].at is None


def test_without_a_bar_there_is_no_day() -> None:
    worst, _ = extreme_periods(daily([]), DAY, "day")
    assert (worst.value.reason, worst.at) == ("no bar after the first decision", None)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=100))
def test_a_day_of_one_bar_is_its_return(returns: list[float]) -> None:
    worst, best = extreme_periods(daily(returns), DAY, "day")
    assert worst.value.value == pytest.approx(np.min(returns))
    assert best.value.value == pytest.approx(np.max(returns))
