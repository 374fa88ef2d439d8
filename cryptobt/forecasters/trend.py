"""The forecaster that learns nothing: the trend known at the bar, which is the row to beat."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from cryptobt.forecasters.protocol import Prediction, Windows


class TrendOnly:
    """Predicts the part of the trend target that is already known.

    Parameters
    ----------
    design : mapping
        Not used: there is nothing to choose.
    seed : int
        Not used: there is nothing random.
    """

    def __init__(self, _design: Mapping[str, Any], _seed: int) -> None:
        self.losses: list[tuple[float, float]] = []

    def fit(self, _training: Windows, _validation: Windows) -> Self:
        """Learn nothing."""
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Answer the known trend, one column for each head."""
        return Prediction.unexplained(windows.known, windows)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Nothing to keep."""
        return {}

    def restore(self, _arrays: Mapping[str, np.ndarray]) -> Self:
        """Nothing to restore."""
        return self
