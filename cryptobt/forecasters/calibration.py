"""From a unitless score to a return, a probability and an interval, learnt from past forecasts."""

from typing import NamedTuple

import numpy as np

KEEP, NEED = 500, 250
_CHUNK = 1024
# Newton doubles the digits: a last step of 1e-5 leaves an error of about 1e-10.
_NEWTON_STEPS, _TOLERANCE = 60, 1e-5
_QUANTILES = (0.05, 0.50, 0.95)


class Calibrated(NamedTuple):
    """Calibrated forecasts, each of shape (m,); NaN until 250 past forecasts are known."""

    mean: np.ndarray
    p_up: np.ndarray
    q05: np.ndarray
    q50: np.ndarray
    q95: np.ndarray


def calibrate(
    rows: np.ndarray, score: np.ndarray, outcome: np.ndarray, deviation: np.ndarray, horizon: int
) -> Calibrated:
    """Calibrate each forecast on the latest 500 (at least 250) whose outcome was known by then.

    ``mean = b·score·σ`` with b by least squares through 0; ``p_up`` logistic in the score (L2
    weight 1 on the slope); quantiles are ``mean + σ·`` those of the past residuals.

    Causality: forecast i uses pairs j with ``rows[j] + horizon <= rows[i]``.

    Parameters
    ----------
    rows : ndarray of int, shape (m,)
        Bar number of each forecast, increasing.
    score : ndarray, shape (m,)
        Unitless, finite.
    outcome : ndarray, shape (m,)
        Realised log return over the horizon, over σ; NaN where unknown or across a gap.
    deviation : ndarray, shape (m,)
        σ of the log return over the horizon at the forecast.
    horizon : int
        Bars until the outcome is known.
    """
    known = np.flatnonzero(np.isfinite(outcome))
    counts = np.searchsorted(rows[known] + horizon, rows, side="right")
    result = np.full((5, len(rows)), np.nan)
    ready = np.flatnonzero(counts >= NEED)
    for begin in range(0, len(ready), _CHUNK):
        chosen = ready[begin : begin + _CHUNK]
        pairs, used = _latest(counts[chosen])
        past = known[pairs]
        result[:, chosen] = _fit(
            np.where(used, score[past], 0.0), np.where(used, outcome[past], 0.0), used,
            score[chosen], deviation[chosen],
        )  # fmt: skip
    return Calibrated(*result)


def _latest(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the latest 500 pairs before each count, and which of them exist."""
    positions = counts[:, None] - KEEP + np.arange(KEEP)
    return np.maximum(positions, 0), positions >= 0


def _fit(
    score: np.ndarray, outcome: np.ndarray, used: np.ndarray, now: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    power = (score * score).sum(axis=1)
    slope = (score * outcome).sum(axis=1) / np.where(power > 0, power, 1.0)
    residuals = np.sort(np.where(used, outcome - slope[:, None] * score, np.inf), axis=1)
    quantiles = [_quantile(residuals, used.sum(axis=1), q) for q in _QUANTILES]
    mean = slope * now * deviation
    p_up = _logistic(score, outcome > 0, used, now)
    return np.stack([mean, p_up, *(mean + deviation * q for q in quantiles)])


def _quantile(ordered: np.ndarray, count: np.ndarray, q: float) -> np.ndarray:
    """Linear-interpolation quantile of the first ``count`` values of each ordered row."""
    place = (count - 1) * q
    low = np.floor(place).astype(int)
    rows = np.arange(len(ordered))
    below, above = ordered[rows, low], ordered[rows, np.minimum(low + 1, count - 1)]
    return np.asarray(below + (place - low) * (above - below))


def _logistic(score: np.ndarray, up: np.ndarray, used: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Probability of up from a logistic regression on each row's pairs, by Newton's method.

    A step that lands where the slope along it is steeper than where it began has overshot, and is
    halved. Each row stops by itself, so that its result never depends on the others.
    """
    count, widest = len(score), np.abs(score).max(axis=1)
    place, step = np.zeros((2, count)), np.zeros((2, count))
    steep, taken = np.full(count, np.inf), np.ones(count)
    active = np.arange(count)
    for _ in range(_NEWTON_STEPS):
        gradient, newton = _newton(score[active], up[active], used[active], place[:, active])
        overshot = np.abs((gradient * step[:, active]).sum(axis=0)) > steep[active]
        back, on = active[overshot], active[~overshot]
        taken[back] /= 2
        place[:, back] -= taken[back] * step[:, back]
        step[:, on], taken[on] = newton[:, ~overshot], 1.0
        steep[on] = np.abs((gradient[:, ~overshot] * step[:, on]).sum(axis=0))
        place[:, on] += step[:, on]
        moved = taken * (np.abs(step[0]) + np.abs(step[1]) * widest)
        active = active[moved[active] > _TOLERANCE]
        if not len(active):
            break
    return np.asarray(1 / (1 + np.exp(-(place[0] + place[1] * now))))


def _newton(
    score: np.ndarray, up: np.ndarray, used: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the penalised likelihood at a place, and Newton's step from it: (2, rows)."""
    odds = place[0][:, None] + place[1][:, None] * score
    p = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    miss = np.where(used, up - p, 0.0)
    weight = np.where(used, p * (1 - p), 0.0)
    g0, g1 = miss.sum(axis=1), (miss * score).sum(axis=1) - place[1]
    h00, h01 = weight.sum(axis=1) + 1e-9, (weight * score).sum(axis=1)
    h11 = (weight * score * score).sum(axis=1) + 1.0
    determinant = h00 * h11 - h01 * h01
    newton = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0]) / determinant
    return np.stack([g0, g1]), newton
