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
    market_returns: pd.Series,
    periods: float,
    risk_free: float,
    resampler: Resampler | None,
    level: float,
) -> dict[str, Metric | int]:
    """Measure an account.

    Parameters
    ----------
    market_returns : Series
        Simple returns of the symbol by bar, to let yesterday's weight drift.
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
    short = "the account was lost" if lost else short
    values = {
        "sharpe": (sharpe(returns, periods, risk_free), "returns do not vary"),
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


def sharpe(returns: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Annualised Sharpe ratio of simple returns per bar, deviation with ddof 1; NaN if constant.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Simple returns per bar.
    periods : float
        Bars a year.
    """
    if len(returns) < 2 or (deviation := returns.std(ddof=1)) <= 1e-15:
        return float("nan")
    return float((returns.mean() - risk_free / periods) / deviation * np.sqrt(periods))


def turnover(result: BacktestResult, market_returns: pd.Series) -> float:
    """Mean one-way turnover a bar: the weight against yesterday's weight, drifted with the price.

    ``|w_t − w_{t−1}(1+r_t)/(1+w_{t−1}r_t)|``; NaN with fewer than two bars.
    """
    weights = result.weights["weight"].to_numpy()
    moves = market_returns.reindex(result.returns.index).to_numpy()[1:]
    if not len(moves):
        return float("nan")
    before = weights[:-1]
    drifted = before * (1 + moves) / (1 + before * moves)
    return float(np.abs(weights[1:] - drifted).mean())


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
    metric = measured(point, _UNITS["sharpe"], "an account's returns do not vary")
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
