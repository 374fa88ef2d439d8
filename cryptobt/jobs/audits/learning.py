"""Whether a fold learns from anything that was not known at its date: labels, rows, scalers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.types import Forecasts
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.protocol import Seen
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.jobs.audits.checks import Check, Question, every
from cryptobt.jobs.audits.futures import World, cut
from cryptobt.jobs.audits.subject import Subject

LABELS = Question(
    "labels, known at the fold's date",
    "targets",
    "every label that a fold learns from, or validates with, is known at its date",
)
SCALER = Question(
    "scaler, rows that it sees", "scaler", "a scaler sees no row that came after the fold's date"
)
TRAINED = Question(
    "forecasts, trained before they are made",
    "forecasts",
    "what a forecast was trained on ended before it was made",
)
_MOST_FOLDS = 12


@dataclass(frozen=True)
class Learning:
    """What the folds of one symbol learn from, beside what they could have known."""

    subject: Subject
    world: World

    @cached_property
    def samples(self) -> Samples:
        """Windows and labels of the world as it is."""
        return self.samples_of(self.world)

    @cached_property
    def folds(self) -> list[Fold]:
        """Every fold that has enough to learn from."""
        settings = self.subject.settings
        return plan_folds(self.samples, settings.forecaster, settings.walkforward)

    def samples_of(self, world: World) -> Samples:
        """Windows and labels of a changed world."""
        subject = self.subject
        return make_samples(world.market, subject.features(world), subject.settings)

    def checks(self) -> Iterator[Check]:
        """Compare what each fold is given with what it would be given at its date."""
        if not self.subject.learns:
            yield from every((LABELS, SCALER), "no forecaster is trained")
            return
        step = max(len(self.folds) // _MOST_FOLDS, 1)
        try:
            told = [self._fold(fold) for fold in self.folds[::-1][::step][::-1]]
        except UsageError as error:
            yield from every((LABELS, SCALER), f"on the bars up to a fold's date: {error}")
            return
        yield next((labels for labels, _ in told if labels.outcome != "passed"), LABELS.passed())
        yield next((scaler for _, scaler in told if scaler.outcome != "passed"), SCALER.passed())

    def _fold(self, fold: Fold) -> tuple[Check, Check]:
        known = fold.date - self.world.market.interval
        before = self.samples_of(cut(self.world, known))
        whole = self.samples
        labels, scaler = LABELS.passed(), SCALER.passed()
        for ends in (fold.training, fold.validation):
            seen = _labels(whole, before, ends)
            if seen is not None:
                labels = LABELS.leaked(
                    f"fold {fold.name} learns what the bar of {seen:%F} came to, which is not "
                    "known at its date",
                    time=seen,
                    column="label",
                    symbol=self.subject.named(self.world),
                    mend="raise walkforward.purge_bars to the bars that the target looks ahead",
                )
        ours, theirs = fold.learning(whole)[0].seen, _seen(fold, before)
        if ours is not None and (theirs is None or len(ours.rows) != len(theirs.rows)):
            scaler = SCALER.leaked(
                f"the scaler of fold {fold.name} is fitted to {len(ours.rows):,} rows, "
                f"{len(ours.rows) - (0 if theirs is None else len(theirs.rows)):,} of which came "
                "after its date",
                time=fold.date,
                symbol=self.subject.named(self.world),
                mend="set features.scaler_sees=training",
            )
        return labels, scaler


def trained_before(subject: Subject, forecasts: Forecasts | None) -> Check:
    """Whether every forecast was made after the last bar that its fold had seen."""
    if forecasts is None or not len(forecasts.frame):
        return TRAINED.not_asked("there are no forecasts")
    frame = forecasts.frame
    wrong = frame[~(frame["trained_until"] <= frame["made_at"])]
    if not len(wrong):
        return TRAINED.passed()
    row = wrong.iloc[0]
    return TRAINED.leaked(
        f"{row['forecaster']} of {row['time']:%F} was trained on bars until "
        f"{row['trained_until']:%F}",
        time=pd.Timestamp(row["time"]),
        column="trained_until",
        symbol=str(row["symbol"]) if len(subject.worlds) > 1 else None,
    )


def _labels(whole: Samples, before: Samples, ends: np.ndarray) -> pd.Timestamp | None:
    """First bar whose label differs from what it was at the fold's date, or was not there."""
    inside = ends < len(before.targets)
    ours, theirs = whole.targets[ends[inside]], before.targets[ends[inside]]
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    wrong = [*ends[inside][~same.all(axis=1)].tolist(), *ends[~inside].tolist()]
    return pd.Timestamp(whole.times[min(wrong)]) if wrong else None


def _seen(fold: Fold, before: Samples) -> Seen | None:
    part = fold.training[fold.training < len(before.times)]
    return before.windows(part, fold.first, fold.stop, fold.date, labelled=True).seen
