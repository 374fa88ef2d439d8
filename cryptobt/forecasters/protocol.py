"""What a forecaster is: something that is fitted to windows and predicts from windows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True)
class Seen:
    """What a scaler sees where a paper's recipe lets it see everything, the future included."""

    rows: np.ndarray
    log_close: np.ndarray


@dataclass(frozen=True)
class Windows:
    """Windows as indices over rows of features; never a copy of every window.

    Attributes
    ----------
    rows : ndarray, shape (n, F)
        Features, one row a bar; rows inside a window are finite.
    log_close : ndarray, shape (n,)
        Log close of each of these bars; the bar before a window is among them.
    ends : ndarray of int, shape (w,)
        Last row of each window.
    length : int
        Rows in a window (T).
    known : ndarray, shape (w, heads)
        The smoothed trend as far as it is known at the window's end.
    deviation : ndarray, shape (w,)
        σ of one bar's log return, known at the window's end.
    targets : ndarray, shape (w, K), or None
        Labels; None where they are not known.
    slots : ndarray of int, shape (w,)
        Bars between the fold's date and the window's end. A window is always computed at the
        same place of a batch, so that its result never depends on which others are there.
    seen : Seen or None
        None: a scaler sees the rows inside training windows, and no others.
    """

    rows: np.ndarray
    log_close: np.ndarray
    ends: np.ndarray
    length: int
    known: np.ndarray
    deviation: np.ndarray
    targets: np.ndarray | None
    slots: np.ndarray
    seen: Seen | None = None

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def first_close(self) -> np.ndarray:
        """Close of the first bar of each window, shape (w,)."""
        return np.asarray(np.exp(self.log_close[self.ends - self.length + 1]))

    @property
    def last_close(self) -> np.ndarray:
        """Close of the last bar of each window, shape (w,)."""
        return np.asarray(np.exp(self.log_close[self.ends]))

    def labels(self) -> np.ndarray:
        """Targets of windows that have them, shape (w, K)."""
        assert self.targets is not None, "these windows have no targets"
        return self.targets

    def inner_rows(self) -> np.ndarray:
        """Which rows lie inside some window, shape (n,)."""
        used = np.zeros(len(self.rows), dtype=bool)
        for back in range(self.length):
            used[self.ends - back] = True
        return used

    def take(self, chosen: np.ndarray) -> "Windows":
        """Keep the windows at these positions."""
        return replace(
            self,
            ends=self.ends[chosen],
            known=self.known[chosen],
            deviation=self.deviation[chosen],
            targets=None if self.targets is None else self.targets[chosen],
            slots=self.slots[chosen],
        )


@dataclass(frozen=True)
class Prediction:
    """Predicted targets, and what was looked at.

    Attributes
    ----------
    answers : ndarray, shape (w, K)
        Predicted targets, in their own unit; for the direction, positive for up.
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
    parameters: int | None
    """Numbers that were fitted; None where they cannot be counted, or before the fit."""

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Learn from the training windows; the validation windows may decide when to stop."""
        ...

    def predict(self, windows: Windows) -> Prediction:
        """Predict the targets of windows."""
        ...

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        """Everything that :meth:`restore` needs; None for one that is fitted again instead."""
        ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Become the forecaster whose arrays these are."""
        ...


class ForecasterFactory(Protocol):
    """Makes an unfitted forecaster."""

    def __call__(self, design: Mapping[str, Any], seed: int) -> Forecaster:
        """Make one from its design (settings as plain values) and the seed of this fit."""
        ...
