"""The clock of a night: the wall's, or one that stands still where ``--as-of`` put it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Clock:
    """What time it is, and how to wait.

    Attributes
    ----------
    now : callable
        The instant in UTC, to the second.
    sleep : callable
        Waits a number of seconds.
    simulated : bool
        Whether it stands still: nothing is waited for.
    """

    now: Callable[[], pd.Timestamp]
    sleep: Callable[[float], object] = time.sleep
    simulated: bool = False


def wall_clock() -> Clock:
    """The machine's own clock; its time zone does not matter."""
    return Clock(lambda: pd.Timestamp.now("UTC").floor("s").as_unit("ns"))


def stopped_clock(instant: pd.Timestamp) -> Clock:
    """A clock that always shows one instant, to the second."""
    return Clock(lambda: instant.floor("s"), simulated=True)
