"""Whether a feature knows later bars: they are cut away, exchanged, and given holes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from cryptobt.jobs.audits.asking import Columns, Search, rare_bars, stops
from cryptobt.jobs.audits.checks import Check, Place, Question, every, leaked, listed
from cryptobt.jobs.audits.differences import Difference, first_difference
from cryptobt.jobs.audits.futures import (
    World,
    cut,
    exchanged,
    exchanged_extras,
    exchanged_rows,
    with_gap,
    with_holes,
)
from cryptobt.jobs.audits.history import HISTORY, shorter_history
from cryptobt.jobs.audits.locate import find_place

AGAIN = Question("features, asked twice", "features", "the same bars give the same columns")
CUT = Question(
    "features, future cut away", "features", "no value changes when later bars are cut away"
)
EXCHANGED = Question(
    "features, another future", "features", "no value changes when other bars follow"
)
HOLES = Question(
    "features, holes in the data",
    "features",
    "where nothing was published, nothing is filled in from later",
)
GAP = Question("features, a gap in the bars", "features", "a gap is not filled from its far side")
UNPUBLISHED = Question(
    "series, not published yet", "data", "no value changes with rows that are published later"
)
QUESTIONS = (CUT, EXCHANGED, UNPUBLISHED, HOLES, GAP, HISTORY)
_WITHOUT, _FOLLOWED = "without them", "when others follow"


@dataclass(frozen=True)
class FeatureChecks:
    """All questions to the feature set of one symbol.

    Attributes
    ----------
    symbol : str or None
        Told in the checks; None where there is only one.
    few : bool
        Whether only some bars are tried, as for all symbols but the first.
    """

    columns: Columns
    world: World
    symbol: str | None = None
    few: bool = False
    searched: dict[str, pd.Timestamp] = field(default_factory=dict)
    places: dict[str, Place | None] = field(default_factory=dict)

    @cached_property
    def whole(self) -> pd.DataFrame:
        """Columns of the world as it is."""
        return self.columns.of(self.world)

    @cached_property
    def joined(self) -> pd.DataFrame:
        """What stands beside the bars of the world as it is."""
        return self.columns.joined(self.world)

    @cached_property
    def warm_up(self) -> int:
        """Place of the first row in which every column has a value."""
        rows = self.whole.notna().all(axis=1).to_numpy()
        return int(rows.argmax()) if rows.any() else 0

    @cached_property
    def stops(self) -> list[pd.Timestamp]:
        """Bars after which the future is changed."""
        found = stops(self.world.times, self.warm_up)
        return found[::4] if self.few else found

    @cached_property
    def cuts(self) -> list[pd.Timestamp]:
        """Bars after which it is cut away: those, and the ones at which something rare happens."""
        rare = [] if self.few else rare_bars(self.world.market.bars, self.warm_up)
        return sorted({*self.stops, *rare})

    def checks(self) -> list[Check]:
        """Answer every question, those that mean nothing by why."""
        again = first_difference(self.whole, self.columns.of(self.world))
        if again is not None:
            told = (
                f"two calls with the same bars differ in {listed(again.columns)} "
                f"(first at {again.time:%F}): random numbers without a seed, or a state that is "
                "kept between calls"
            )
            found = AGAIN.noted(told, time=again.time, column=again.column, symbol=self.symbol)
            return [found, *every(QUESTIONS, "two calls with the same bars already differ")]
        return [AGAIN.passed(), *self._asked()]

    def _asked(self) -> Iterator[Check]:
        first = [
            self._compared(CUT, cut, self.cuts),
            self._compared(EXCHANGED, exchanged, self.stops),
        ]
        yield from first
        if leaked(first):
            yield from every(QUESTIONS[2:], "later bars are known already: mend that first")
            return
        if self.world.extras:
            yield self._compared(UNPUBLISHED, exchanged_extras, self.stops[::3])
        else:
            yield UNPUBLISHED.not_asked("there are no series beside the bars")
        yield self._in_changed(HOLES, with_holes, self.stops[3 :: max(len(self.stops) // 4, 1)])
        yield self._in_changed(GAP, with_gap, self.stops[1 :: max(len(self.stops) // 3, 1)])
        yield shorter_history(self.columns, self.world, self.whole, self.symbol)

    def _compared(
        self,
        question: Question,
        change: Callable[[World, pd.Timestamp], World],
        times: Sequence[pd.Timestamp],
    ) -> Check:
        found: dict[pd.Timestamp, Difference] = {}
        asked = 0
        for time in times:
            other = self._changed(change, time)
            if other is None:
                continue
            asked += 1
            difference = first_difference(self.whole, other, time)
            if difference is not None:
                found[time] = difference
        if not asked:
            return question.not_asked("the feature set fails in every world with another future")
        return self._leak(question, found, change) if found else question.passed()

    def _leak(
        self,
        question: Question,
        found: dict[pd.Timestamp, Difference],
        change: Callable[[World, pd.Timestamp], World],
    ) -> Check:
        names = [str(name) for name in self.whole.columns]
        leaking = {column for one in found.values() for column in one.columns}
        columns = [name for name in names if name in leaking]
        column = columns[0]
        alone = {
            time: one
            for time, given in found.items()
            if column in given.columns and (one := self._alone(column, time, change)) is not None
        }
        time = min(alone, key=lambda stop: alone[stop].time)
        first = alone[time].time
        seen = alone[time].told(_WITHOUT if change is cut else _FOLLOWED)
        if question is not UNPUBLISHED:
            first = self._earliest(column, first)
        place = self._place(column, max(alone))
        later = "later rows" if question is UNPUBLISHED else "later bars"
        others = f"; so do {listed(columns[1:])}" if columns[1:] else ""
        return question.leaked(
            f"'{column}' knows {later}: at {seen}{others}",
            time=first,
            column=column,
            symbol=self.symbol,
            place=place,
        )

    def _earliest(self, column: str, known: pd.Timestamp) -> pd.Timestamp:
        if column not in self.searched:
            self.searched[column] = Search(
                self.columns, self.world, self.whole, column, known
            ).earliest()
        return min(known, self.searched[column])

    def _alone(
        self, column: str, time: pd.Timestamp, change: Callable[[World, pd.Timestamp], World]
    ) -> Difference | None:
        other = self._changed(change, time)
        return None if other is None else first_difference(self.whole[[column]], other, time)

    def _changed(
        self, change: Callable[[World, pd.Timestamp], World], time: pd.Timestamp
    ) -> pd.DataFrame | None:
        """Columns in a changed world; what is joined is cut or exchanged as it was joined.

        Whether the join itself keeps to publication is asked by :data:`UNPUBLISHED` alone: it
        takes longer than most feature sets.
        """
        if change is exchanged_extras:
            return self.columns.or_none(change(self.world, time))
        joined = self.joined
        bars = change(World(self.world.market), time).market.bars
        if change is cut:
            joined = joined.loc[:time]
        elif len(joined.columns):
            joined = exchanged_rows(joined, time)
        return self.columns.made_or_none(bars, joined)

    def _place(self, column: str, time: pd.Timestamp) -> Place | None:
        asked = self.columns.feature_set
        if asked.file and column not in self.places:
            self.places[column] = find_place(
                asked.file,
                asked.name.rpartition(".")[2],
                column,
                self.columns.or_none,
                self.world,
                time,
            )
        return self.places.get(column)

    def _in_changed(
        self,
        question: Question,
        change: Callable[[World, pd.Timestamp], World],
        at: Sequence[pd.Timestamp],
    ) -> Check:
        """Change the past itself, and then cut the future of that world away."""
        asked = 0
        for time in at:
            world = change(self.world, time)
            whole, other = self.columns.or_none(world), self.columns.or_none(cut(world, time))
            if whole is None or other is None:
                continue
            asked += 1
            found = first_difference(whole, other, time)
            if found is not None:
                return question.leaked(
                    f"'{found.column}' is filled from later bars: at {found.told(_WITHOUT)}",
                    time=found.time,
                    column=found.column,
                    symbol=self.symbol,
                    place=self._place(found.column, time),
                )
        if not asked:
            return question.not_asked("the feature set fails on bars that lack something")
        return question.passed()
