"""Forecasters that learn next to nothing: what every other one has to beat."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from cryptobt.forecasters.protocol import Prediction, Windows


class Rule:
    """A forecaster that follows from the window's closes by a formula.

    Parameters
    ----------
    design : mapping
        ``horizons``: bars ahead that are forecast.
    seed : int
        Not used: there is nothing random.
    """

    parameters: int | None = 0

    def __init__(self, design: Mapping[str, Any], _seed: int) -> None:
        self.horizons = np.array(design["horizons"])
        self.losses: list[tuple[float, float]] = []

    def fit(self, _training: Windows, _validation: Windows) -> Self:
        """Learn nothing."""
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Answer one column for each horizon."""
        answer = np.broadcast_to(self.answer(windows)[:, None], (len(windows), len(self.horizons)))
        return Prediction.unexplained(answer, windows)

    def answer(self, windows: Windows) -> np.ndarray:
        """Answer each window, shape (w,)."""
        raise NotImplementedError

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Nothing to keep."""
        return {}

    def restore(self, _arrays: Mapping[str, np.ndarray]) -> Self:
        """Nothing to restore."""
        return self


class TrendOnly(Rule):
    """Predicts the part of the smoothed trend that is already known."""

    def predict(self, windows: Windows) -> Prediction:
        """Answer the known trend, one column for each head."""
        return Prediction.unexplained(windows.known, windows)


class Persistence(Rule):
    """Tomorrow's close is today's: a return of 0, and no call of a direction."""

    def answer(self, windows: Windows) -> np.ndarray:
        """Answer no change."""
        return np.zeros(len(windows))


class AlwaysUp(Rule):
    """Calls up on every bar."""

    def answer(self, windows: Windows) -> np.ndarray:
        """Answer up."""
        return np.ones(len(windows))


class LastSign(Rule):
    """Calls the direction of the last bar's return again; a bar without a move calls nothing."""

    def answer(self, windows: Windows) -> np.ndarray:
        """Answer 1, 0 or −1."""
        close = windows.log_close
        return np.sign(close[windows.ends] - close[windows.ends - 1])


class Momentum(Rule):
    """Calls the direction of the close against the close a window's length before."""

    def answer(self, windows: Windows) -> np.ndarray:
        """Answer 1, 0 or −1."""
        close = windows.log_close
        return np.sign(close[windows.ends] - close[windows.ends - windows.length])


class Drift(Rule):
    """Predicts the mean log return of the training rows, for each bar ahead."""

    parameters: int | None = 1

    def __init__(self, design: Mapping[str, Any], seed: int) -> None:
        super().__init__(design, seed)
        self.mean = 0.0

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Measure the mean log return of the bars that end windows."""
        close = training.log_close
        ends = np.union1d(training.ends, validation.ends)
        self.mean = float((close[ends] - close[ends - 1]).mean())
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Answer the mean times the horizon, in log return."""
        answers = np.tile(self.mean * self.horizons, (len(windows), 1))
        return Prediction.unexplained(answers, windows)
