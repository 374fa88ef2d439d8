"""Axes of figures: where a value or an instant stands between two ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.time import epoch_ns
from cryptobt.reports import ticks


@dataclass(frozen=True)
class Scale:
    """One axis: where a value stands on it.

    Attributes
    ----------
    low, high : float
        Its ends, in the values' own unit; of a time axis in seconds since 1970.
    log : bool
        Equal ratios have equal lengths.
    """

    low: float
    high: float
    log: bool = False

    def share(self, values: "np.ndarray | Sequence[float] | float") -> np.ndarray:
        """Place values along the axis: 0 at its lower end, 1 at its upper; NaN stays NaN."""
        found = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        if self.log:
            found, low, high = np.log(found), float(np.log(low)), float(np.log(high))
        return (found - low) / ((high - low) or 1.0)


def growth_scale(values: np.ndarray) -> Scale:
    """Make a logarithmic axis with some room around positive values."""
    low, high = ticks.padded(np.log(values))
    return Scale(float(np.exp(low)), float(np.exp(high)), log=True)


def seconds(times: pd.Index) -> np.ndarray:
    """Times as seconds since 1970, float64."""
    return epoch_ns(pd.DatetimeIndex(times)) / 1e9
