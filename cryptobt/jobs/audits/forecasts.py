"""Whether a forecast knows later bars: the future is cut away, exchanged, and folds refitted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cryptobt.core.errors import CryptobtError, UsageError
from cryptobt.core.types import Forecasts
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.forecasters.tasks import FitTask, plan_tasks
from cryptobt.forecasters.walkforward import forecast, make_samples
from cryptobt.jobs.audits.checks import NOTED, Check, Question, every
from cryptobt.jobs.audits.differences import TOLERANCE, Difference, first_difference
from cryptobt.jobs.audits.futures import World, cut, exchanged
from cryptobt.jobs.audits.learning import Learning
from cryptobt.jobs.audits.own_forecaster import OWN, own_checks, place_of_forecaster
from cryptobt.jobs.audits.recall import ask_kept, kept_answers, refitted
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.cache import fold_cache

CUT = Question(
    "forecasts, future cut away", "forecasts", "no forecast changes when later bars are cut away"
)
EXCHANGED = Question(
    "forecasts, another future", "forecasts", "no forecast changes when other bars follow"
)
COLD = Question(
    "forecasts, the last two folds refitted",
    "forecasts",
    "refitted on bars up to its end, from an empty cache, a fold answers what is kept of it",
)
QUESTIONS = (COLD, CUT, EXCHANGED, *OWN)
_VALUES = ("score", "mean", "p_up", "q05", "q50", "q95")
_BOUNDARIES = 4
_MOVES = "with walkforward.split=single the date of the fit moves with the length of the data"


@dataclass(frozen=True)
class ForecastChecks:
    """All questions to the forecaster of one symbol.

    Attributes
    ----------
    whole : Forecasts
        What it forecasts in the world as it is.
    """

    subject: Subject
    learning: Learning
    whole: Forecasts

    @property
    def world(self) -> World:
        """The symbol that is looked at."""
        return self.learning.world

    @cached_property
    def own(self) -> pd.DataFrame:
        """Its forecasts as they are, indexed by the bar."""
        return self._rows(self.whole)

    @cached_property
    def folds(self) -> list[Fold]:
        """Folds that have made a forecast."""
        first = self.own.index[0]
        times = self.learning.samples.times
        return [
            f for f in self.learning.folds if len(f.predicted) and times[f.predicted[-1]] >= first
        ]

    def checks(self) -> Iterator[Check]:
        """Answer every question; where a fold does not answer alike twice, the others by why."""
        cold = self._cold()
        yield cold
        if cold.outcome == NOTED:
            yield from every(
                QUESTIONS[1:], "fitted twice, the same fold already answers differently"
            )
            return
        if self.subject.settings.walkforward.split == "single":
            yield from every((CUT, EXCHANGED), _MOVES)
        else:
            yield self._compared(CUT, self._cuts(), cut)
            yield self._compared(EXCHANGED, self._middles(), self._until_fold_ends)
        yield from own_checks(self.subject, self.learning, self.folds)

    def _cuts(self) -> list[pd.Timestamp]:
        """The first forecast, the middle of two folds, and the ends of some."""
        ends = self.folds[:: max(len(self.folds) // _BOUNDARIES, 1)]
        times = {self.own.index[0], *self._middles(), *(self._time(fold, -1) for fold in ends)}
        return sorted(time for time in times if time >= self.own.index[0])

    def _middles(self) -> list[pd.Timestamp]:
        chosen = {self.folds[0].date: self.folds[0], self.folds[-1].date: self.folds[-1]}
        times = [self._time(fold, len(fold.predicted) // 2) for fold in chosen.values()]
        return [time for time in times if time >= self.own.index[0]]

    def _time(self, fold: Fold, place: int) -> pd.Timestamp:
        return pd.Timestamp(self.learning.samples.times[fold.predicted[place]])

    def _until_fold_ends(self, world: World, time: pd.Timestamp) -> World:
        """Other bars for the rest of a fold, and none after it: later folds are not asked."""
        fold = next(one for one in self.folds if self._time(one, -1) >= time)
        return cut(exchanged(world, time), self._time(fold, -1))

    def _compared(
        self,
        question: Question,
        times: Sequence[pd.Timestamp],
        change: Callable[[World, pd.Timestamp], World],
    ) -> Check:
        found: list[Difference] = []
        failed: list[CryptobtError] = []
        for time in times:
            try:
                made = self._forecast(change(self.world, time))
            except CryptobtError as error:
                failed.append(error)  # too few rows are left to forecast at all
                continue
            difference = first_difference(self.own, self._rows(made), time)
            if difference is not None:
                found.append(difference)
        if failed and len(failed) == len(times):
            return question.not_asked(f"no world with another future can be forecast: {failed[0]}")
        if not found:
            return question.passed()
        first = min(found, key=lambda one: one.time)
        otherwise = "without later bars" if change is cut else "when other bars follow"
        return question.leaked(
            f"'{first.column}' knows later bars: at {first.told(otherwise)}",
            time=first.time,
            column=first.column,
            symbol=self.subject.named(self.world),
            place=place_of_forecaster(self.subject),
        )

    def _forecast(self, world: World) -> Forecasts:
        subject = self.subject
        features = subject.features(world)
        samples = make_samples(world.market, features, subject.settings)
        chosen = subject.settings
        folds = plan_folds(samples, chosen.forecaster, chosen.walkforward)
        ask_kept(self.spec, samples, folds, chosen, fold_cache())
        return forecast(
            world.market,
            features,
            self.spec.name,
            chosen,
            fold_cache(),
            lambda _: None,  # what is fitted again is no progress of the run
            joins_late=len(subject.worlds) > 1,
        )

    @property
    def spec(self) -> ForecasterSpec:
        """The forecaster."""
        assert self.subject.forecaster is not None, "else there is nothing to ask"
        return self.subject.forecaster

    def _rows(self, forecasts: Forecasts) -> pd.DataFrame:
        rows = forecasts.of(self.spec.name, self.world.market.symbol)
        return rows[list(_VALUES)].astype(float)

    def _cold(self) -> Check:
        """Fit the last two folds again, each on the bars up to its own end."""
        settings = self.subject.settings
        if not self.subject.learns:
            return COLD.not_asked("no forecaster is trained")
        if settings.walkforward.warm_start:
            return COLD.not_asked("each fold begins from the one before: see the deep audit")
        for fold in self.folds[-2:]:
            try:
                samples = self.learning.samples_of(cut(self.world, self._time(fold, -1)))
            except UsageError as error:
                return COLD.not_asked(f"on the bars up to the end of fold {fold.name}: {error}")
            for kept, task in self._tasks(fold, samples):
                cold = refitted(task, samples)
                if kept is not None and _same(kept, cold):
                    continue
                if not _same(cold, refitted(task, samples)):
                    return COLD.noted(
                        f"fitted twice with one seed, fold {fold.name} answers differently: "
                        "random numbers without a seed"
                    )
                return self._other_answer(fold, kept, cold)
        return COLD.passed()

    def _tasks(self, fold: Fold, samples: Samples) -> list[tuple[np.ndarray | None, FitTask]]:
        """Fits of a fold as it would have been made at its end, beside what is kept of it."""
        settings = self.subject.settings
        planned = plan_folds(samples, settings.forecaster, settings.walkforward)
        then = [one for one in planned if one.date == fold.date]
        kept = plan_tasks(self.spec, self.learning.samples, [fold], settings)
        tasks = plan_tasks(self.spec, samples, then, settings)
        return [
            (kept_answers(one, fold_cache()), task) for one, task in zip(kept, tasks, strict=False)
        ]

    def _other_answer(self, fold: Fold, kept: np.ndarray | None, cold: np.ndarray) -> Check:
        same = kept is not None and kept.shape == cold.shape
        gap = (
            f"by up to {np.abs(cold - kept).max():.2g}"
            if same and kept is not None
            else "for other windows"
        )
        row = int((cold != kept).any(axis=1).argmax()) if same else 0
        return COLD.leaked(
            f"fold {fold.name} answers otherwise than what is kept of it, {gap}",
            time=self._time(fold, row),
            column="score",
            symbol=self.subject.named(self.world),
            place=place_of_forecaster(self.subject),
        )


def _same(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether answers are equal but for rounding."""
    if one.shape != two.shape:
        return False
    room = TOLERANCE * max(float(np.abs(one).max(initial=0.0)), 1e-300)
    return bool((np.abs(one - two) <= room).all())
