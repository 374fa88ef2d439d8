"""How a feature set is asked for columns again and again, each time in the same state."""

import contextlib
import io
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE, HIGH, LOW, VOLUME
from cryptobt.core.errors import UsageError
from cryptobt.features.feature_set import FeatureSet
from cryptobt.features.sets import join
from cryptobt.jobs.audits.differences import Difference, first_difference
from cryptobt.jobs.audits.disk import Disk
from cryptobt.jobs.audits.futures import World, exchanged

_FEW = 7
_SPREAD = 14
_FIRST_ROWS = 10
_FEW_MOVES = 2
MOST_SEARCHED = 800
"""Bars at which the future is cut away once more, to find the first row that knows it."""
LONGEST_SEARCH_S = 20.0
"""For code so slow that it could not be asked that often: the first row found until then."""


@dataclass(frozen=True)
class Columns:
    """A feature set that is loaded once, as a long-running program would.

    Attributes
    ----------
    writes : bool
        Whether it writes files: each call then has a disk of its own.
    """

    feature_set: FeatureSet
    writes: bool = False

    def joined(self, world: World) -> pd.DataFrame:
        """What it is given beside the bars."""
        wanted = self.feature_set.extras
        if wanted is None:
            wanted = tuple(str(name) for one in world.extras for name in one.frame.columns)
        return join(world.market, world.extras, wanted)

    def of(self, world: World) -> pd.DataFrame:
        """Its columns in a world, as a forecaster would be given them.

        Raises
        ------
        UsageError
            If a user's own set fails.
        """
        return self.made(world.market.bars, self.joined(world))

    def made(self, bars: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame:
        """Its columns on these bars, with what was joined to them.

        Random numbers begin anew each time, where their state is numpy's or Python's own; what
        the code prints is not shown: it is asked a hundred times.
        """
        apart = disk_of_its_own() if self.writes else contextlib.nullcontext()
        with apart, same_random_numbers(), contextlib.redirect_stderr(io.StringIO()):
            found = self.feature_set.compute(bars, joined)
        return found.replace([np.inf, -np.inf], np.nan).astype(float)

    def made_or_none(self, bars: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame | None:
        """The same; None where a user's own set cannot be asked."""
        try:
            return self.made(bars, joined)
        except UsageError:
            return None

    def or_none(self, world: World) -> pd.DataFrame | None:
        """Its columns in a changed world; None where a user's own set cannot be asked there."""
        try:
            return self.of(world)
        except UsageError:
            return None


@contextlib.contextmanager
def disk_of_its_own() -> Iterator[None]:
    """Let code that writes files leave none behind, and find none of its own from before."""
    with tempfile.TemporaryDirectory() as folder, Disk(Path(folder)).in_use():
        yield


@contextlib.contextmanager
def same_random_numbers() -> Iterator[None]:
    """Let every call draw the same random numbers, and put back what was there."""
    ours, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 the global state is what user code draws from
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)  # noqa: NPY002


def stops(times: pd.DatetimeIndex, warm_up: int) -> list[pd.Timestamp]:
    """Bars after which the future is changed: after the warm-up, all over, and the last days.

    No two neighbours are a whole number of weeks apart, so that every weekday is among them.
    """
    last = len(times) - 2
    first = min(max(warm_up, 1), last)
    spread = [int(bar) + place % _FEW for place, bar in enumerate(
        np.linspace(first, max(last - 2 * _FEW, first), _SPREAD)
    )]  # fmt: skip
    bars = {first, min(first + 1, last), *spread, *range(max(last - _FEW, first), last + 1)}
    return [times[bar] for bar in sorted(bars) if 0 <= bar <= last]


def rare_bars(bars: pd.DataFrame, warm_up: int) -> list[pd.Timestamp]:
    """Bars on which code may do what it does on no other: the market's extremes, ends, gaps.

    The largest moves, the widest range, the most and the least volume; a last and a first bar of
    a day, month, quarter and year; the bars around a gap.
    """
    given = bars.iloc[max(warm_up, 1) : -1]
    if len(given) < _SPREAD:
        return []
    times, width = pd.DatetimeIndex(given.index), given[HIGH] / given[LOW]
    volume, moves = given[VOLUME].fillna(0.0), given[CLOSE].pct_change().fillna(0.0)
    ranked = moves.to_numpy().argsort(kind="stable")
    places = {*ranked[:_FEW_MOVES].tolist(), *ranked[-_FEW_MOVES:].tolist()}
    places |= {int(width.argmax()), int(volume.argmax()), int(volume.argmin())}
    changes = [
        np.diff(times.asi8) > np.diff(times.asi8).min(),
        *(np.diff(unit) != 0 for unit in (times.day, times.month, times.quarter, times.year)),
    ]
    for change in changes:
        ends = change.nonzero()[0]
        places |= {int(end) + after for after in (0, 1) for end in ends[len(ends) // 2 :][:1]}
    return [times[place] for place in sorted(places)]


@dataclass
class Search:
    """Looks for the first row of a column that depends on later bars.

    Attributes
    ----------
    first : Timestamp
        The first row that is known to.
    """

    columns: Columns
    world: World
    whole: pd.DataFrame
    column: str
    first: pd.Timestamp

    def earliest(self) -> pd.Timestamp:
        """Cut the future away at one bar after the other, the earliest first.

        A row can depend on bars long after it, so that bars behind the first row found so far
        are tried as well; the first row that has a value ends the search.
        """
        there = self.whole[self.column].notna().to_numpy()
        begins = int(there.argmax())
        start = self.world.times[begins]
        joined, began = self.columns.joined(self.world), time.monotonic()
        tries = [(bar, True) for bar in self._bars()]
        tries += [(bar, False) for bar in range(begins, begins + _FIRST_ROWS)]
        for bar, away in tries:
            late = time.monotonic() - began > LONGEST_SEARCH_S
            if self.first <= start or late:
                break
            found = self._cut(bar, joined) if away else self._exchanged(bar)
            if found is not None:
                self.first = min(self.first, found.time)
        return self.first

    def _cut(self, bar: int, joined: pd.DataFrame) -> Difference | None:
        bars = self.world.market.bars
        other = self.columns.made_or_none(bars.iloc[: bar + 1], joined.iloc[: bar + 1])
        return None if other is None else first_difference(self.whole[[self.column]], other)

    def _exchanged(self, bar: int) -> Difference | None:
        """The same with another future, for code that so few bars are not enough for."""
        time = self.world.times[min(bar, len(self.world.times) - 2)]
        if time >= self.first:
            return None
        other = self.columns.or_none(exchanged(self.world, time))
        return None if other is None else first_difference(self.whole[[self.column]], other, time)

    def _bars(self) -> list[int]:
        count = len(self.world.times)
        early = list(range(min(count - 1, MOST_SEARCHED // 2)))
        rest = np.linspace(len(early), count - 2, MOST_SEARCHED - len(early)).astype(int)
        return list(dict.fromkeys([*early, *(bar for bar in rest.tolist() if bar < count - 1)]))
