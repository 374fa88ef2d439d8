"""Any scikit-learn regressor or classifier as a forecaster of windows."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from cryptobt.forecasters.estimators import WindowEstimator
from cryptobt.forecasters.own import is_classifier
from cryptobt.forecasters.protocol import Prediction, Windows

BATCH = 128
SUREST = 0.999
"""Largest probability that is believed: log odds stay within ±6.9."""
_MOST = math.log(SUREST / (1 - SUREST))


class OwnEstimator(WindowEstimator):
    """A user's estimator, which sees each window as one flat row of T·F scaled values.

    A regressor that can learns all targets at once, else one clone learns each. A classifier
    learns whether each target is above 0, and answers with the log odds of ``predict_proba``;
    with 1 and −1 where it has none. A ``random_state`` that is None is set from the seed.

    It is asked in batches of one size, each window at its own place: many models multiply
    matrices, whose last bits depend on how many rows there are.

    Parameters
    ----------
    estimator : class or instance
        A regressor, classifier, or pipeline that ends in one; it is cloned, never fitted itself.
    """

    def __init__(self, estimator: Any, design: Mapping[str, Any], seed: int) -> None:
        super().__init__(design, seed)
        made = estimator() if isinstance(estimator, type) else estimator
        self.estimator = _seeded(clone(made), seed)
        self.models: list[Any] = []

    @property
    def answers_log_odds(self) -> bool:
        """Whether what it answers are log odds of up."""
        return is_classifier(self.estimator) and hasattr(self.estimator, "predict_proba")

    def learn(self, x: np.ndarray, y: np.ndarray, _x: np.ndarray, _y: np.ndarray) -> None:
        """Fit one for all targets, or one for each."""
        if is_classifier(self.estimator):
            self.models = [self._up_or_down(x, up) for up in (y > 0).T]
        elif y.shape[1] > 1 and get_tags(self.estimator).target_tags.multi_output:
            self.models = [clone(self.estimator).fit(x, y)]
        else:
            self.models = [clone(self.estimator).fit(x, column) for column in y.T]

    def predict(self, windows: Windows) -> Prediction:
        """Predict in fixed batches, filled up with copies of a window."""
        batch = windows.slots // BATCH
        groups = [np.flatnonzero(batch == number) for number in np.unique(batch)]
        parts = [self._at_their_places(windows.take(group)) for group in groups]
        answers = np.concatenate(parts)[np.argsort(np.concatenate(groups))]
        if self._prices:
            answers = self._fitted().prices(answers, windows.first_close)
        return Prediction.unexplained(answers, windows)

    def _at_their_places(self, windows: Windows) -> np.ndarray:
        flat, places = self._flat(windows), windows.slots % BATCH
        x = np.repeat(flat[:1], BATCH, axis=0)
        x[places] = flat
        return self.answer(x)[places]

    def answer(self, x: np.ndarray) -> np.ndarray:
        """Predicted targets, or the log odds of up, shape (w, K)."""
        if is_classifier(self.estimator):
            return np.column_stack([_opinion(model, x) for model in self.models])
        answers = [np.asarray(model.predict(x)) for model in self.models]
        return np.column_stack(answers)

    def _up_or_down(self, x: np.ndarray, up: np.ndarray) -> Any:
        # Many classifiers refuse to learn one class; a fold without a fall has only one.
        if up.all() or not up.any():
            said = 1.0 if up[0] else -1.0
            return said * _MOST if self.answers_log_odds else said
        return clone(self.estimator).fit(x, up.astype(int))


def _opinion(model: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(model, float):
        return np.full(len(x), model)
    if not hasattr(model, "predict_proba"):
        return np.where(np.asarray(model.predict(x)) == 1, 1.0, -1.0)
    p_up = np.asarray(model.predict_proba(x), dtype=float)[:, list(model.classes_).index(1)]
    p_up = np.clip(p_up, 1 - SUREST, SUREST)
    return np.asarray(np.log(p_up / (1 - p_up)))


def _seeded(estimator: Any, seed: int) -> Any:
    """Set each ``random_state`` that is left open, those of a pipeline's steps too."""
    unset = {
        name: seed % 2**32
        for name, value in estimator.get_params(deep=True).items()
        if value is None and name.rpartition("__")[2] == "random_state"
    }
    return estimator.set_params(**unset) if unset else estimator
