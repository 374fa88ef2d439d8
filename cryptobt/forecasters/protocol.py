"""What a forecaster is: something that is fitted to windows and predicts from windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Windows as indices over rows of features; never a copy of every window.

    Attributes
    ----------
    rows : ndarray, shape (n, F)
        Features, one row a bar; rows inside a window are finite.
    ends : ndarray of int, shape (w,)
        Last row of each window.
    length : int
        Rows in a window (T).
    known : ndarray, shape (w, K)
        The part of the target that is known at the window's end.
    targets : ndarray, shape (w, K), or None
        Labels; None where they are not known.
    slots : ndarray of int, shape (w,)
        Bars between the fold's date and the window's end. A window is always computed at the
        same place of a batch, so that its result never depends on which others are there.
    """

    rows: np.ndarray
    ends: np.ndarray
    length: int
    known: np.ndarray
    targets: np.ndarray | None
    slots: np.ndarray

    def take(self, chosen: np.ndarray) -> "Windows":
        """Keep the windows at these positions."""
        targets = None if self.targets is None else self.targets[chosen]
        return Windows(
            self.rows, self.ends[chosen], self.length, self.known[chosen], targets,
            self.slots[chosen],
        )  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """Predicted targets, and what was looked at.

    Attributes
    ----------
    answers : ndarray, shape (w, K)
        Predicted targets, unitless.
    explained : ndarray of int, shape (e,)
        Positions of the windows that gates and attention describe.
    gates : ndarray, shape (e, F)
        Mean over the window; NaN where the forecaster has none.
    attention : ndarray, shape (e, heads, T)
        Weights over the window; (e, 0, T) where the forecaster has none.
    """

    answers: np.ndarray
    explained: np.ndarray
    gates: np.ndarray
    attention: np.ndarray

    @classmethod
    def unexplained(cls, answers: np.ndarray, windows: Windows) -> Self:
        """Wrap answers of a forecaster that has neither gates nor attention."""
        none = np.zeros(0, dtype=int)
        features = windows.rows.shape[1]
        return cls(answers, none, np.zeros((0, features)), np.zeros((0, 0, windows.length)))


class Forecaster(Protocol):
    """A model of the targets, fitted on one fold with one seed.

    Causality: ``fit`` is given windows whose targets are known at the fold's date;
    ``predict(windows)`` may use, for each window, the rows of that window alone.
    """

    losses: list[tuple[float, float]]
    """Training and validation loss by epoch; empty for what is not trained in epochs."""

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Learn from the training windows; the validation windows may decide when to stop."""
        ...

    def predict(self, windows: Windows) -> Prediction:
        """Predict the targets of windows."""
        ...

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Everything that :meth:`restore` needs, as named arrays."""
        ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Become the forecaster whose arrays these are."""
        ...


class ForecasterFactory(Protocol):
    """Makes an unfitted forecaster."""

    def __call__(self, design: Mapping[str, Any], seed: int) -> Forecaster:
        """Make one from its design (settings as plain values) and the seed of this fit."""
        ...
