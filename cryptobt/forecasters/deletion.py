"""Whether attention can be believed: whether what it points at matters more than the rest."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cryptobt.forecasters.importance import Predictor, far_donors, replace_cells
from cryptobt.forecasters.protocol import Prediction, Windows

Choice = Literal["most", "random", "least", "newest"]
LAG_CHOICES: tuple[Choice, ...] = ("most", "random", "least", "newest")
FEATURE_CHOICES: tuple[Choice, ...] = ("most", "random", "least")
SHARES = (0.1, 0.2)
"""Of the bars of a window, or of the features, that are deleted at once."""


@dataclass(frozen=True)
class Deletion:
    """What became of the answers when part of the input was replaced.

    Attributes
    ----------
    changes : ndarray, shape (w, shares, choices)
        Mean absolute change of the answers, unit of the target.
    losses : ndarray, shape (w, shares, choices)
        Squared error with the part replaced, less that with it, unit of the target squared.
    """

    changes: np.ndarray
    losses: np.ndarray


def delete_lags(
    model: Predictor, windows: Windows, before: Prediction, repeats: int, rng: np.random.Generator
) -> Deletion | None:
    """Replace the bars of most, least and random attention, and the newest, by those of elsewhere.

    Attention is taken window by window, mean of the heads. Each of the bars is replaced by the bar
    of the same lag of another window of the fold; all choices have the same donor and number.

    Returns
    -------
    Deletion or None
        None for a forecaster without attention.

    Source: the erasure test of Li, Monroe & Jurafsky (2016), applied to attention as by Serrano &
    Smith (2019). That the newest bars stand beside the random ones is ours: a recurrent network
    needs them most whatever its attention says.
    """
    if not before.attention.shape[1]:
        return None
    test = _Test(model, windows, before, before.attention.mean(axis=1), LAG_CHOICES, by_lag=True)
    return test.run(repeats, rng)


def delete_features(
    model: Predictor, windows: Windows, before: Prediction, repeats: int, rng: np.random.Generator
) -> Deletion | None:
    """Replace the features with the largest, the smallest and random gates by those of elsewhere.

    As :func:`delete_lags`, over the whole window.
    """
    if not len(before.gates) or not np.isfinite(before.gates).all():
        return None
    test = _Test(model, windows, before, before.gates, FEATURE_CHOICES, by_lag=False)
    return test.run(repeats, rng)


def choose(weights: np.ndarray, count: int, choice: Choice, rng: np.random.Generator) -> np.ndarray:
    """Mark ``count`` places in every row of weights, shape (w, n); the newest is the last place."""
    order = {
        "most": lambda: np.argsort(-weights, axis=1, kind="stable"),
        "least": lambda: np.argsort(weights, axis=1, kind="stable"),
        "random": lambda: np.argsort(rng.random(weights.shape), axis=1),
        "newest": lambda: np.tile(np.arange(weights.shape[1])[::-1], (len(weights), 1)),
    }[choice]()
    marked = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(marked, order[:, :count], True, axis=1)
    return marked


def deleted_count(share: float, of: int) -> int:
    """How many bars or features a share of them is; one at least."""
    return max(1, round(share * of))


@dataclass(frozen=True)
class _Test:
    model: Predictor
    windows: Windows
    before: Prediction
    weights: np.ndarray
    choices: tuple[Choice, ...]
    by_lag: bool

    def run(self, repeats: int, rng: np.random.Generator) -> Deletion:
        shape = (len(self.windows), len(SHARES), len(self.choices))
        changes, losses = np.zeros(shape), np.zeros(shape)
        for _ in range(repeats):
            donors = far_donors(self.windows, rng)
            for s, share in enumerate(SHARES):
                count = deleted_count(share, self.weights.shape[1])
                for c, choice in enumerate(self.choices):
                    marked = choose(self.weights, count, choice, rng)
                    change, loss = self._without(marked, donors)
                    changes[:, s, c] += change / repeats
                    losses[:, s, c] += loss / repeats
        return Deletion(changes, losses)

    def _without(self, marked: np.ndarray, donors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(self.windows), self.windows.length, self.windows.rows.shape[1])
        cells = np.broadcast_to(marked[:, :, None] if self.by_lag else marked[:, None], shape)
        deleted = self.model.predict(replace_cells(self.windows, cells, donors)).answers
        labels, answers = self.windows.labels(), self.before.answers
        loss = (deleted - labels) ** 2 - (answers - labels) ** 2
        return np.abs(deleted - answers).mean(axis=1), loss.mean(axis=1)
