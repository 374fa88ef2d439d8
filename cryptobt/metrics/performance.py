"""What an account earned, what it risked and what it paid."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cryptobt.core.types import BacktestResult
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, absent, measured, with_interval

PERFORMANCE = (
    "sharpe",
    "cagr",
    "total_return",
    "volatility",
    "max_drawdown",
    "turnover_per_year",
    "exposure",
    "fees_quote",
    "slippage_quote",
    "funding_quote",
)
# With an interval: draws of the first are of returns, those of the second of weights.
GROWTH = ("sharpe", "cagr", "total_return", "volatility", "max_drawdown")
HELD = ("turnover_per_year", "exposure")
LOST = "the account was lost"
# Paths of this many draws fit into a processor's cache.
_DRAWS_AT_ONCE = 16
_UNITS = dict.fromkeys(PERFORMANCE, "ratio") | {
    "sharpe": "annualised ratio",
    "cagr": "ratio a year",
    "volatility": "ratio a year",
    "turnover_per_year": "times equity a year, one way",
    "exposure": "mean share of equity",
    "fees_quote": "quote",
    "slippage_quote": "quote",
    "funding_quote": "quote",
}


def performance(
    result: BacktestResult,
    market_returns: pd.DataFrame,
    periods: float,
    risk_free: float,
    resampler: Resampler | None,
    level: float,
) -> dict[str, Metric | int]:
    """Measure an account.

    Parameters
    ----------
    market_returns : DataFrame
        Simple returns by time, one column a symbol, to let the weights before drift; NaN before a
        symbol is listed.
    periods : float
        Bars a year.
    risk_free : float
        Yearly rate, simple.
    resampler : Resampler or None
        Bootstrap draws of the bars after the first decision.
    level : float
        Of the intervals, which costs have none of.
    """
    equity = result.equity
    returns = equity["return"].to_numpy()[1:]
    traded = turnover(result, market_returns)
    lost = (returns <= -1).any()
    growth = float(np.log1p(returns).sum()) if len(returns) and not lost else np.nan
    deviation = returns.std(ddof=1) if len(returns) > 1 else np.nan
    short = LOST if lost else "fewer than two bars"
    values = {
        "sharpe": (sharpe(returns, periods, risk_free), LOST if lost else "returns do not vary"),
        "cagr": (np.expm1(growth * periods / len(returns)) if len(returns) else np.nan, short),
        "total_return": (np.expm1(growth), short),
        "volatility": (deviation * np.sqrt(periods), short),
        "max_drawdown": (equity["drawdown"].min(), short),
        "turnover_per_year": (_mean_known(traded) * periods, short),
        "exposure": (equity["gross_weight"].mean(), short),
        "fees_quote": (equity["fees_quote"].sum(), short),
        "slippage_quote": (equity["slippage_quote"].sum(), short),
        "funding_quote": (equity["funding_quote"].sum(), short),
    }
    metrics = {k: measured(float(v), _UNITS[k], why) for k, (v, why) in values.items()}
    if resampler is not None:
        held = _redraw_held(equity["gross_weight"].to_numpy(), traded, periods)
        grown = _redraw_growth(returns, periods, risk_free)
        metrics |= _intervals(metrics, grown, held, resampler, level)
    return {**metrics, "trades": len(result.trades)}


def no_performance(reason: str) -> dict[str, Metric | int]:
    """Performance of a row that holds no account."""
    return {name: absent(_UNITS[name], reason) for name in PERFORMANCE} | {"trades": 0}


def symbol_account(result: BacktestResult, symbol: str) -> dict[str, Metric]:
    """What one symbol did to an account: share held, profit of its trades, what it paid."""
    held = result.weights[result.weights["symbol"] == symbol]["weight"].abs()
    trades = result.trades[result.trades["symbol"] == symbol]
    fills = result.fills[result.fills["symbol"] == symbol]
    return {
        # Over all decisions: before its listing nothing of it is held.
        "exposure": measured(float(held.sum() / len(result.equity)), _UNITS["exposure"]),
        "pnl_quote": measured(float(trades["pnl_quote"].sum()), "quote"),
        "fees_quote": measured(float(fills["fee_quote"].sum()), "quote"),
        "slippage_quote": measured(float(fills["slippage_quote"].sum()), "quote"),
    }


def sharpe(returns: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Annualised Sharpe ratio of simple returns per bar, deviation with ddof 1.

    NaN where the returns are constant, and where one of them took the whole account.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Simple returns per bar.
    periods : float
        Bars a year.
    """
    if len(returns) < 2 or returns.min() <= -1:
        return float("nan")
    if (deviation := returns.std(ddof=1)) <= 1e-15:
        return float("nan")
    return float((returns.mean() - risk_free / periods) / deviation * np.sqrt(periods))


def turnover(result: BacktestResult, market_returns: pd.DataFrame) -> np.ndarray:
    """One-way turnover of each bar: the weights against those before, drifted with the prices.

    ``Σ_i |w_{i,t} − w_{i,t−1}(1+r_{i,t}) / (1 + Σ_j w_{j,t−1} r_{j,t})|``

    Returns
    -------
    ndarray, shape (n,)
        Of the bars after the first; NaN at a bar that takes all there was, which leaves no weights
        to compare with.
    """
    held = held_weights(result)
    moves, weights = market_moves(held, market_returns), held.fillna(0.0).to_numpy()
    now, before = weights[1:], weights[:-1]
    growth = 1 + (before * moves).sum(axis=1, keepdims=True)
    grown = np.where(growth > 0, growth, np.nan)
    return np.asarray(np.abs(now - before * (1 + moves) / grown).sum(axis=1))


