"""What an account earned, by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.metrics.bootstrap import Resampler, make_resampler
from cryptobt.metrics.metric import Metric
from cryptobt.metrics.performance import (
    GROWTH,
    HELD,
    PERFORMANCE,
    no_performance,
    performance,
    sharpe,
    sharpe_difference,
    turnover,
)


def account(
    returns: list[float], weights: list[float] | None = None, fees: list[float] | None = None
) -> BacktestResult:
    """An account whose first row is its first decision, with return 0."""
    rows = len(returns) + 1
    times = pd.date_range("2024-01-01", periods=rows, tz="UTC")
    held = weights if weights is not None else [0.0] * rows
    equity = 10_000 * np.cumprod([1.0, *(1 + np.array(returns))])
    frame = pd.DataFrame(0.0, index=range(rows), columns=list(columns.EQUITY[1:]))
    frame.insert(0, "time", times)
    frame["equity_quote"] = equity
    frame["return"] = [0.0, *returns]
    frame["drawdown"] = equity / np.maximum.accumulate(equity) - 1
    frame["gross_weight"] = np.abs(held)
    frame["fees_quote"] = fees or 0.0
    table = pd.DataFrame({"time": times, "symbol": "X", "weight": held})
    empty = pd.DataFrame()
    return BacktestResult(frame, table, empty, empty, empty, pd.Series(dtype=float), [])


def market(moves: list[float]) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=len(moves) + 1, tz="UTC")
    return pd.DataFrame({"X": [0.0, *moves]}, index=days)


def measure(result: BacktestResult, moves: list[float], **options: Any) -> dict[str, Any]:
    given = {"periods": 365, "risk_free": 0.0, "resampler": None, "level": 0.95} | options
    return performance(result, market(moves), **given)


def test_the_sharpe_ratio_of_four_days_by_hand() -> None:
    # mean 0.01; squares of deviations 0.01² + 0.03² + 0.01² + 0.01² … / 3, times √365
    returns = np.array([0.02, -0.02, 0.02, 0.02])
    deviation = math.sqrt((0.01**2 + 0.03**2 + 0.01**2 + 0.01**2) / 3)
    assert deviation == pytest.approx(0.02)
    assert sharpe(returns, 365) == pytest.approx(0.01 / 0.02 * math.sqrt(365))


def test_the_risk_free_rate_is_spread_over_the_bars_of_a_year() -> None:
    # 3.65 a year is 0.01 a day: all that was earned.
    assert sharpe(np.array([0.02, -0.02, 0.02, 0.02]), 365, 3.65) == pytest.approx(0.0)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01], [0.0] * 9])
def test_returns_that_do_not_vary_have_no_sharpe_ratio(returns: list[float]) -> None:
    assert math.isnan(sharpe(np.array(returns), 365))


def test_growth_risk_and_drawdown_by_hand() -> None:
    # 10,000 → 11,000 → 8,800 → 9,680
    result = measure(account([0.10, -0.20, 0.10]), [0.1, -0.2, 0.1])
    assert result["total_return"].value == pytest.approx(-0.032)
    assert result["cagr"].value == pytest.approx(0.968 ** (365 / 3) - 1)
    assert result["max_drawdown"].value == pytest.approx(8_800 / 11_000 - 1)
    # 0.1, −0.2, 0.1 about 0: √((0.01 + 0.04 + 0.01)/2) = 0.1732 a day
    assert result["volatility"].value == pytest.approx(math.sqrt(0.06 / 2) * math.sqrt(365))
    assert result["sharpe"].value == pytest.approx(0.0)


def test_doubling_in_a_year_is_a_yearly_growth_of_one_hundred_percent() -> None:
    result = measure(account([2 ** (1 / 365) - 1] * 365), [0.0] * 365)
    assert result["cagr"].value == pytest.approx(1.0)
    assert result["total_return"].value == pytest.approx(1.0)
    assert (result["sharpe"].value, result["sharpe"].reason) == (None, "returns do not vary")


def test_hourly_bars_count_8760_to_the_year() -> None:
    returns = [0.02, -0.02, 0.02, 0.02]
    daily, hourly = (measure(account(returns), returns, periods=p) for p in (365, 8_760))
    assert hourly["sharpe"].value == pytest.approx(daily["sharpe"].value * math.sqrt(24))


def test_costs_are_summed_and_exposure_is_the_mean_weight() -> None:
    result = measure(account([0.0, 0.0], [0.0, 1.0, 0.5], fees=[0.0, 10.0, 2.5]), [0.0, 0.0])
    assert result["fees_quote"].value == 12.5
    assert result["exposure"].value == pytest.approx(0.5)
    assert result["trades"] == 0


def test_turnover_counts_buying_and_selling_one_way() -> None:
    # flat → 1 → 1 → flat over three days of no movement: two of three days trade all there is
    still = [0.0, 0.0, 0.0]
    traded = turnover(account(still, [0.0, 1.0, 1.0, 0.0]), market(still))
    assert traded.tolist() == [1.0, 0.0, 1.0]
    result = measure(account(still, [0.0, 1.0, 1.0, 0.0]), still)
    assert result["turnover_per_year"].value == pytest.approx(365 * 2 / 3)


def test_a_flip_from_long_to_short_is_two() -> None:
    assert turnover(account([0.0], [1.0, -1.0]), market([0.0])).tolist() == [2.0]


def test_a_weight_that_only_drifted_was_not_traded() -> None:
    # Half invested, the price doubles: 0.5·2/(1 + 0.5·1) = 2/3 is held without a trade.
    assert turnover(account([0.5], [0.5, 2 / 3]), market([1.0])) == pytest.approx([0.0])
    assert turnover(account([0.5], [0.5, 0.5]), market([1.0])) == pytest.approx([2 / 3 - 1 / 2])


@pytest.mark.parametrize("size", [1.0, 1.5])
def test_a_bar_that_takes_everything_has_no_turnover(size: float) -> None:
    # The price falls to nothing on the second day: no weights are left to compare with.
    traded = turnover(account([0.0, -1.0], [size, size, 0.0]), market([0.0, -1.0]))
    assert traded.tolist()[0] == 0.0
    assert math.isnan(traded[1])
    result = measure(account([0.0, -1.0], [1.0, 1.0, 0.0]), [0.0, -1.0])
    assert result["turnover_per_year"].value == 0.0


def test_a_symbol_that_is_not_listed_yet_is_not_traded() -> None:
    result = account([0.0, 0.0], [1.0, 1.0, 0.5])
    days = result.equity["time"]
    late = pd.DataFrame({"time": days[2:], "symbol": "Y", "weight": 0.5})
    joined = replace(result, weights=pd.concat([result.weights, late]))
    moves = pd.DataFrame({"X": 0.0, "Y": [np.nan] * 3}, index=pd.DatetimeIndex(days))
    assert turnover(joined, moves).tolist() == [0.0, 1.0]


def test_turnover_a_year_is_365_times_a_day_s() -> None:
    result = measure(account([0.0, 0.0], [0.0, 1.0, 1.0]), [0.0, 0.0])
    assert result["turnover_per_year"].value == pytest.approx(365 / 2)


def test_a_single_bar_has_reasons_instead_of_numbers() -> None:
    result = measure(account([]), [])
    for name in ("sharpe", "cagr", "total_return", "volatility", "turnover_per_year"):
        assert result[name].value is None, name
        assert result[name].reason
    assert result["max_drawdown"].value == 0.0
    assert result["fees_quote"].value == 0.0


def test_two_bars_have_growth_but_no_deviation() -> None:
    result = measure(account([0.01]), [0.01])
    assert result["total_return"].value == pytest.approx(0.01)
    assert result["volatility"].value is None
    assert result["sharpe"].value is None


def test_every_number_is_there_with_its_unit() -> None:
    result = measure(account([0.01, -0.01]), [0.01, -0.01])
    assert set(result) == {*PERFORMANCE, "trades"}
    assert result["fees_quote"].unit == "quote"
    assert set(no_performance("no account")) == set(result)
    assert no_performance("no account")["sharpe"] == Metric(
        None, "annualised ratio", reason="no account"
    )


@pytest.fixture(scope="module")
def long_run() -> tuple[list[float], Resampler]:
    returns = np.random.default_rng(4).normal(0.001, 0.03, 700)
    resampler = make_resampler(returns[:, None], 400, 0)
    assert resampler is not None
    return returns.tolist(), resampler


INTERVALS = (*GROWTH, *HELD)


def weights_of(returns: list[float]) -> list[float]:
    """Weights that move from bar to bar, the first bar's among them."""
    return [0.25, *(0.5 + 5 * np.array(returns))]


