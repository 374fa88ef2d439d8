"""How inputs and price targets are scaled before a forecaster sees them, and scaled back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scaler:
    """Measured on some rows, applied to any.

    ``standard`` is (x − mean)/deviation, clipped; ``minmax`` is (x − low)/(high − low), not
    clipped; ``window`` is x over the first row of its window, minus 1, and measures nothing.

    Attributes
    ----------
    kind : str
        ``standard``, ``minmax`` or ``window``.
    centre, spread : ndarray, shape (F,)
        Of each column. One that does not move in the measured rows has spread 1: it becomes 0.
    price_centre, price_spread : float
        The same of the close, for targets that are prices.
    clip : float
        Largest absolute value that comes out of ``standard``.
    """

    kind: str
    centre: np.ndarray
    spread: np.ndarray
    price_centre: float
    price_spread: float
    clip: float

    @classmethod
    def fit(cls, kind: str, rows: np.ndarray, close: np.ndarray, clip: float) -> "Scaler":
        """Measure finite rows, shape (n, F), and closes, shape (m,).

        Causality: the result holds what the rows hold; give it those of the training windows.
        """
        if kind == "window":
            features = rows.shape[1]
            return cls(kind, np.zeros(features), np.ones(features), 0.0, 1.0, clip)
        centre, spread = _measure(kind, rows)
        price_centre, price_spread = _measure(kind, close[:, None])
        return cls(kind, centre, spread, float(price_centre[0]), float(price_spread[0]), clip)

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Scale rows, shape (n, F), to float32; NaN stays NaN."""
        scaled = (rows - self.centre) / self.spread
        if self.kind == "standard":
            scaled = np.clip(scaled, -self.clip, self.clip)
        return scaled.astype(np.float32)

    def windows(self, x: np.ndarray) -> np.ndarray:
        """Finish gathered windows, shape (T, B, F): only ``window`` scales them by themselves.

        A column that begins its window at 0 has no ratio, and becomes 0.
        """
        if self.kind != "window":
            return x
        first = x[:1]
        ratio = np.divide(x, first, out=np.ones_like(x), where=first != 0)
        return np.asarray(ratio - 1, dtype=np.float32)

    def labels(self, prices: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Scale target prices, shape (w, K); ``base`` is the first close of each window, (w,)."""
        if self.kind == "window":
            return np.asarray(prices / base[:, None] - 1)
        return np.asarray((prices - self.price_centre) / self.price_spread)

    def prices(self, answers: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Scale answers, shape (w, K), back to prices: the inverse of :meth:`labels`."""
        if self.kind == "window":
            return np.asarray((answers + 1) * base[:, None])
        return np.asarray(answers * self.price_spread + self.price_centre)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that :meth:`restore` needs besides kind and clip."""
        price = np.array([self.price_centre, self.price_spread])
        return {"scaler.centre": self.centre, "scaler.spread": self.spread, "scaler.price": price}

    @classmethod
    def restore(cls, kind: str, arrays: Mapping[str, Any], clip: float) -> "Scaler":
        """Become the scaler whose arrays these are."""
        price_centre, price_spread = (float(value) for value in arrays["scaler.price"])
        centre, spread = arrays["scaler.centre"], arrays["scaler.spread"]
        return cls(kind, centre, spread, price_centre, price_spread, clip)


def _measure(kind: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if kind == "minmax":
        centre, spread = rows.min(axis=0), np.ptp(rows, axis=0)
    else:
        centre, spread = rows.mean(axis=0), rows.std(axis=0)
    still = spread < 1e-12 * np.maximum(1.0, np.abs(centre))
    return centre, np.where(still, 1.0, spread)
