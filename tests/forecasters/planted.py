"""Windows whose target depends on one feature at one lag, and forecasters that read one cell."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from cryptobt.forecasters.protocol import Forecaster, Prediction, Windows
from cryptobt.forecasters.registry import design_of, find_forecaster, make_forecaster

from .small import small

LENGTH, FEATURES = 8, 5


def planted(column: int, lag: int, count: int = 900, seed: int = 0) -> Windows:
    """Standard normal features; the target is one of them at one lag, with half as much noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count + LENGTH, FEATURES))
    ends = np.arange(LENGTH, count + LENGTH)
    targets = rows[ends - lag, column] + 0.5 * rng.normal(size=count)
    return Windows(
        rows,
        np.zeros(len(rows)),
        ends,
        LENGTH,
        np.zeros((count, 1)),
        np.ones(count),
        targets[:, None],
        np.arange(count),
    )


def parts(windows: Windows) -> tuple[Windows, Windows, Windows]:
    """To learn from, to validate with, and to ask, the slots of the last counted from 0."""
    cuts = (0, len(windows) * 2 // 3, len(windows) * 4 // 5, len(windows))
    learn, check, ask = (windows.take(np.arange(*cut)) for cut in itertools.pairwise(cuts))
    slots = np.arange(len(ask))
    return learn, check, Windows(**{**vars(ask), "slots": slots})


def fitted(name: str, windows: Windows, *assignments: str) -> Forecaster:
    """A small forecaster of that name, fitted to the first windows."""
    settings = small("forecaster.target=next_return", "training.epochs=12",
                     "training.learning_rate=0.01", *assignments)  # fmt: skip
    model = make_forecaster(name, design_of(find_forecaster(name), settings, 1), 0)
    learn, check, _ = parts(windows)
    return model.fit(learn, check)


@dataclass
class ReadsOneCell:
    """Answers one feature at one lag; its attention points at a lag, its gates at a feature."""

    column: int
    lag: int
    attends: int = 0
    lets_in: int = 0
    parameters: int | None = 0
    losses: list[tuple[float, float]] = field(default_factory=list)

    def fit(self, _training: Windows, _validation: Windows) -> Self:
        return self

    def predict(self, windows: Windows) -> Prediction:
        answers = windows.rows[windows.ends - self.lag, self.column][:, None]
        attention = np.full((len(windows), 1, windows.length), 0.01)
        attention[:, :, windows.length - 1 - self.attends] = 1.0
        gates = np.full((len(windows), windows.rows.shape[1]), 0.5)
        gates[:, self.lets_in] = 1.5
        return Prediction(answers, np.arange(len(windows)), gates, attention)

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        return None

    def restore(self, _arrays: Mapping[str, Any]) -> Self:
        return self
