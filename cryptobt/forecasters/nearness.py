"""How far a row of features lies from the rows that a forecaster has learnt from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cryptobt.features.scaling import Scaler
from cryptobt.forecasters.folds import Fold, Samples

_MOST_PAIRS = 20_000_000
_CHUNK = 256


@dataclass(frozen=True)
class LearntRows:
    """The rows inside a fold's training windows, to measure others against.

    Attributes
    ----------
    rows : ndarray, shape (n, F)
        Features, finite, in the order of time.
    apart : int
        Rows that lie less than this from each other in time are no neighbours: tomorrow is near to
        today whatever the market does.
    """

    rows: np.ndarray
    apart: int = 1

    @classmethod
    def of(cls, fold: Fold, samples: Samples) -> "LearntRows":
        """Take the rows of a fold's training windows; those it validates with are not among them.

        Causality: all of them had closed by the fold's date.
        """
        training, _ = fold.learning(samples)
        return cls(training.rows[training.inner_rows()], samples.length)

    @property
    def low(self) -> np.ndarray:
        """Least value of each feature, shape (F,)."""
        return np.asarray(self.rows.min(axis=0))

    @property
    def high(self) -> np.ndarray:
        """Largest value of each feature, shape (F,)."""
        return np.asarray(self.rows.max(axis=0))

    def standardised(self, rows: np.ndarray) -> np.ndarray:
        """Give rows, shape (..., F), in deviations from the mean of these rows; not clipped."""
        return np.asarray((rows - self._scale.centre) / self._scale.spread)

    def share_up_to(self, row: np.ndarray) -> np.ndarray:
        """Share of these rows whose feature is at or below a row's, shape (F,)."""
        return np.asarray((self.rows <= row).mean(axis=0))

    def beyond(self, row: np.ndarray) -> np.ndarray:
        """How many deviations each feature of a row lies outside the range of these rows, (F,)."""
        outside = np.maximum(np.maximum(self.low - row, row - self.high), 0)
        return np.asarray(outside / self._scale.spread)

    def distance(self, row: np.ndarray) -> float:
        """Distance of a row, shape (F,), to the nearest of these rows.

        Returns
        -------
        float
            Root of the mean over the features of the squared difference, in deviations: 1 is a row
            that differs by one deviation in every feature.
        """
        squared = (self._places - self.standardised(row)) ** 2
        return float(np.sqrt(squared.mean(axis=1).min()))

    def share_nearer(self, distance: float) -> float:
        """Share of these rows whose own nearest other of another time is nearer than a distance."""
        return float((self._apart < distance).mean())

    @cached_property
    def _scale(self) -> Scaler:
        return Scaler.fit("standard", self.rows, self.rows[:, 0], np.inf)

    @cached_property
    def _places(self) -> np.ndarray:
        return self.standardised(self.rows)

    @cached_property
    def _apart(self) -> np.ndarray:
        """Distance of rows to their nearest neighbour: of all rows, or of evenly spaced ones."""
        places, count = self._places, len(self.rows)
        asked = np.arange(0, count, max(1, -(-count * count // _MOST_PAIRS)))
        own = (places**2).sum(axis=1)
        nearest = []
        for begin in range(0, len(asked), _CHUNK):
            chosen = asked[begin : begin + _CHUNK]
            squared = own[chosen, None] - 2 * places[chosen] @ places.T + own
            squared[np.abs(chosen[:, None] - np.arange(count)) < self.apart] = np.inf
            nearest.append(squared.min(axis=1))
        together = np.maximum(np.concatenate(nearest), 0) / places.shape[1]
        return np.asarray(np.sqrt(together))