def test_intervals_hold_the_point(long_run: tuple[list[float], Resampler]) -> None:
    returns, resampler = long_run
    result = measure(account(returns, weights_of(returns)), returns, resampler=resampler)
    for name in INTERVALS:
        metric = result[name]
        assert metric.low < metric.value < metric.high, name
        assert metric.level == 0.95


def test_every_headline_number_but_what_was_paid_has_an_interval(
    long_run: tuple[list[float], Resampler],
) -> None:
    returns, resampler = long_run
    result = measure(account(returns, weights_of(returns)), returns, resampler=resampler)
    without = {name for name in PERFORMANCE if result[name].low is None}
    assert without == {"fees_quote", "slippage_quote", "funding_quote"}


@pytest.mark.parametrize("risk_free", [0.0, 0.04])
def test_the_draws_of_an_interval_use_the_formulas_of_the_point(
    long_run: tuple[list[float], Resampler], risk_free: float
) -> None:
    returns, resampler = long_run
    held = weights_of(returns)
    result = measure(account(returns, held), returns, resampler=resampler, risk_free=risk_free)
    rows = resampler.apply(lambda rows: rows)
    redrawn = []
    for row in rows:
        drawn, weights = np.array(returns)[row], np.array(held[1:])[row]
        again = account(drawn.tolist(), [held[0], *weights])
        redrawn.append(measure(again, drawn.tolist(), risk_free=risk_free))
    for name in (*GROWTH, "exposure"):
        values = [r[name].value for r in redrawn]
        low, high = np.quantile(values, [0.025, 0.975])
        assert (result[name].low, result[name].high) == (pytest.approx(low), pytest.approx(high))


