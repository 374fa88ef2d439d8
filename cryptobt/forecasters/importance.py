"""What a fitted forecaster loses when features, or bars of its windows, come from elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from cryptobt.forecasters.protocol import Prediction, Windows

ALIKE = 0.7
"""Least absolute rank correlation between the features of one group."""


class Predictor(Protocol):
    """What is examined: a fitted forecaster, or what stands for one."""

    def predict(self, windows: Windows) -> Prediction:
        """Predict the targets of windows."""
        ...


def permute_features(windows: Windows, columns: Sequence[int], donors: np.ndarray) -> Windows:
    """Give each window some features of another one, over its whole length.

    The features moved together stay together, and each window holds a stretch of them that really
    was; only what they had to do with the other features and with the target is broken.

    Parameters
    ----------
    columns : sequence of int
        Features that are moved.
    donors : ndarray of int, shape (w,)
        Position of the window that each takes them from, see :func:`far_donors`.

    Returns
    -------
    Windows
        New ones; those given are not changed.

    Source: permutation importance, Breiman (2001); in stretches as the block bootstrap.
    """
    moved = np.zeros((len(windows), windows.length, windows.rows.shape[1]), dtype=bool)
    moved[:, :, list(columns)] = True
    return replace_cells(windows, moved, donors)


def permute_lags(windows: Windows, lags: Sequence[int], donors: np.ndarray) -> Windows:
    """Give each window some bars of another one, of the same lags and with all features.

    Parameters
    ----------
    lags : sequence of int
        Age of the bars, 0 for the newest of the window.
    donors : ndarray of int, shape (w,)
        Position of the window that each takes them from.
    """
    moved = np.zeros((len(windows), windows.length, windows.rows.shape[1]), dtype=bool)
    moved[:, windows.length - 1 - np.asarray(lags)] = True
    return replace_cells(windows, moved, donors)


def replace_cells(windows: Windows, replaced: np.ndarray, donors: np.ndarray) -> Windows:
    """Take the marked cells of each window, shape (w, T, F), from its donor."""
    places = windows.ends[:, None] + np.arange(-windows.length, 1)
    own, other = windows.rows[places], windows.rows[places[donors]]  # (w, T + 1, F)
    own[:, 1:] = np.where(replaced, other[:, 1:], own[:, 1:])
    return _apart(windows, own, places)


def _apart(windows: Windows, cells: np.ndarray, places: np.ndarray) -> Windows:
    """Windows with rows of their own each, where two of them would share bars otherwise."""
    count, stride = places.shape
    return replace(
        windows,
        rows=cells.reshape(count * stride, -1),
        log_close=windows.log_close[places].ravel(),
        ends=np.arange(1, count + 1) * stride - 1,
    )


def far_donors(windows: Windows, rng: np.random.Generator) -> np.ndarray:
    """Draw the window that each one takes cells from: all the same way on, around the end.

    That is, the windows are cut in two blocks at a random place and the blocks change places. Each
    block is at least as long as a window, so that a window and its donor share no bar; where there
    are fewer windows than twice that, as long as can be.

    Returns
    -------
    ndarray of int, shape (w,)
        Positions; none is its own. There have to be two windows at least.
    """
    count = len(windows)
    least = min(_windows_apart(windows), count // 2)
    return (np.arange(count) + rng.integers(least, count - least + 1)) % count


def has_far_donors(windows: Windows) -> bool:
    """Whether there are enough windows for every one to have a donor that shares no bar with it."""
    return len(windows) >= 2 * _windows_apart(windows)


def _windows_apart(windows: Windows) -> int:
    """How many windows further on one shares no bar with the first."""
    spacing = int(np.diff(windows.ends).min())
    return -(-windows.length // spacing)


def squared_errors(model: Predictor, windows: Windows) -> np.ndarray:
    """Squared error of each window, mean over its targets, shape (w,), unit of the target squared.

    The windows have their targets.
    """
    return np.asarray(((model.predict(windows).answers - windows.labels()) ** 2).mean(axis=1))


def correlated_groups(rows: np.ndarray, least: float = ALIKE) -> list[tuple[int, ...]]:
    """Group features that tell nearly the same, so that they can be moved together.

    Moving one of two features that tell the same loses little: the other is still there.

    Parameters
    ----------
    rows : ndarray, shape (n, F)
        Training rows, finite.
    least : float
        Every two features of a group have at least this absolute rank correlation (Spearman):
        complete linkage.

    Returns
    -------
    list of tuple of int
        Every feature once, in the order of the first of each group.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
    from scipy.spatial.distance import squareform  # type: ignore[import-untyped]
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    features = rows.shape[1]
    if features < 2:
        return [(column,) for column in range(features)]
    ranks = rankdata(rows, axis=0)
    moving = ranks.std(axis=0) > 0
    distance = np.ones((features, features))
    close = np.abs(np.corrcoef(ranks[:, moving], rowvar=False))
    distance[np.ix_(moving, moving)] = 1 - np.atleast_2d(close)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance.clip(0), checks=False), "complete")
    labels = fcluster(tree, 1 - least, "distance")
    groups = {label: tuple(np.flatnonzero(labels == label).tolist()) for label in labels}
    return sorted(groups.values())


def lag_groups(length: int, most: int = 32) -> list[tuple[int, ...]]:
    """Divide the lags of a window, 0 the newest, into at most so many stretches of equal length."""
    width = -(-length // most)
    return [tuple(range(first, min(first + width, length))) for first in range(0, length, width)]
