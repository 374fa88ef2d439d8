"""Which nights are to be decided, and which symbols they do without."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cryptobt.core.time import DAY, iso
from cryptobt.paper.gather import Known


@dataclass(frozen=True)
class DueNight:
    """A night whose bars are there.

    Attributes
    ----------
    absent : tuple of (str, Timestamp)
        Symbols that have been without a bar for so long that they are not waited for, and the
        newest bar that each has.
    """

    bar_at: pd.Timestamp
    absent: tuple[tuple[str, pd.Timestamp], ...] = ()


@dataclass(frozen=True)
class Due:
    """Nights to decide in order, and why the newest is not among them, where it is not."""

    nights: list[DueNight]
    missing: str = ""


def newest_bar(now: pd.Timestamp) -> pd.Timestamp:
    """Open of the newest daily bar that is over."""
    return now.floor("D") - DAY


def due_nights(
    known: Mapping[str, Known],
    last: pd.Timestamp | None,
    now: pd.Timestamp,
    absent_after: pd.Timedelta,
) -> Due:
    """Find the nights that can be decided.

    A night is due when every symbol has its bar, or a later one, or has had none since for longer
    than ``absent_after``, as its source says: one that gives no answer is waited for. What comes
    after a night that is not due waits for it.

    Parameters
    ----------
    last : Timestamp or None
        Newest bar that has been decided; None before the first night, which is that of the newest
        bar alone.
    """
    newest = newest_bar(now)
    nights: list[DueNight] = []
    for bar_at in _times(known, last, newest):
        behind = [one for one in known.values() if one.newest < bar_at]
        waits = [
            one for one in behind if one.unanswered or now - (one.newest + 2 * DAY) <= absent_after
        ]
        if waits or (last is None and (behind or bar_at < newest)):
            return Due(nights, _missing(waits or behind or list(known.values())))
        nights.append(DueNight(bar_at, tuple((one.symbol, one.newest) for one in behind)))
    done = nights[-1].bar_at if nights else last
    if done is None or done < newest:
        return Due(nights, _missing([one for one in known.values() if one.newest < newest]))
    return Due(nights)


def _times(
    known: Mapping[str, Known], last: pd.Timestamp | None, newest: pd.Timestamp
) -> list[pd.Timestamp]:
    """Times at which some symbol has a bar, after the last decided one."""
    every = pd.DatetimeIndex([]).tz_localize("UTC")
    for one in known.values():
        every = every.union(pd.DatetimeIndex(one.bars.index))
    every = every[every <= newest]
    return list(every[-1:] if last is None else every[every > last])


def _missing(waits: list[Known]) -> str:
    said = []
    for one in waits:
        # what a failure advises is for a backtest
        why = f" ({one.failure.partition('; ')[0]})" if one.failure else ""
        said.append(f"{one.symbol} after {iso(one.newest)}{why}")
    return "no complete bar of " + ", ".join(said)
