"""Does the best of many trials stay good? Choose in one half of the history, look in the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from cryptobt.metrics.metric import Metric, absent, measured

BLOCKS = 16
_UNITS = {"value": "probability", "slope": "ratio", "loss_probability": "probability"}
_CELLS = 1_000_000
# A slice whose variance is less than this share of its mean square is constant but for rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Overfitting:
    """How the best trial of one half of the history fared in the other half.

    Attributes
    ----------
    value : Metric
        Probability of backtest overfitting: share of the splits in which the best trial in sample
        ranked at or below the middle out of sample. About 0.5 where no trial has skill.
    slope : Metric
        Of the best trial's Sharpe ratio out of sample on that in sample, by least squares; at or
        below 0 where a good past promises nothing.
    loss_probability : Metric
        Share of the splits in which the best trial lost out of sample.
    trials, blocks : int
        Columns compared (N), and blocks of the history (S).
    """

    value: Metric
    slope: Metric
    loss_probability: Metric
    trials: int
    blocks: int


def probability_of_overfitting(returns: np.ndarray, blocks: int = BLOCKS) -> Overfitting:
    """Split the history in all balanced ways, choose in one half and look in the other.

    Parameters
    ----------
    returns : ndarray, shape (T, N)
        Simple returns per bar of N trials over the same bars.
    blocks : int
        Contiguous blocks of equal length (S), even and at least 2; 16 give 12,870 splits. Rows left
        over by the division are dropped at the start, where they are oldest.

    Returns
    -------
    Overfitting
        All absent, with the reason, for fewer than two trials or 2·S bars, an odd S, or where a
        return is not finite.

    Source: Bailey, Borwein, López de Prado & Zhu (2015), combinatorially symmetric cross-validation
    by the Sharpe ratio: ω is the rank out of sample of the best in sample over N + 1, with average
    ranks for ties, λ = ln(ω / (1 − ω)), and the probability is the share of λ ≤ 0. A constant slice
    has Sharpe ratio 0; of several best in sample the first column is taken.
    """
    trials = returns.shape[1]
    if reason := _why_not(returns, blocks):
        nothing = {name: absent(unit, reason) for name, unit in _UNITS.items()}
        return Overfitting(**nothing, trials=trials, blocks=blocks)
    inside, outside, ranks = _best_of_each_split(returns, blocks)
    # λ ≤ 0 is ω ≤ 1/2.
    share = float((ranks / (trials + 1) <= 0.5).mean())
    return Overfitting(
        measured(share, _UNITS["value"]),
        measured(_slope(inside, outside), _UNITS["slope"], "every split chose the same ratio"),
        measured(float((outside < 0).mean()), _UNITS["loss_probability"]),
        trials,
        blocks,
    )


def _why_not(returns: np.ndarray, blocks: int) -> str:
    bars, trials = returns.shape
    if trials < 2:
        return "fewer than two trials"
    if blocks < 2 or blocks % 2:
        return f"{blocks} blocks have no two halves"
    if bars < 2 * blocks:
        return f"{bars} bars are too few for {blocks} blocks of at least two"
    return "" if np.isfinite(returns).all() else "a trial has no return at some bars"


def _best_of_each_split(returns: np.ndarray, blocks: int) -> tuple[np.ndarray, ...]:
    """Sharpe ratio in and out of sample, and rank out of sample, of each split's best trial."""
    bars, trials = len(returns) // blocks, returns.shape[1]
    centre = returns.mean(axis=0)
    # Around the mean, since the variance below is a difference of sums. Shape (S, bars, N).
    parts = (returns - centre)[len(returns) - bars * blocks :].reshape(blocks, bars, trials)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    found = []
    for chosen in _splits(blocks, trials):
        inside, outside = (
            _sharpes(sums[half].sum(axis=1), squares[half].sum(axis=1), bars * blocks // 2, centre)
            for half in (chosen, _rest(chosen, blocks))
        )
        best = inside.argmax(axis=1)[:, None]
        reached = np.take_along_axis(outside, best, axis=1)
        rank = (outside < reached).sum(axis=1) + ((outside == reached).sum(axis=1) + 1) / 2
        found.append((np.take_along_axis(inside, best, axis=1)[:, 0], reached[:, 0], rank))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _splits(blocks: int, trials: int) -> Iterator[np.ndarray]:
    """Blocks in sample of all splits, shape (m, S/2), as many at a time as memory allows."""
    every = combinations(range(blocks), blocks // 2)
    size = max(1, _CELLS // (blocks // 2 * trials))
    while some := list(islice(every, size)):
        yield np.array(some)


def _rest(chosen: np.ndarray, blocks: int) -> np.ndarray:
    """Blocks out of sample, shape (m, S/2)."""
    left = np.ones((len(chosen), blocks), dtype=bool)
    np.put_along_axis(left, chosen, False, axis=1)
    return np.nonzero(left)[1].reshape(chosen.shape)


def _sharpes(sums: np.ndarray, squares: np.ndarray, bars: int, centre: np.ndarray) -> np.ndarray:
    """Per-bar Sharpe ratios (ddof 1) from sums of returns around their centre, shape (m, N)."""
    shift = sums / bars
    variance = (squares - bars * shift**2) / (bars - 1)
    varies = variance > _ROUNDING * squares / bars
    deviation = np.sqrt(variance, where=varies, out=np.ones_like(variance))
    return np.where(varies, (shift + centre) / deviation, 0.0)


def _slope(inside: np.ndarray, outside: np.ndarray) -> float:
    around = inside - inside.mean()
    if np.ptp(inside) <= _ROUNDING * np.abs(inside).max():
        return float("nan")
    return float(around @ outside / (around @ around))
