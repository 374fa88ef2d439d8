"""A user's forecaster put to the questions that its own class alone can answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from cryptobt.core.errors import UsageError
from cryptobt.data.sample import simulate
from cryptobt.forecasters.folds import Fold
from cryptobt.jobs import forecaster_causality as causality
from cryptobt.jobs.audits.advice import ALL_WINDOWS
from cryptobt.jobs.audits.checks import Check, Place, Question, every
from cryptobt.jobs.audits.differences import TOLERANCE
from cryptobt.jobs.audits.learning import Learning
from cryptobt.jobs.audits.places import place_in
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.forecaster_trials import BARS, Trial

ROWS = Question(
    "forecaster, own rows", "forecasts", "an answer depends on the rows of its window alone"
)
WINDOWS = Question(
    "forecaster, own window", "forecasts", "an answer depends on its own window alone"
)
ALONE = Question(
    "forecaster, asked alone", "forecasts", "asked alone, a window gets the same answer"
)
OWN: dict[Question, Callable[[Trial], str]] = {
    ROWS: causality.other_rows,
    WINDOWS: causality.other_windows,
    ALONE: causality.one_at_a_time,
}


class _Rounded(Trial):
    """A trial to which answers are equal that differ in their last digits alone.

    Matrix products of other shapes are summed in another order.
    """

    def differing(self, said: np.ndarray, places: np.ndarray | None = None) -> str:
        """Tell which answers differ by more than rounding."""
        first = self.answers if places is None else self.answers[places]
        room = TOLERANCE * max(float(np.abs(self.answers).max()), 1e-300)
        if said.shape == first.shape and np.abs(said - first).max() <= room:
            return ""
        return super().differing(said, places)


def own_checks(subject: Subject, learning: Learning, folds: Sequence[Fold]) -> Iterator[Check]:
    """Exchange rows around its windows, and ask for fewer windows, in the first large fold.

    Parameters
    ----------
    folds : sequence of Fold
        Those that forecast something.
    """
    spec = subject.forecaster
    if spec is None or not spec.file:
        yield from every(OWN, "of cryptobt's own forecasters the package's tests ask this")
        return
    # The simulated market is not looked at: rows and windows are those of the user's data.
    coin = replace(simulate("SIMULATED", BARS, seed=23), market=learning.world.market)
    large = [fold for fold in folds if len(fold.predicted) > 1]
    trial = _Rounded(spec, subject.settings, coin, learning.samples, (large or list(folds))[0])
    for question, asked in OWN.items():
        try:
            seen = asked(trial)
        except UsageError as error:
            if question is ROWS:  # other rows may be such that nobody could answer
                yield question.not_asked(f"among other rows it fails: {error}")
                continue
            seen = f"without the other windows it fails: {error}"
        if not seen:
            yield question.passed()
            continue
        yield question.leaked(
            seen,
            time=learning.samples.times[trial.fold.predicted[0]],
            column="score",
            symbol=subject.named(learning.world),
            place=place_of_forecaster(subject),
        )


def place_of_forecaster(subject: Subject) -> Place | None:
    """Where a user's forecaster looks at more than its window; None for one that is ours."""
    spec = subject.forecaster
    if spec is None or not spec.file:
        return None
    return place_in(spec.file, spec.name.rpartition(".")[2], "predict", ALL_WINDOWS)
