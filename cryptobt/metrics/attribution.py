"""Where a return came from: what was held, when, how much, how it was filled, what was paid."""

import numpy as np
import pandas as pd

from cryptobt.core.types import BacktestResult
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, absent, measured, with_interval
from cryptobt.metrics.performance import LOST, held_weights, market_moves

PARTS = ("holding", "timing", "sizing", "execution")
COSTS = ("fees", "slippage", "funding")
ATTRIBUTION = (*PARTS, "gross", *COSTS, "net")
_UNIT = "ratio a year"


def attribution(
    result: BacktestResult,
    market_returns: pd.DataFrame,
    periods: float,
    resampler: Resampler | None,
    level: float,
) -> dict[str, Metric]:
    """Take a year's return apart.

    Parameters
    ----------
    market_returns : DataFrame
        Simple returns from close to close by time, one column a symbol; NaN before a symbol is
        listed.
    periods : float
        Bars a year.
    resampler : Resampler or None
        Bootstrap draws of the bars after the first decision. The weights usually held stay those
        of the whole run, so that the parts add up in every draw.
    level : float
        Of the intervals.

    Returns
    -------
    dict
        Metrics of :data:`ATTRIBUTION`, each the mean of :func:`bar_parts` × bars a year: sums of
        simple returns, not compounded. None with fewer than two bars, and where the account was
        lost.
    """
    returns = result.equity["return"].to_numpy()[1:]
    if not len(returns) or returns.min() <= -1:
        reason = LOST if len(returns) else "fewer than two bars"
        return {name: absent(_UNIT, reason) for name in ATTRIBUTION}
    parts = bar_parts(result, market_returns) * periods
    metrics = {name: measured(float(parts[name].mean()), _UNIT) for name in ATTRIBUTION}
    if resampler is None:
        return metrics
    columns = parts.to_numpy().T
    draws = resampler.apply(lambda rows: np.stack([c[rows].mean(axis=1) for c in columns], axis=1))
    return {
        name: with_interval(metrics[name], drawn, level)
        for name, drawn in zip(ATTRIBUTION, draws.T, strict=True)
    }


def bar_parts(result: BacktestResult, market_returns: pd.DataFrame) -> pd.DataFrame:
    """Take the simple return of each bar after the first decision apart.

    With w the weight at the close before, r the return of the symbol since then, w̄ its mean
    weight over the bars at which it is listed, and d the sign of w times the mean size of w over
    the bars at which it is held, summed over the symbols:

    - holding, w̄·r: what the usual position earned by being there at all times;
    - timing, (d − w̄)·r: what it added to be in, at the usual size, at these bars and not others;
    - sizing, (w − d)·r: what it added to hold more at some of these bars and less at others;
    - execution, gross − w·r: what fills at another price than the close, such as the next open,
      made of it.

    Fees, slippage and funding are shares of the equity at the close before; gross is the net
    return with them given back. So holding + timing + sizing + execution = gross, and
    gross − fees − slippage − funding = net. w̄ and d are means over the whole run: a description
    of it, known at its end.

    Parameters
    ----------
    market_returns : DataFrame
        As in :func:`attribution`; NaN counts as 0.

    Returns
    -------
    DataFrame
        Index ``time``, columns :data:`ATTRIBUTION`. After a loss of all there was costs are 0.
    """
    equity = result.equity
    weights = held_weights(result)
    moves = market_moves(weights, market_returns)
    w, mean, usual = _usual(weights.to_numpy()[:-1])
    costs = _cost_shares(equity)
    net = equity["return"].to_numpy()[1:]
    gross = net + costs.sum(axis=1)
    earned = [(mean * moves), (usual - mean) * moves, (w - usual) * moves]
    parts = [part.sum(axis=1) for part in earned]
    parts.append(gross - (w * moves).sum(axis=1))
    table = np.column_stack([*parts, gross, costs, net])
    return pd.DataFrame(table, index=result.times[1:], columns=list(ATTRIBUTION))


def _usual(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights with 0 before a listing, their mean (1, k), and each bar's at the usual size."""
    listed = np.isfinite(weights)
    w = np.where(listed, weights, 0.0)
    mean = w.sum(axis=0, keepdims=True) / np.maximum(listed.sum(axis=0), 1)
    size = np.abs(w).sum(axis=0) / np.maximum((w != 0).sum(axis=0), 1)
    return w, mean, np.sign(w) * size


def _cost_shares(equity: pd.DataFrame) -> np.ndarray:
    """Fees, slippage and funding of each bar over the equity before it, shape (n, 3)."""
    paid = equity[[f"{name}_quote" for name in COSTS]].to_numpy(float)[1:]
    before = equity["equity_quote"].to_numpy(float)[:-1, None]
    return np.divide(paid, before, out=np.zeros_like(paid), where=before > 0)