def held_weights(result: BacktestResult) -> pd.DataFrame:
    """Weights at the close, time × symbol; NaN before a symbol is listed."""
    held = result.weights.pivot_table(index="time", columns="symbol", values="weight", sort=False)
    return held.reindex(result.times)


def market_moves(held: pd.DataFrame, market_returns: pd.DataFrame) -> np.ndarray:
    """Returns after the first decision of the symbols of :func:`held_weights`; 0 where unknown.

    Returns
    -------
    ndarray, shape (n, k)
    """
    moves = market_returns.reindex(held.index)[list(held.columns)].fillna(0.0)
    return moves.to_numpy()[1:]


def sharpe_difference(
    ours: np.ndarray,
    theirs: np.ndarray,
    resampler: Resampler | None,
    periods: float,
    risk_free: float,
    level: float,
) -> Metric:
    """Sharpe ratio of one account minus another's over the same bars, by paired bootstrap."""
    point = sharpe(ours, periods, risk_free) - sharpe(theirs, periods, risk_free)
    lost = min(ours.min(initial=0.0), theirs.min(initial=0.0)) <= -1
    why = "an account was lost" if lost else "an account's returns do not vary"
    metric = measured(point, _UNITS["sharpe"], why)
    if resampler is None:
        return metric
    draws = resampler.apply(
        lambda rows: (
            sharpes(ours[rows], periods, risk_free) - sharpes(theirs[rows], periods, risk_free)
        )
    )
    return with_interval(metric, draws, level)


def _intervals(
    metrics: dict[str, Metric],
    grown: Callable[[np.ndarray], np.ndarray],
    held: Callable[[np.ndarray], np.ndarray],
    resampler: Resampler,
    level: float,
) -> dict[str, Metric]:
    # In one go: the draws of a long history are made anew each time that they are asked for.
    draws = resampler.apply(lambda rows: np.column_stack([grown(rows), held(rows)]))
    return {
        name: with_interval(metrics[name], drawn, level)
        for name, drawn in zip((*GROWTH, *HELD), draws.T, strict=True)
    }


def _redraw_growth(
    returns: np.ndarray, periods: float, risk_free: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Values of :data:`GROWTH` of resampled histories."""
    # With the bar that took all there was no history has a growth, nor the account an interval.
    log_returns = np.log1p(np.where(returns > -1, returns, np.nan))

    def redraw(rows: np.ndarray) -> np.ndarray:
        mean, deviation = _moments(returns[rows])
        growth, deepest = _growth_and_fall(log_returns, rows)
        return np.stack(
            [
                _ratio(mean, deviation, periods, risk_free),
                np.expm1(growth * periods / len(returns)),
                np.expm1(growth),
                deviation * np.sqrt(periods),
                np.expm1(deepest),
            ],
            axis=1,
        )

    return redraw


def _growth_and_fall(log_returns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log growth of each draw and its deepest fall from a high, the beginning being the first."""
    growth, deepest = np.empty(len(rows)), np.empty(len(rows))
    for first in range(0, len(rows), _DRAWS_AT_ONCE):
        part = slice(first, first + _DRAWS_AT_ONCE)
        path = log_returns[rows[part]]
        growth[part] = path.sum(axis=1)
        np.cumsum(path, axis=1, out=path)
        path -= np.maximum(np.maximum.accumulate(path, axis=1), 0.0)
        deepest[part] = path.min(axis=1)
    return growth, deepest


def _redraw_held(
    held: np.ndarray, traded: np.ndarray, periods: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Values of :data:`HELD` of resampled histories."""
    # The bar of the first decision is no part of a history, and begins each of them.
    first, held = held[0], held[1:]

    def redraw(rows: np.ndarray) -> np.ndarray:
        exposure = (first + held[rows].sum(axis=1)) / (len(held) + 1)
        return np.stack([traded[rows].mean(axis=1) * periods, exposure], axis=1)

    return redraw


def _mean_known(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def sharpes(resampled: np.ndarray, periods: float, risk_free: float) -> np.ndarray:
    """Annualised Sharpe ratio of resampled histories, shape (draws, n) to (draws,).

    NaN where a history does not vary.
    """
    return _ratio(*_moments(resampled), periods, risk_free)


def _moments(resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (ddof 1) of each draw, shape (draws, n) to (draws,)."""
    n = resampled.shape[1]
    mean = resampled.mean(axis=1)
    # One pass; returns are so small beside 1 that the subtraction costs no digit that matters.
    square = np.einsum("ij,ij->i", resampled, resampled)
    return mean, np.sqrt(np.maximum(square - n * mean**2, 0.0) / (n - 1))


def _ratio(mean: np.ndarray, deviation: np.ndarray, periods: float, risk_free: float) -> np.ndarray:
    excess, varies = mean - risk_free / periods, deviation > 1e-12
    ratio = np.divide(excess, deviation, out=np.full(len(excess), np.nan), where=varies)
    return np.asarray(ratio * np.sqrt(periods))
