"""What stretches of a long account came to: what a short record of it may look like."""

import numpy as np

from cryptobt.metrics.metric import Metric, absent

MIN_RETURNS = 5
MIN_TIMES = 4
_CELLS = 4_000_000


def stretch_ranges(
    returns: np.ndarray, bars: int, periods: float, risk_free: float, level: float
) -> dict[str, Metric]:
    """Measure every stretch of so many bars, and give the middle and the range of most of them.

    Stretches overlap, so that the range is that of the history there was and no confidence
    interval; it is the fair measure of a short record, whose drawdown and Sharpe ratio are not
    those of years.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Simple returns of the long account.
    bars : int
        Length of a stretch.
    periods : float
        Bars a year.
    level : float
        Share of the stretches inside the range.

    Returns
    -------
    dict
        ``sharpe``, ``volatility`` and ``max_drawdown``, valued at their median; absent for fewer
        than five bars, or where the account is not four times as long.
    """
    units = {"sharpe": "annualised ratio", "volatility": "ratio a year", "max_drawdown": "ratio"}
    reason = _why_not(returns, bars)
    if reason:
        return {name: absent(unit, reason) for name, unit in units.items()}
    found = _measured(returns, bars, periods, risk_free)
    ends = [(1 - level) / 2, 0.5, (1 + level) / 2]
    ranges = {}
    for (name, unit), values in zip(units.items(), found.T, strict=True):
        finite = values[np.isfinite(values)]
        if len(finite) < 0.9 * len(values):
            ranges[name] = absent(unit, "the account hardly moved")
            continue
        low, middle, high = (float(value) for value in np.quantile(finite, ends))
        ranges[name] = Metric(middle, unit, low, high, level)
    return ranges


def growth_range(returns: np.ndarray, bars: int, level: float) -> np.ndarray:
    """Growth after 0, 1, 2 … bars of most stretches of an account.

    Returns
    -------
    ndarray, shape (bars + 1, 2)
        Lower and upper end of the share ``level``; NaN from the length on at which the account is
        not four times as long.
    """
    growth = np.append(1.0, np.cumprod(1 + returns))
    ends = [(1 - level) / 2, (1 + level) / 2]
    found = np.full((bars + 1, 2), np.nan)
    found[0] = 1.0
    if growth.min() <= 0:
        return found
    for length in range(1, min(bars, len(returns) // MIN_TIMES) + 1):
        found[length] = np.quantile(growth[length:] / growth[:-length], ends)
    return found


def _why_not(returns: np.ndarray, bars: int) -> str:
    if bars < MIN_RETURNS:
        return f"fewer than {MIN_RETURNS} returns"
    if len(returns) < MIN_TIMES * bars:
        return f"the backtest is not {MIN_TIMES} times as long"
    return "the account was lost" if returns.min() <= -1 else ""


def _measured(returns: np.ndarray, bars: int, periods: float, risk_free: float) -> np.ndarray:
    """Sharpe ratio, volatility and deepest drawdown of each stretch, shape (stretches, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(returns, bars)
    size = max(1, _CELLS // bars)
    parts = [windows[first : first + size] for first in range(0, len(windows), size)]
    return np.concatenate([_of(part, periods, risk_free) for part in parts])


def _of(windows: np.ndarray, periods: float, risk_free: float) -> np.ndarray:
    deviation = windows.std(axis=1, ddof=1)
    excess, varies = windows.mean(axis=1) - risk_free / periods, deviation > 1e-12
    sharpe = np.divide(excess, deviation, out=np.full(len(excess), np.nan), where=varies)
    growth = np.cumprod(1 + windows, axis=1)
    highest = np.maximum(np.maximum.accumulate(growth, axis=1), 1.0)
    deepest = (growth / highest - 1).min(axis=1)
    return np.column_stack([sharpe * np.sqrt(periods), deviation * np.sqrt(periods), deepest])
