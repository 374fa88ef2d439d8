"""Falls from a high and the way back; the best and the worst day and month."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cryptobt.core.time import DAY, naive_utc
from cryptobt.metrics.metric import Metric, absent, measured

_NO_BAR = "no bar after the first decision"
_MONTH = pd.Timedelta(days=28)


@dataclass(frozen=True)
class Drawdown:
    """One fall below a high.

    Attributes
    ----------
    start : Timestamp
        Bar of the high: the last one before the fall.
    bottom : Timestamp
        First bar of the lowest equity.
    recovered : Timestamp or None
        First bar at or above the high again; None where it was not reached.
    depth : float
        Equity at the bottom over the high, less 1; below 0.
    bars : int
        From the high to the recovery, or to the last bar.
    bars_down : int
        From the high to the bottom.
    """

    start: pd.Timestamp
    bottom: pd.Timestamp
    recovered: pd.Timestamp | None
    depth: float
    bars: int
    bars_down: int


@dataclass(frozen=True)
class Calendar:
    """A calendar day or month that stands out.

    Attributes
    ----------
    value : Metric
        Simple return, compounded over its bars.
    at : str or None
        ``2024-01-31`` or ``2024-01``, in UTC.
    """

    value: Metric
    at: str | None


def drawdowns(equity: pd.Series, deepest: int = 5) -> list[Drawdown]:
    """List the deepest falls of an account, deepest first, of equal ones the earlier.

    Parameters
    ----------
    equity : Series
        Equity at each close in quote, by ``time``; the first is the first high.
    deepest : int
        How many at most.

    Returns
    -------
    list of Drawdown
        Falls from high to high: they do not overlap.
    """
    values = equity.to_numpy(float)
    times = pd.DatetimeIndex(equity.index)
    found = [_drawdown(values, times, first, end) for first, end in _under_water(values)]
    return sorted(found, key=lambda fall: fall.depth)[:deepest]


def time_under_water(equity: pd.Series) -> Metric:
    """Share of the bars after the first at which the account was below its high.

    Parameters
    ----------
    equity : Series
        As in :func:`drawdowns`.
    """
    under = sum(end - first for first, end in _under_water(equity.to_numpy(float)))
    return measured(under / (len(equity) - 1) if len(equity) > 1 else np.nan, "ratio", _NO_BAR)


def longest_under_water(equity: pd.Series) -> Metric:
    """Longest run of bars at which the account was below its high; 0 where it never was.

    Parameters
    ----------
    equity : Series
        As in :func:`drawdowns`.
    """
    if len(equity) < 2:
        return absent("bars", _NO_BAR)
    runs = [end - first for first, end in _under_water(equity.to_numpy(float))]
    return measured(max(runs, default=0), "bars")


def extreme_periods(
    returns: pd.Series, interval: pd.Timedelta, unit: Literal["day", "month"]
) -> tuple[Calendar, Calendar]:
    """Find the worst and the best calendar day or month, of equal ones the earlier.

    A bar belongs to the day and the month in UTC in which it opens. The first and the last of them
    count with the bars that they have, and a bar after a gap carries the return since the one
    before the gap.

    Parameters
    ----------
    returns : Series
        Simple returns per bar, by ``time``.
    interval : Timedelta
        Of the bars.

    Returns
    -------
    tuple of Calendar
        Worst and best; valued None where there is no bar, and where bars are longer than the unit.
    """
    if interval > (DAY if unit == "day" else _MONTH):
        return (_absent(f"bars are longer than a {unit}"),) * 2
    if returns.empty:
        return (_absent(_NO_BAR),) * 2
    periods = naive_utc(pd.DatetimeIndex(returns.index)).to_period("D" if unit == "day" else "M")
    first = np.flatnonzero(np.append(True, periods[1:] != periods[:-1]))
    earned = np.multiply.reduceat(1 + returns.to_numpy(float), first) - 1
    worst, best = int(earned.argmin()), int(earned.argmax())
    return _found(earned[worst], periods[first[worst]]), _found(earned[best], periods[first[best]])


def _under_water(equity: np.ndarray) -> list[tuple[int, int]]:
    """Runs of bars below the highest equity so far: first row, and the row after the last."""
    below = equity < np.maximum.accumulate(equity) if len(equity) else np.zeros(0, dtype=bool)
    turns = np.flatnonzero(np.diff(below.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(end)) for first, end in turns.reshape(-1, 2)]


def _drawdown(equity: np.ndarray, times: pd.DatetimeIndex, first: int, end: int) -> Drawdown:
    start, bottom = first - 1, first + int(equity[first:end].argmin())
    back = end < len(equity)
    return Drawdown(
        start=times[start],
        bottom=times[bottom],
        recovered=times[end] if back else None,
        depth=float(equity[bottom] / equity[start] - 1),
        bars=(end if back else end - 1) - start,
        bars_down=bottom - start,
    )


def _found(value: float, period: pd.Period) -> Calendar:
    return Calendar(measured(float(value), "ratio"), str(period))


def _absent(reason: str) -> Calendar:
    return Calendar(absent("ratio", reason), None)
