"""Is the sign right? Precision, recall, F1 and their relatives, with intervals."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn import metrics as sk

from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, absent, measured, with_interval

NAMES = ("precision", "recall", "f1", "accuracy", "balanced_accuracy", "mcc")
CLASS = ("precision", "recall", "f1")
COUNTS = ("tp", "fp", "tn", "fn", "n", "abstained")
_UNIT = "ratio"


class Cells(NamedTuple):
    """What came of each call, counted: one number a draw."""

    tn: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tp: np.ndarray
    abstained: np.ndarray
    unknown: np.ndarray


def direction(
    calls: np.ndarray, realised: np.ndarray, resampler: Resampler | None, level: float
) -> dict[str, Metric | int]:
    """Score calls of direction against what happened; "up" is the positive class.

    Parameters
    ----------
    calls : ndarray, shape (n,) or (n, k)
        Of n times and k symbols. Positive for up, negative for down; 0 or NaN is an abstention and
        lowers the coverage.
    realised : ndarray, shape (n,) or (n, k)
        Return of the bar called; above 0 is up, 0 counts as down; NaN where it is not known,
        which leaves the bar out.
    resampler : Resampler or None
        Bootstrap draws of the n times, with all symbols of a time together.
    level : float
        Of the intervals.

    Returns
    -------
    dict
        Metrics of :data:`NAMES` and ``coverage``, and the integer counts of :data:`COUNTS`.
    """
    cells, called = _cells(calls, realised)
    tn, fp, fn, tp, abstained, _ = (int(count) for count in _count(cells.reshape(1, -1))[0])
    points = _points(calls[called] > 0, realised[called] > 0)
    result: dict[str, Metric | int] = {**_intervals(points, cells, resampler, level)}
    known = tn + fp + fn + tp + abstained
    share = called.sum() / known if known else np.nan
    result["coverage"] = measured(share, _UNIT, "no bar to call")
    return result | dict(zip(COUNTS, (tp, fp, tn, fn, tp + fp + tn + fn, abstained), strict=True))


def down_class(
    calls: np.ndarray, realised: np.ndarray, resampler: Resampler | None, level: float
) -> dict[str, Metric]:
    """Score the same calls with "down" as the positive class; an outcome of exactly 0 is down.

    Parameters
    ----------
    calls, realised, resampler, level
        As in :func:`direction`.

    Returns
    -------
    dict
        Metrics of :data:`CLASS`: of the bars called down the share that did not go up, of the bars
        that did not go up the share called down, and the harmonic mean of the two. Their intervals
        are from the same draws as those of :func:`direction`.
    """
    cells, called = _cells(calls, realised)
    if not called.any():
        return no_down_class("no call was made")
    points = _class_points(calls[called] <= 0, realised[called] <= 0, "down")
    return _intervals(points, _EXCHANGED[cells], resampler, level)


def lead_over_always_up(
    calls: np.ndarray, realised: np.ndarray, resampler: Resampler | None, level: float
) -> Metric:
    """Accuracy less that of saying up on the same bars, those that were called.

    Both lived through the same bars, so the difference is far better known than either.

    Parameters
    ----------
    calls, realised, resampler, level
        As in :func:`direction`.

    Returns
    -------
    Metric
        Unit ``ratio``, with its interval by the paired bootstrap.
    """
    called = (np.isfinite(calls) & (calls != 0) & np.isfinite(realised)).reshape(len(calls), -1)
    up, truth = ((part > 0).reshape(len(calls), -1) for part in (calls, realised))
    # Where it says up it is always-up; where it says down one of the two is right.
    lead = np.where(called & ~up, np.where(truth, -1, 1), 0).sum(axis=1)
    count = called.sum(axis=1)
    total = int(count.sum())
    metric = measured(lead.sum() / total if total else np.nan, _UNIT, "no call was made")
    if resampler is None or not total:
        return metric

    def redraw(rows: np.ndarray) -> np.ndarray:
        top, bottom = lead[rows].sum(axis=1), count[rows].sum(axis=1)
        return np.divide(top, bottom, out=np.full(len(rows), np.nan), where=bottom > 0)

    return with_interval(metric, resampler.apply(redraw), level)


def no_direction(reason: str) -> dict[str, Metric | int]:
    """Direction of a row that calls none."""
    return {name: absent(_UNIT, reason) for name in (*NAMES, "coverage")} | dict.fromkeys(COUNTS, 0)


def no_down_class(reason: str) -> dict[str, Metric]:
    """Down class of a row that calls no direction."""
    return {name: absent(_UNIT, reason) for name in CLASS}


def _cells(calls: np.ndarray, realised: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pair stands in :class:`Cells`, and whether it was called."""
    known = np.isfinite(realised)
    called = np.isfinite(calls) & (calls != 0) & known
    cells = np.where(called, (realised > 0) * 2 + (calls > 0), np.where(known, 4, 5))
    return cells, called


