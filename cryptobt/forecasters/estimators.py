"""Forecasters from scikit-learn: each sees its window as one flat, scaled row."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from cryptobt.features.scaling import Scaler
from cryptobt.forecasters.protocol import Prediction, Windows
from cryptobt.forecasters.scaled import fit_scaler

MOST_CELLS = 40_000_000
"""Cells of the largest table that is learnt from: of more windows, evenly spaced ones are taken."""
_CHUNK_CELLS = 4_000_000
_STRENGTHS = tuple(10.0**power for power in range(7))


class WindowEstimator:
    """A model of the targets that sees each window as one flat row of T·F scaled values.

    A direction is learnt as the number 1 or −1. Everything runs on one thread.

    Parameters
    ----------
    design : mapping
        ``target``, ``scaling``, ``clip``.
    seed : int
        Of what is random in the model.
    """

    def __init__(self, design: Mapping[str, Any], seed: int) -> None:
        self.design, self.seed = design, seed
        self.losses: list[tuple[float, float]] = []
        self.parameters: int | None = None
        self._scaler: Scaler | None = None
        self._outputs = 0

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Learn from the training windows; the validation windows choose a strength or an end."""
        self._scaler = fit_scaler(self.design, training)
        self._outputs = training.labels().shape[1]
        with threadpool_limits(1):
            self.learn(*self._table(training), *self._table(validation))
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Predict window by window; none depends on which others are there."""
        with threadpool_limits(1):
            parts = [self.answer(self._flat(part)) for part in _chunks(windows)]
        answers = np.concatenate(parts) if parts else np.zeros((0, self._outputs))
        if self._prices:
            answers = self._fitted().prices(answers, windows.first_close)
        return Prediction.unexplained(answers, windows)

    def learn(self, x: np.ndarray, y: np.ndarray, x_check: np.ndarray, y_check: np.ndarray) -> None:
        """Fit to inputs (w, T·F) and labels (w, K), and to those of the validation windows."""
        raise NotImplementedError

    def answer(self, x: np.ndarray) -> np.ndarray:
        """Answer inputs (w, T·F) with predicted labels (w, K)."""
        raise NotImplementedError

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        """None: trees are fitted again where they are asked anew."""
        return None

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take the scaler back."""
        self._scaler = Scaler.restore(self.design["scaling"], arrays, self.design["clip"])
        return self

    @property
    def _prices(self) -> bool:
        return bool(self.design["target"] == "scaled_close")

    def _fitted(self) -> Scaler:
        assert self._scaler is not None, "not fitted"
        return self._scaler

    def _table(self, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
        step = -(-len(windows) * windows.length * windows.rows.shape[1] // MOST_CELLS)
        if step > 1:
            windows = windows.take(np.arange(len(windows))[::-step][::-1])
        labels = windows.labels()
        if self._prices:
            labels = self._fitted().labels(labels, windows.first_close)
        return self._flat(windows), labels

    def _flat(self, windows: Windows) -> np.ndarray:
        scaler = self._fitted()
        rows = np.nan_to_num(scaler.transform(windows.rows))
        places = windows.ends[None] - np.arange(windows.length)[::-1, None]
        gathered = scaler.windows(rows[places])  # (T, w, F)
        return np.ascontiguousarray(gathered.transpose(1, 0, 2)).reshape(len(windows), -1)


class Linear(WindowEstimator):
    """Ridge regression; of seven strengths the one with the least validation error is kept."""

    def learn(self, x: np.ndarray, y: np.ndarray, x_check: np.ndarray, y_check: np.ndarray) -> None:
        """Fit one model for each strength, and keep the best."""
        least = np.inf
        for strength in _STRENGTHS:
            model = Ridge(strength, solver="cholesky").fit(x.astype(float), y)
            weights, offset = model.coef_.reshape(y.shape[1], -1), np.atleast_1d(model.intercept_)
            error = float(np.mean((_linear(x_check, weights, offset) - y_check) ** 2))
            if error < least:
                least, self.weights, self.offset = error, weights, offset
        self.parameters = self.weights.size + self.offset.size

    def answer(self, x: np.ndarray) -> np.ndarray:
        """Weigh the inputs."""
        return _linear(x, self.weights, self.offset)

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        """Weights, offset and scaler."""
        return self._fitted().arrays() | {"weights": self.weights, "offset": self.offset}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take weights, offset and scaler back."""
        super().restore(arrays)
        self.weights, self.offset = arrays["weights"], arrays["offset"]
        self._outputs = len(self.weights)
        self.parameters = self.weights.size + self.offset.size
        return self


class RandomForest(WindowEstimator):
    """A hundred trees, each on half of the windows. It cannot answer what it never saw."""

    def learn(self, x: np.ndarray, y: np.ndarray, _x: np.ndarray, _y: np.ndarray) -> None:
        """Grow the trees."""
        self.model = RandomForestRegressor(
            100, min_samples_leaf=10, max_features="sqrt", max_samples=0.5,
            random_state=self.seed % 2**32, n_jobs=1,
        )  # fmt: skip
        self.model.fit(x, y if y.shape[1] > 1 else y[:, 0])
        self.parameters = sum(tree.tree_.node_count for tree in self.model.estimators_)

    def answer(self, x: np.ndarray) -> np.ndarray:
        """Average the trees."""
        return np.asarray(self.model.predict(x)).reshape(len(x), -1)


class GradientBoosting(WindowEstimator):
    """Small trees one after another, until the validation error has not fallen for twenty."""

    def learn(self, x: np.ndarray, y: np.ndarray, x_check: np.ndarray, y_check: np.ndarray) -> None:
        """Boost one model for each target."""
        self.models = [
            HistGradientBoostingRegressor(
                learning_rate=0.05, max_iter=200, max_leaf_nodes=8, min_samples_leaf=40,
                l2_regularization=1.0, max_features=0.2, early_stopping=True, n_iter_no_change=20,
                random_state=self.seed % 2**32,
            ).fit(x, y[:, k], X_val=x_check, y_val=y_check[:, k])
            for k in range(y.shape[1])
        ]  # fmt: skip
        self.parameters = sum(
            tree.get_n_leaf_nodes()
            for model in self.models
            for stage in model._predictors
            for tree in stage
        )

    def answer(self, x: np.ndarray) -> np.ndarray:
        """Sum the trees."""
        return np.column_stack([model.predict(x) for model in self.models])


def _linear(x: np.ndarray, weights: np.ndarray, offset: np.ndarray) -> np.ndarray:
    # Not a matrix product: its last bits depend on how many windows are asked at once.
    answers = [(x * row).sum(axis=1) for row in weights]
    return np.column_stack(answers) + offset


def _chunks(windows: Windows) -> Iterator[Windows]:
    size = max(1, _CHUNK_CELLS // (windows.length * windows.rows.shape[1]))
    for begin in range(0, len(windows), size):
        yield windows.take(np.arange(begin, min(begin + size, len(windows))))
