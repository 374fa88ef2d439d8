"""Years and kinds of market: every bar in its place, by what was known when it began."""

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.time import DAY
from cryptobt.features.volatility import MIN_ROWS
from cryptobt.jobs.regimes import TREND_DAYS, Stretch, periods_of, regimes_of
from tests.jobs.traded import coin

MOVES = coin(bars=900).bars[["close"]].pct_change(fill_method=None)
TIMES = pd.DatetimeIndex(MOVES.index)


def days(first: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=count, freq="D", tz="UTC")


def kinds(found: list[Stretch]) -> dict[str, np.ndarray]:
    return {one.labels["name"]: one.bars for one in found}


@pytest.mark.parametrize(
    ("times", "names"),
    [
        (days("2019-12-30", 800), ["2019", "2020", "2021", "2022"]),
        (days("2020-02-01", 400), ["2020Q1", "2020Q2", "2020Q3", "2020Q4", "2021Q1"]),
        (days("2020-01-15", 60), ["2020-01", "2020-02", "2020-03"]),
        (days("2020-01-15", 1), ["2020-01"]),
    ],
)
def test_years_or_else_quarters_or_months_hold_every_bar_once(
    times: pd.DatetimeIndex, names: list[str]
) -> None:
    found = periods_of(times)
    assert [one.labels["name"] for one in found] == names
    np.testing.assert_array_equal(np.sum([one.bars for one in found], axis=0), 1)


def test_a_period_is_named_with_its_own_first_and_last_bar() -> None:
    december = periods_of(days("2019-12-30", 800))[0]
    assert december.labels == {
        "name": "2019", "first": "2019-12-30T00:00:00Z", "last": "2019-12-31T00:00:00Z",
    }  # fmt: skip


def test_no_bar_has_no_period() -> None:
    assert periods_of(days("2020-01-01", 0)) == []


def test_bull_and_bear_and_quiet_and_wild_part_the_bars_that_can_be_judged() -> None:
    found = kinds(regimes_of(MOVES, TIMES, DAY))
    assert list(found) == ["bull", "bear", "quiet", "wild"]
    assert all(len(bars) == len(TIMES) - 1 for bars in found.values())
    trend, width = found["bull"].astype(int) + found["bear"], found["quiet"] + 0 + found["wild"]
    # A bar begins at the close of the one before, by when 200 closes, or 20 returns, are needed.
    np.testing.assert_array_equal(trend, np.arange(899) >= TREND_DAYS - 1)
    np.testing.assert_array_equal(width, np.arange(899) >= MIN_ROWS)
    assert found["bull"].any()
    assert found["bear"].any()


def test_the_quieter_half_is_quiet() -> None:
    found = kinds(regimes_of(MOVES, TIMES, DAY))
    assert abs(int(found["quiet"].sum()) - int(found["wild"].sum())) <= 1
    own = MOVES["close"].to_numpy()[1:]
    assert own[found["quiet"]].std() < own[found["wild"]].std()


def test_above_its_mean_the_market_is_a_bull_by_hand() -> None:
    # 300 rises of 1 %, then falls of 5 %: the mean of 200 closes is crossed on the way down.
    moves = np.array([0.01] * 300 + [-0.05] * 100)
    level = np.cumprod(1 + moves)
    times = days("2020-01-01", 400)
    found = kinds(regimes_of(pd.DataFrame({"X": moves}, index=times), times, DAY))
    first = next(bar for bar in range(300, 400) if level[bar] < level[bar - 199 : bar + 1].mean())
    # The bar that falls below is not a bear's yet: that is known when it closes.
    assert np.flatnonzero(found["bear"])[0] == first
    assert found["bull"][199:first].all()


def test_nothing_later_changes_what_a_bar_is_but_where_wild_begins() -> None:
    whole, known = kinds(regimes_of(MOVES, TIMES, DAY)), 600
    cut = kinds(regimes_of(MOVES.iloc[:known], TIMES[:known], DAY))
    changed = MOVES.copy()
    changed.iloc[known:] *= -3
    other = kinds(regimes_of(changed.clip(lower=-0.9), TIMES, DAY))
    for name in ("bull", "bear"):
        np.testing.assert_array_equal(whole[name][: known - 1], cut[name])
        np.testing.assert_array_equal(whole[name][: known - 1], other[name][: known - 1])
    # A run that ends earlier has its own median, which parts the same bars in the same order.
    assert not np.array_equal(whole["wild"][: known - 1], cut["wild"])
    both = whole["wild"][: known - 1] & cut["quiet"]
    neither = whole["quiet"][: known - 1] & cut["wild"]
    assert not (both.any() and neither.any())


def test_the_market_of_several_symbols_is_their_mean() -> None:
    two = pd.concat([MOVES["close"].rename("A"), -0.5 * MOVES["close"].rename("B")], axis=1)
    mean = pd.DataFrame({"M": two.mean(axis=1)})
    one, other = (kinds(regimes_of(moves, TIMES, DAY)) for moves in (two, mean))
    for name, bars in one.items():
        np.testing.assert_array_equal(bars, other[name])


def test_where_nothing_can_be_judged_the_meaning_has_no_number() -> None:
    found = regimes_of(MOVES.iloc[:5], TIMES[:5], DAY)
    assert not any(one.bars.any() for one in found)
    assert found[2].labels["meaning"] == "volatility up to the run's median"
    assert len(regimes_of(MOVES, TIMES[:1], DAY)[0].bars) == 0


def test_a_mean_of_days_is_one_of_as_many_hours() -> None:
    hours = pd.date_range("2020-01-01", periods=24 * 210, freq="h", tz="UTC")
    moves = pd.DataFrame({"X": np.full(len(hours), 0.0001)}, index=hours)
    bull = kinds(regimes_of(moves, hours, pd.Timedelta(hours=1)))["bull"]
    assert int(np.flatnonzero(bull)[0]) == 24 * TREND_DAYS - 1