def _intervals(
    points: dict[str, Metric], cells: np.ndarray, resampler: Resampler | None, level: float
) -> dict[str, Metric]:
    """Add to each number the interval of its draws; cells of shape (n,) or (n, k)."""
    if resampler is None:
        return points
    drawn = resampler.apply(partial(_recount, cells.reshape(len(cells), -1)))
    counts = Cells(*drawn.T.astype(float))
    return {name: with_interval(m, _FORMULAS[name](counts), level) for name, m in points.items()}


def _points(up: np.ndarray, truth: np.ndarray) -> dict[str, Metric]:
    if not len(up):
        return {name: absent(_UNIT, "no call was made") for name in NAMES}
    falls = truth.any() and not truth.all()
    one_sided = "every bar went the same way"
    values = {
        "accuracy": (sk.accuracy_score(truth, up), ""),
        "balanced_accuracy": (_balanced(truth, up) if falls else np.nan, one_sided),
        "mcc": (
            sk.matthews_corrcoef(truth, up) if falls and up.any() and not up.all() else np.nan,
            one_sided if not falls else "every call was the same",
        ),
    }
    others = {name: measured(float(value), _UNIT, why) for name, (value, why) in values.items()}
    return _class_points(up, truth, "up") | others


def _class_points(called: np.ndarray, came: np.ndarray, way: str) -> dict[str, Metric]:
    """Score the calls of one way, up or down, which is the positive class."""
    values = {
        "precision": (sk.precision_score, f"{way} was never called"),
        "recall": (sk.recall_score, f"no bar went {way}"),
        "f1": (sk.f1_score, f"no bar went {way} and none was called"),
    }
    return {
        name: measured(float(score(came, called, zero_division=np.nan)), _UNIT, why)
        for name, (score, why) in values.items()
    }


def _balanced(truth: np.ndarray, up: np.ndarray) -> float:
    return float(sk.balanced_accuracy_score(truth, up))


def _recount(cells: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Count the cells of each draw, symbol by symbol: memory does not grow with their number."""
    counts = _count(cells[:, 0][rows])
    for column in cells.T[1:]:
        counts += _count(column[rows])
    return counts


def _count(cells: np.ndarray) -> np.ndarray:
    """Count the six cells of each row: shape (draws, 6)."""
    draws = len(cells)
    flat = (cells + 6 * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=6 * draws).reshape(draws, 6)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))


def _mcc(c: Cells) -> np.ndarray:
    scale = np.sqrt((c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn))
    return _ratio(c.tp * c.tn - c.fp * c.fn, scale)


# Cells of the other positive class: true and false negatives become positives.
_EXCHANGED = np.array([3, 2, 1, 0, 4, 5])
_FORMULAS: dict[str, Callable[[Cells], np.ndarray]] = {
    "precision": lambda c: _ratio(c.tp, c.tp + c.fp),
    "recall": lambda c: _ratio(c.tp, c.tp + c.fn),
    "f1": lambda c: _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn),
    "accuracy": lambda c: _ratio(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn),
    "balanced_accuracy": lambda c: (_ratio(c.tp, c.tp + c.fn) + _ratio(c.tn, c.tn + c.fp)) / 2,
    "mcc": _mcc,
}
