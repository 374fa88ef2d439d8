"""One fitted forecaster examined out of sample, and what several come to together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cryptobt.core.errors import UsageError
from cryptobt.features.windows import unbroken_rows
from cryptobt.forecasters.deletion import Deletion, delete_features, delete_lags
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.importance import (
    Predictor,
    far_donors,
    permute_features,
    permute_lags,
    squared_errors,
)
from cryptobt.forecasters.opinions import are_log_odds
from cryptobt.forecasters.protocol import Windows

MOST_WINDOWS = 512
"""Windows of a fold that are examined: of more, evenly spaced ones."""
MOVES = 4
"""Times that features and bars are moved in a fold, over all of its seeds, at the least."""


@dataclass(frozen=True)
class Question:
    """What is asked of every fit.

    Attributes
    ----------
    features : tuple of tuple of int
        Features that are moved together, one set after another.
    lags : tuple of tuple of int
        Bars of the window that are replaced together, by their age.
    repeats : int
        Moves in each fit.
    start : int
        First bar whose window is examined.
    calls : bool
        Whether the targets are examined as 1 above 0 and -1 else, because answers are calls.
    """

    features: tuple[tuple[int, ...], ...]
    lags: tuple[tuple[int, ...], ...]
    repeats: int
    start: int = 0
    calls: bool = False


@dataclass(frozen=True)
class Findings:
    """What examining came to, window by window; seeds and repeats averaged.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Last bar of each window, increasing.
    labels : ndarray, shape (n, K)
        Targets of each window.
    errors : ndarray, shape (n,)
        Squared error with nothing moved, unit of the target squared.
    features : ndarray, shape (n, sets)
        Squared error with the set moved, less ``errors``.
    lags : ndarray, shape (n, stretches)
        The same with the bars replaced.
    attention, gates : Deletion or None
        None where the forecaster has none.
    """

    rows: np.ndarray
    labels: np.ndarray
    errors: np.ndarray
    features: np.ndarray
    lags: np.ndarray
    attention: Deletion | None
    gates: Deletion | None


def examine_fit(
    model: Predictor, windows: Windows, question: Question, rng: np.random.Generator
) -> Findings:
    """Ask one fitted forecaster.

    Parameters
    ----------
    windows : Windows
        With targets; two at least.

    Raises
    ------
    UsageError
        If an answer is not finite.
    """
    before = model.predict(windows)
    errors = ((before.answers - windows.labels()) ** 2).mean(axis=1)
    if not np.isfinite(errors).all():
        raise UsageError(
            "the forecaster answers with a number that is not finite: there is no error to compare"
        )
    features = np.zeros((len(windows), len(question.features)))
    lags = np.zeros((len(windows), len(question.lags)))
    for _ in range(question.repeats):
        donors = far_donors(windows, rng)
        for k, columns in enumerate(question.features):
            moved = permute_features(windows, columns, donors)
            features[:, k] += (squared_errors(model, moved) - errors) / question.repeats
        for k, ages in enumerate(question.lags):
            moved = permute_lags(windows, ages, donors)
            lags[:, k] += (squared_errors(model, moved) - errors) / question.repeats
    return Findings(
        windows.ends,
        windows.labels(),
        errors,
        features,
        lags,
        delete_lags(model, windows, before, question.repeats, rng),
        delete_features(model, windows, before, question.repeats, rng),
    )


def known_ends(fold: Fold, samples: Samples, start: int = 0) -> np.ndarray:
    """Bars that end a forecast window of the fold whose target is known, from ``start`` on."""
    ends = fold.predicted[fold.predicted >= start]
    last = ends + samples.ahead
    ends, last = ends[last < len(samples.times)], last[last < len(samples.times)]
    unbroken = unbroken_rows(samples.times, samples.interval)[last] >= samples.ahead
    return ends[unbroken & np.isfinite(samples.targets[ends]).all(axis=1)]


def examined_windows(fold: Fold, samples: Samples, start: int = 0) -> Windows:
    """Windows of :func:`known_ends` with their targets, at most :data:`MOST_WINDOWS`."""
    ends = known_ends(fold, samples, start)
    ends = ends[:: max(1, -(-len(ends) // MOST_WINDOWS))]
    first, stop = ends[0] - samples.length, ends[-1] + 1
    windows = samples.windows(ends, first, stop, fold.date, labelled=True)
    return replace(windows, slots=np.arange(len(ends)))


def answers_log_odds(design: Mapping[str, Any]) -> bool:
    """Whether a network of this design answers the log odds of a target above 0."""
    return "losses" in design and are_log_odds(design["target"], design["losses"])


def answers_calls(design: Mapping[str, Any]) -> bool:
    """Whether a forecaster of this design says up or down, whatever its target is otherwise.

    Its targets are examined as 1 above 0 and −1 else, and log odds as 2·p − 1: an answer and the
    target then have one unit.
    """
    return design["target"] == "direction" or answers_log_odds(design)


def repeats_for(seeds: int) -> int:
    """Moves in each fit, so that a fold has :data:`MOVES` over all of its seeds."""
    return -(-MOVES // seeds)


def combined(folds: Sequence[Sequence[Findings]]) -> Findings:
    """Average the seeds of each fold, and put the folds one after another."""
    means = [_combined(fold, lambda parts: np.mean(parts, axis=0)) for fold in folds]
    return _combined(means, np.concatenate)


def _combined(
    parts: Sequence[Findings], combine: Callable[[Sequence[np.ndarray]], np.ndarray]
) -> Findings:
    def deletion(found: Sequence[Deletion | None]) -> Deletion | None:
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        changes, losses = [one.changes for one in known], [one.losses for one in known]
        return Deletion(combine(changes), combine(losses))

    return Findings(
        combine([part.rows for part in parts]).astype(int),
        combine([part.labels for part in parts]),
        combine([part.errors for part in parts]),
        combine([part.features for part in parts]),
        combine([part.lags for part in parts]),
        deletion([part.attention for part in parts]),
        deletion([part.gates for part in parts]),
    )