def test_the_draws_of_turnover_are_of_what_was_traded_at_each_bar(
    long_run: tuple[list[float], Resampler],
) -> None:
    returns, resampler = long_run
    lived = account(returns, weights_of(returns))
    metric = measure(lived, returns, resampler=resampler)["turnover_per_year"]
    traded = turnover(lived, market(returns))
    draws = resampler.apply(lambda rows: traded[rows].mean(axis=1) * 365)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert (metric.low, metric.high) == (pytest.approx(low), pytest.approx(high))


def test_the_fall_of_a_history_that_only_rises_is_none() -> None:
    # A constant gain: in every draw the account stands at its high.
    returns = [0.01] * 100
    metric = measure(account(returns), returns, resampler=Resampler(100, 3.0, 100, 0))
    assert (metric["max_drawdown"].low, metric["max_drawdown"].high) == (0.0, 0.0)


def test_a_history_that_only_falls_falls_from_its_beginning() -> None:
    # 0.99¹⁰⁰ − 1 in every draw: the first high is what it began with.
    returns = [-0.01] * 100
    metric = measure(account(returns), returns, resampler=Resampler(100, 3.0, 100, 0))
    ends = (metric["max_drawdown"].low, metric["max_drawdown"].high)
    assert ends == pytest.approx((0.99**100 - 1,) * 2)


def test_a_lost_account_has_no_interval() -> None:
    returns = np.random.default_rng(4).normal(0.001, 0.03, 100)
    returns[50:] = [-1.0, *[0.0] * 49]
    result = measure(
        account(returns.tolist()), returns.tolist(), resampler=Resampler(100, 3.0, 100, 0)
    )
    assert result["max_drawdown"] == Metric(-1.0, "ratio")
    assert result["total_return"].reason == "the account was lost"


def test_the_interval_of_a_sharpe_ratio_has_the_width_of_theory() -> None:
    # Independent normal returns: the standard error of the yearly ratio is about √(365/n).
    returns = np.random.default_rng(5).normal(0.0, 0.02, 1460)
    resampler = Resampler(1460, 1.0, 2000, 0)
    metric = measure(account(returns.tolist()), returns.tolist(), resampler=resampler)["sharpe"]
    assert metric.high - metric.low == pytest.approx(2 * 1.96 * math.sqrt(365 / 1460), rel=0.08)


def test_two_equal_accounts_differ_by_exactly_nothing(
    long_run: tuple[list[float], Resampler],
) -> None:
    returns, resampler = long_run
    metric = sharpe_difference(np.array(returns), np.array(returns), resampler, 365, 0.0, 0.95)
    assert (metric.value, metric.low, metric.high) == (0.0, 0.0, 0.0)


def test_a_difference_is_the_one_ratio_less_the_other_drawn_together(
    long_run: tuple[list[float], Resampler],
) -> None:
    returns, resampler = long_run
    ours = np.array(returns)
    metric = sharpe_difference(ours + 0.001, ours, resampler, 365, 0.0, 0.95)
    assert metric.value == pytest.approx(sharpe(ours + 0.001, 365) - sharpe(ours, 365))
    # In every draw the same 0.001 a day is ahead: the interval is far from 0 and narrow.
    assert metric.low is not None
    assert metric.high is not None
    assert metric.value is not None
    assert 0 < metric.low < metric.value < metric.high < 1.2 * metric.value


def test_against_an_account_that_never_moves_there_is_no_difference() -> None:
    metric = sharpe_difference(np.array([0.1, -0.1, 0.2]), np.zeros(3), None, 365, 0.0, 0.95)
    assert (metric.value, metric.reason) == (None, "an account's returns do not vary")


def test_a_difference_is_between_ratios_over_the_risk_free_rate(
    long_run: tuple[list[float], Resampler],
) -> None:
    ours, theirs = np.array(long_run[0]), np.array(long_run[0]) / 2
    # Half the returns have half the deviation: the ratios differ by the rate they both lose to.
    assert sharpe_difference(ours, theirs, None, 365, 0.0, 0.95).value == pytest.approx(0.0)
    metric = sharpe_difference(ours, theirs, long_run[1], 365, 0.04, 0.95)
    lost = 0.04 / 365 / ours.std(ddof=1) * math.sqrt(365)
    assert metric.value == pytest.approx(-lost + 2 * lost)
    assert metric.value is not None
    assert metric.low is not None
    assert metric.high is not None
    assert metric.low < metric.value < metric.high
