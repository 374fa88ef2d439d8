"""Bars of a longer interval from shorter ones, of complete periods only."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.time import epoch_ns, interval_label, iso
from cryptobt.core.types import MarketData
from cryptobt.data.validation import count_gaps

# a Monday, so that weeks begin as traders count them; every UTC day begins on this grid
_ORIGIN = pd.Timestamp("1970-01-05", tz="UTC")


def resample(market: MarketData, interval: pd.Timedelta) -> MarketData:
    """Join bars to bars of a multiple of their interval; periods with a missing bar are left out.

    A day is a UTC day, a week begins on Monday. A bar that does not open on the grid of its own
    interval counts as missing, since it may reach into the next period. What was left out is said
    in ``quality.warnings``, inside as a count with the first, at the ends each by its time; what
    was said of the shorter bars stays there under their interval.

    Causality: bar t holds what the bars of [t, t + ``interval``) hold, and is known at their end.

    Parameters
    ----------
    market : MarketData
    interval : Timedelta
        A multiple of ``market.interval``.

    Returns
    -------
    MarketData
        Open of the first bar, highest high, lowest low, close of the last, sum of the volumes
        (NaN if one is NaN).

    Raises
    ------
    UsageError
        If the interval is no multiple of that of the bars.
    DataInvalidError
        If fewer than two periods are complete.
    """
    if interval < market.interval or interval % market.interval != pd.Timedelta(0):
        raise UsageError(
            f"{market.symbol}: {interval_label(interval)} is no multiple of the bars' "
            f"{interval_label(market.interval)}; choose a multiple"
        )
    periods, starts, complete = _periods(market, interval)
    if np.count_nonzero(complete) < 2:
        raise DataInvalidError(
            f"{market.symbol}: {np.count_nonzero(complete)} complete period(s) of "
            f"{interval_label(interval)}; at least 2 are needed"
        )
    bars = _joined(market.bars, starts).loc[complete]
    bars.index = _instants(periods[complete], interval)
    gaps = count_gaps(pd.DatetimeIndex(bars.index), interval)
    notes = _left_out(periods, complete, interval)
    shorter = interval_label(market.interval)
    before = [f"in the {shorter} bars: {note}" for note in market.quality.warnings]
    quality = replace(market.quality, gaps=gaps, warnings=(*before, *notes))
    return replace(market, interval=interval, bars=bars, quality=quality)


def _periods(
    market: MarketData, interval: pd.Timedelta
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the periods that have bars, find their first rows, and mark the complete ones."""
    since = epoch_ns(market.times) - _ORIGIN.value
    periods, starts, counts = np.unique(
        since // interval.value, return_index=True, return_counts=True
    )
    off_grid = np.add.reduceat((since % market.interval.value != 0).astype(int), starts)
    complete = (counts == interval // market.interval) & (off_grid == 0)
    return periods, starts, complete


def _instants(periods: np.ndarray, interval: pd.Timedelta) -> pd.DatetimeIndex:
    opens = pd.DatetimeIndex((periods * interval.value + _ORIGIN.value).view("M8[ns]"))
    return opens.tz_localize("UTC").rename(columns.TIME)


def _joined(bars: pd.DataFrame, starts: np.ndarray) -> pd.DataFrame:
    ends = np.append(starts[1:], len(bars)) - 1
    joined = {
        columns.OPEN: bars[columns.OPEN].to_numpy()[starts],
        columns.HIGH: np.maximum.reduceat(bars[columns.HIGH].to_numpy(), starts),
        columns.LOW: np.minimum.reduceat(bars[columns.LOW].to_numpy(), starts),
        columns.CLOSE: bars[columns.CLOSE].to_numpy()[ends],
        columns.VOLUME: np.add.reduceat(bars[columns.VOLUME].to_numpy(), starts),
    }
    return pd.DataFrame(joined)


def _left_out(periods: np.ndarray, complete: np.ndarray, interval: pd.Timedelta) -> list[str]:
    label = interval_label(interval)
    notes = []
    for place, words in ((0, "first"), (-1, "last")):
        if not complete[place]:
            time = iso(_instants(periods[[place]], interval)[0])
            notes.append(f"the {words} {label} period, {time}, is not complete and was left out")
    kept = set(periods[complete].tolist())
    inside = [number for number in range(periods[0] + 1, periods[-1]) if number not in kept]
    if inside:
        first = iso(_instants(np.array(inside[:1]), interval)[0])
        notes.append(
            f"{len(inside)} {label} period(s) with missing bars left out as gaps, first {first}"
        )
    return notes
