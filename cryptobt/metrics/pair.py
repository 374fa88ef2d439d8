"""Two accounts over the same bars: what each of them did, and how sure the difference is."""

from typing import NamedTuple

import numpy as np

from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, measured, with_interval
from cryptobt.metrics.performance import LOST

_UNITS = {
    "sharpe": "annualised ratio",
    "cagr": "ratio a year",
    "total_return": "ratio",
    "volatility": "ratio a year",
    "max_drawdown": "ratio",
}
PAIRED = tuple(_UNITS)
_FLAT = "returns do not vary"
_ALL_BUT = -1 + 1e-12


class Pair(NamedTuple):
    """A number of two accounts, and the first one's less the second one's."""

    ours: Metric
    theirs: Metric
    difference: Metric


def paired_performance(
    ours: np.ndarray,
    theirs: np.ndarray,
    resampler: Resampler | None,
    periods: float,
    risk_free: float,
    level: float,
) -> dict[str, Pair]:
    """Measure two accounts, with intervals by the paired bootstrap.

    Parameters
    ----------
    ours, theirs : ndarray, shape (n,)
        Simple returns of the same bars, at least two.
    resampler : Resampler or None
        Draws of these bars; the same ones for both, so that what both share cancels out of the
        difference.
    periods : float
        Bars a year.
    risk_free : float
        Yearly rate, simple.
    level : float
        Of the intervals.

    Returns
    -------
    dict of Pair
        ``sharpe``, ``cagr``, ``total_return``, ``volatility`` and ``max_drawdown`` (0 or below), as
        a run's table has them; absent, with the reason, where one of the two is.
    """
    both = (ours, theirs)

    def measure(rows: np.ndarray) -> np.ndarray:
        return np.stack([_measured(one[rows], periods, risk_free) for one in both], axis=1)

    points = measure(np.arange(len(ours))[None])[0]
    draws = None if resampler is None else resampler.apply(measure)
    why = [LOST if returns.min() <= -1 else _FLAT for returns in both]
    return {
        name: _pair(
            _UNITS[name], points[:, row], why, None if draws is None else draws[:, :, row], level
        )
        for row, name in enumerate(PAIRED)
    }


def _pair(
    unit: str, points: np.ndarray, why: list[str], draws: np.ndarray | None, level: float
) -> Pair:
    """Wrap a number of both accounts, shape (2,), and its draws, shape (d, 2)."""
    values = [*points.tolist(), float(points[0] - points[1])]
    reasons = [*why, why[0] if np.isnan(points[0]) else why[1]]
    found = [measured(v, unit, reason) for v, reason in zip(values, reasons, strict=True)]
    if draws is not None:
        each = (draws[:, 0], draws[:, 1], draws[:, 0] - draws[:, 1])
        found = [with_interval(one, drawn, level) for one, drawn in zip(found, each, strict=True)]
    return Pair(*found)


def _measured(returns: np.ndarray, periods: float, risk_free: float) -> np.ndarray:
    """Measure histories, shape (d, n), by the names of ``PAIRED``: shape (d, 5), NaN for none."""
    bars = returns.shape[1]
    lost = (returns <= -1).any(axis=1)
    grown = np.log1p(np.maximum(returns, _ALL_BUT)).cumsum(axis=1)
    deviation = returns.std(axis=1, ddof=1)
    excess = returns.mean(axis=1) - risk_free / periods
    varies = (deviation > 1e-15) & ~lost
    ratio = np.divide(excess, deviation, out=np.full(len(returns), np.nan), where=varies)
    highest = np.maximum(np.maximum.accumulate(grown, axis=1), 0.0)
    columns = (
        ratio * np.sqrt(periods),
        np.where(lost, np.nan, np.expm1(grown[:, -1] * periods / bars)),
        np.where(lost, np.nan, np.expm1(grown[:, -1])),
        deviation * np.sqrt(periods),
        np.where(lost, -1.0, np.expm1((grown - highest).min(axis=1))),
    )
    return np.stack(columns, axis=1)
