"""What an account earned, what it risked and what it paid."""

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
LOST = "the account was lost"
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
        Of the intervals of Sharpe, CAGR, total return and volatility.
    """
    equity = result.equity
    returns = equity["return"].to_numpy()[1:]
    short = "fewer than two bars"
    lost = (returns <= -1).any()
    growth = float(np.log1p(returns).sum()) if len(returns) and not lost else np.nan
    short = LOST if lost else short
    values = {
        "sharpe": (sharpe(returns, periods, risk_free), LOST if lost else "returns do not vary"),
        "cagr": (np.expm1(growth * periods / len(returns)) if len(returns) else np.nan, short),
        "total_return": (np.expm1(growth), short),
        "volatility": (
            returns.std(ddof=1) * np.sqrt(periods) if len(returns) > 1 else np.nan,
            short,
        ),
        "max_drawdown": (equity["drawdown"].min(), short),
        "turnover_per_year": (turnover(result, market_returns) * periods, short),
        "exposure": (equity["gross_weight"].mean(), short),
        "fees_quote": (equity["fees_quote"].sum(), short),
        "slippage_quote": (equity["slippage_quote"].sum(), short),
        "funding_quote": (equity["funding_quote"].sum(), short),
    }
    metrics = {k: measured(float(v), _UNITS[k], why) for k, (v, why) in values.items()}
    if resampler is not None:
        metrics |= _intervals(metrics, returns, resampler, periods, risk_free, level)
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


def turnover(result: BacktestResult, market_returns: pd.DataFrame) -> float:
    """Mean one-way turnover a bar: the weights against those before, drifted with the prices.

    ``Σ_i |w_{i,t} − w_{i,t−1}(1+r_{i,t}) / (1 + Σ_j w_{j,t−1} r_{j,t})|``; NaN with fewer than two
    bars.
    """
    held = result.weights.pivot_table(index="time", columns="symbol", values="weight", sort=False)
    weights = held.reindex(result.times).fillna(0.0)
    moves = market_returns.reindex(result.times)[weights.columns].fillna(0.0).to_numpy()[1:]
    if not len(moves):
        return float("nan")
    now, before = weights.to_numpy()[1:], weights.to_numpy()[:-1]
    growth = 1 + (before * moves).sum(axis=1, keepdims=True)
    # A bar that takes all there was leaves no weights to compare with.
    alive = growth[:, 0] > 0
    drifted = before[alive] * (1 + moves[alive]) / growth[alive]
    traded = np.abs(now[alive] - drifted).sum(axis=1)
    return float(traded.mean()) if len(traded) else float("nan")


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
            _sharpes(ours[rows], periods, risk_free) - _sharpes(theirs[rows], periods, risk_free)
        )
    )
    return with_interval(metric, draws, level)


def _intervals(
    metrics: dict[str, Metric],
    returns: np.ndarray,
    resampler: Resampler,
    periods: float,
    risk_free: float,
    level: float,
) -> dict[str, Metric]:
    log_returns = np.log1p(np.maximum(returns, -1 + 1e-12))

    def redraw(rows: np.ndarray) -> np.ndarray:
        mean, deviation = _moments(returns[rows])
        growth = log_returns[rows].sum(axis=1)
        return np.stack(
            [
                _ratio(mean, deviation, periods, risk_free),
                np.expm1(growth * periods / len(returns)),
                np.expm1(growth),
                deviation * np.sqrt(periods),
            ],
            axis=1,
        )

    draws = resampler.apply(redraw).T
    names = ("sharpe", "cagr", "total_return", "volatility")
    return {
        k: with_interval(metrics[k], drawn, level) for k, drawn in zip(names, draws, strict=True)
    }


def _sharpes(resampled: np.ndarray, periods: float, risk_free: float) -> np.ndarray:
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
