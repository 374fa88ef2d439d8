"""What a user's code keeps between calls, and what it reads beside the bars it is given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from cryptobt.core.types import Forecasts
from cryptobt.jobs.audits.apart import FEATURES, FORECASTER, STRATEGY, Errand, Outcome, run_apart
from cryptobt.jobs.audits.checks import Check, Question, every, listed
from cryptobt.jobs.audits.dated import DatedFile, holds_no_dates
from cryptobt.jobs.audits.dated_json import DatedJson
from cryptobt.jobs.audits.differences import first_difference
from cryptobt.jobs.audits.futures import another
from cryptobt.jobs.audits.places import place_keeping, place_reading
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.audits.tables import ORDERS, SIGNALS, first_parting

STATE = Question(
    "process, after another market",
    "process",
    "what was computed of one market before changes nothing of another, in memory or on disk",
)
LATER = Question(
    "files, later rows", "process", "no value changes with later rows of a file that is read"
)
SAME_PERIOD = Question(
    "files, rows of the same period",
    "process",
    "a value of a file is used after the period that it tells of has ended and been published",
)
UNKNOWN = Question(
    "files, of another kind", "process", "every file that is read can be given without later rows"
)
QUESTIONS = (STATE, LATER, SAME_PERIOD, UNKNOWN)
_SHARES = (0.6, 0.85)
Dated = DatedFile | DatedJson


@dataclass(frozen=True)
class ProcessChecks:
    """Questions to code of the user's that only processes of their own can answer.

    Attributes
    ----------
    parts : tuple of str
        What is the user's own among features, forecaster and strategy.
    forecasts : Forecasts or None
        Held as they are, for a strategy.
    """

    subject: Subject
    parts: tuple[str, ...]
    forecasts: Forecasts | None = None

    def checks(self) -> Iterator[Check]:
        """Answer every question."""
        first, again = self._looked
        failed = first.failed or again.failed
        if failed:
            yield from every(QUESTIONS, f"in a process of its own it fails: {failed}")
            return
        if not again.kept and _differs(first, again, None):
            yield from every(QUESTIONS, "run twice alike it already differs")
            return
        yield self._after_another()
        yield from self._later_rows()
        yield self._unknown()

    @property
    def writes(self) -> bool:
        """Whether the code writes files."""
        return bool(self._looked[0].written)

    @cached_property
    def _looked(self) -> list[Outcome]:
        """What it comes to alone, and without any file that it makes itself."""
        return run_apart([self._errand()], explore=True)

    def _errand(
        self, hidden: Sequence[str] = (), replaced: Mapping[str, str] | None = None
    ) -> Errand:
        settings, worlds = self.subject.settings, tuple(self.subject.worlds)
        return Errand(
            settings, self.parts, (worlds,), self.forecasts, tuple(hidden), replaced or {}
        )

    def _after_another(self) -> Check:
        alone = self._looked[1]
        others = tuple(another(world) for world in self.subject.worlds)
        errand = self._errand(alone.kept)
        after = run_apart([Errand(
            errand.settings, errand.parts, (others, *errand.rounds), errand.forecasts, errand.hidden
        )])[0]  # fmt: skip
        if after.failed:
            return STATE.not_asked(f"another market cannot be computed: {after.failed}")
        found = _differs(alone, after, None)
        if found is None:
            return STATE.passed()
        time, column, told, symbol = found
        where = f" (it keeps {_names(alone.kept)})" if alone.kept else ""
        return STATE.leaked(
            f"after another market was computed, '{column}' of {time:%F} is {told}{where}: what is "
            "kept is not kept by the data that it was made from",
            time=time,
            column=column,
            symbol=symbol,
            place=next((p for own in self._own() if (p := place_keeping(*own))), None),
        )

    def _later_rows(self) -> Iterator[Check]:
        tables = self._tables
        if not tables:
            yield from every((LATER, SAME_PERIOD), "no table with dates is read beside the bars")
            return
        later = self._moved(LATER, tables, same_period=False)
        yield later
        if later.outcome != "passed":
            yield SAME_PERIOD.not_asked("later rows are known already: mend that first")
            return
        timed = [one for one in tables if one.spacing and not (one.holds_prices or one.published)]
        if not timed:
            yield SAME_PERIOD.not_asked("the files hold prices, or say when a row was published")
            return
        yield self._moved(SAME_PERIOD, timed, same_period=True)

    @cached_property
    def _tables(self) -> list[Dated]:
        kept = self._looked[1].kept
        read = [path for path in self._looked[0].read if path not in kept]
        found = [DatedFile.read(path) or DatedJson.read(path) for path in read]
        return [one for one in found if one is not None]

    def _moved(self, question: Question, tables: Sequence[Dated], *, same_period: bool) -> Check:
        """Change rows of files from some instants on, and look at what was before them."""
        bars = self._stops(tables)
        errands = [
            self._errand(replaced={
                one.path: one.changed_from(self._from(one, bar, same_period=same_period))
                for one in tables
            })
            for bar in bars
        ]  # fmt: skip
        partings = [
            found
            for bar, outcome in zip(bars, run_apart(errands), strict=True)
            if not outcome.failed and (found := _differs(self._looked[0], outcome, bar))
        ]
        if not partings:
            return question.passed()
        time, column, told, symbol = min(partings, key=lambda one: one[0])
        file = Path(tables[0].path).name
        return question.leaked(
            f"'{column}' of {time:%F} is {told} when "
            + ("rows of its own period" if same_period else "only later rows")
            + f" of {file} change",
            time=time,
            column=column,
            symbol=symbol,
            place=next((p for own in self._own() if (p := place_reading(*own, file))), None),
        )

    def _from(self, table: Dated, bar: pd.Timestamp, *, same_period: bool) -> pd.Timestamp:
        """First instant of a file's rows that a bar's close may not know."""
        closes = self.subject.lead.known_at(bar)
        if same_period and table.spacing is not None:
            return closes - table.spacing
        return closes

    def _stops(self, tables: Sequence[Dated]) -> list[pd.Timestamp]:
        times = self.subject.lead.times
        begins = min(one.times.min() for one in tables)
        first = min(int(times.searchsorted(begins)), len(times) - 2)
        places = {first, first + 1, *(int(share * (len(times) - 1)) for share in _SHARES)}
        return [times[place] for place in sorted(places)]

    def _unknown(self) -> Check:
        looked = self._looked[1]
        known = {one.path for one in self._tables}
        rest = [
            path
            for path in self._looked[0].read
            if path not in known and path not in looked.kept and not holds_no_dates(path)
        ]
        if not rest:
            return UNKNOWN.passed()
        return UNKNOWN.noted(
            f"{_names(rest)} cannot be read as a table with dates: whether later rows of it are "
            "used was not asked"
        )

    def _own(self) -> list[tuple[str, str]]:
        """File and name of each part that is the user's own."""
        subject = self.subject
        features, spec, trader = subject.feature_set, subject.forecaster, subject.trader.spec
        found = {
            FEATURES: (features.file, features.name.rpartition(".")[2]),
            FORECASTER: (spec.file, spec.name.rpartition(".")[2]) if spec else ("", ""),
            STRATEGY: (trader.file, trader.strategy.__name__),
        }
        return [found[part] for part in self.parts]


def own_parts(subject: Subject) -> tuple[str, ...]:
    """What is the user's own among features and forecaster."""
    spec = subject.forecaster
    own = {FEATURES: bool(subject.feature_set.file), FORECASTER: bool(spec and spec.file)}
    return tuple(part for part, theirs in own.items() if theirs)


def _differs(
    one: Outcome, two: Outcome, until: pd.Timestamp | None
) -> tuple[pd.Timestamp, str, str, str | None] | None:
    """First difference of two outcomes up to a bar."""
    for name, whole in one.tables.items():
        found = first_difference(whole, two.tables[name], until)
        if found is not None:
            return found.time, found.column, found.instead(), None
    if one.account is None or two.account is None:
        return None
    parted = first_parting(one.account, two.account, {**SIGNALS, **ORDERS}, until)
    if parted is None:
        return None
    return parted.time, parted.column, parted.instead(), parted.symbol


def _names(paths: Sequence[str]) -> str:
    return listed([Path(path).name for path in paths])
