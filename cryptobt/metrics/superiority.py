"""Many models beside a benchmark: whether one of them is better, and which are the best."""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from cryptobt.metrics.bootstrap import MIN_ROWS
from cryptobt.metrics.metric import Metric, absent, measured

_UNIT = "probability"
# Losses that differ by less than this share of themselves differ by rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Superiority:
    """Whether some model has smaller losses than a benchmark, and which have.

    Attributes
    ----------
    p_value : Metric
        Of "no model is better", by the consistent recentring; a share of the draws, so that 0
        means below one in their number.
    p_lower, p_upper : Metric
        The same with the models that look worse left out, and with all of them counted.
    superior : tuple of str
        Models that are better, all of them at once at the level asked for; in the order given.
    """

    p_value: Metric
    p_lower: Metric
    p_upper: Metric
    superior: tuple[str, ...]


@dataclass(frozen=True)
class ConfidenceSet:
    """Models that cannot be told from the best one.

    Attributes
    ----------
    members : tuple of str
        In the order given; the set holds the best model with the probability asked for.
    p_values : dict
        By model: the largest size of the test at which it would still be in the set.
    """

    members: tuple[str, ...]
    p_values: dict[str, Metric]


def superiority(
    losses: pd.DataFrame,
    benchmark: np.ndarray,
    block_bars: float,
    draws: int,
    seed: int,
    level: float = 0.95,
) -> Superiority:
    """Test whether the best of several models beats a benchmark, the choosing paid for.

    Parameters
    ----------
    losses : DataFrame, shape (T, N)
        Losses at successive times, smaller is better, one named column a model.
    benchmark : ndarray, shape (T,)
        Losses of the benchmark at the same times. A row with a NaN in any is left out.
    block_bars : float
        Mean length of a drawn stretch, at least 1.
    draws, seed : int
        Of the stationary bootstrap.
    level : float
        Confidence that all of ``superior`` are better.

    Returns
    -------
    Superiority
        Absent, with the reason, with fewer than 20 rows, where no model differs from the
        benchmark, and where a lead is the same at all times. The probability is 1 where no model
        has the smaller mean loss.

    Source: the test of superior predictive ability, Hansen (2005), and its steps, Romano & Wolf
    (2005), by ``arch.bootstrap``. It takes leads as they are, so that the widest decides; here
    they are divided by their standard deviation first, ddof 1, where the paper takes that of
    dependent data.
    """
    known = losses.notna().all(axis=1).to_numpy() & np.isfinite(benchmark)
    base, rivals = benchmark[known], losses[known]
    leads = rivals.rsub(base, axis=0)
    least = _ROUNDING * float(np.abs(np.column_stack([base, rivals])).max(initial=0.0))
    leads = leads.loc[:, leads.abs().max() > least]
    if reason := _why_not(leads, least):
        nothing = absent(_UNIT, reason)
        return Superiority(nothing, nothing, nothing, ())
    scaled = leads / leads.std()
    better = _steps(scaled, block_bars, draws, seed, 1 - level)
    consistent, lower, upper = _p_values(scaled, block_bars, draws, seed)
    return Superiority(consistent, lower, upper, better)


def model_confidence_set(
    losses: pd.DataFrame, block_bars: float, draws: int, seed: int, level: float = 0.95
) -> ConfidenceSet:
    """Name the models that cannot be told from the best one.

    Parameters
    ----------
    losses, block_bars, draws, seed
        As in :func:`superiority`; memory grows with T times draws.
    level : float
        Probability that the best model is in the set.

    Returns
    -------
    ConfidenceSet
        Every model, without a probability but with the reason, with fewer than 20 rows, where all
        make the same losses, and where two differ by the same amount at all times. Models with
        the same losses share one fate.

    Source: Hansen, Lunde & Nason (2011), by ``arch.bootstrap`` with the range statistic.
    """
    from arch.bootstrap import MCS

    rows = losses.dropna()
    distinct = rows.loc[:, ~rows.T.duplicated().to_numpy()]
    if reason := _no_set(distinct):
        nothing = dict.fromkeys(map(str, losses), absent(_UNIT, reason))
        return ConfidenceSet(tuple(nothing), nothing)
    # arch types the block length as int, and computes with a mean length.
    length: int = block_bars  # type: ignore[assignment]
    test = MCS(distinct, 1 - level, reps=draws, block_size=length, method="R", seed=seed)
    test.compute()
    found: dict[Hashable, float] = test.pvalues["Pvalue"].to_dict()
    shared = {str(name): found[_twin(distinct, rows[name])] for name in rows}
    members = tuple(name for name, p in shared.items() if p > 1 - level)
    return ConfidenceSet(members, {name: measured(p, _UNIT) for name, p in shared.items()})


def _why_not(leads: pd.DataFrame, least: float) -> str:
    if len(leads) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} losses"
    if leads.empty:
        return "every model makes the losses of the benchmark"
    fixed = leads.columns[np.ptp(leads, axis=0) <= least]
    return f"the lead of {fixed[0]} is the same at all times" if len(fixed) else ""


def _p_values(scaled: pd.DataFrame, block_bars: float, draws: int, seed: int) -> list[Metric]:
    """Lower bounds come first in arch, and here the consistent one."""
    from arch.bootstrap import SPA

    # arch compares the best mean lead as it is; Hansen's statistic is 0 where it is negative,
    # and then nothing speaks against the benchmark.
    if scaled.mean().max() <= 0:
        return [measured(1.0, _UNIT)] * 3
    length: int = block_bars  # type: ignore[assignment]
    # With nested variances the time grows with T, otherwise with its square.
    test = SPA(np.zeros(len(scaled)), -scaled, length, draws, nested=True, seed=seed)
    test.compute()
    return [measured(test.pvalues[name], _UNIT) for name in ("consistent", "lower", "upper")]


def _steps(
    scaled: pd.DataFrame, block_bars: float, draws: int, seed: int, size: float
) -> tuple[str, ...]:
    from arch.bootstrap import StepM

    length: int = block_bars  # type: ignore[assignment]
    # arch fails where its last step leaves no model over: one that always loses stays.
    models = np.column_stack([-scaled, np.ones(len(scaled))])
    test = StepM(np.zeros(len(scaled)), models, size, length, draws, nested=True, seed=seed)
    test.compute()
    found, means = set(test.superior_models), scaled.mean().to_numpy()
    return tuple(str(k) for place, k in enumerate(scaled) if place in found and means[place] > 0)


def _no_set(distinct: pd.DataFrame) -> str:
    if len(distinct) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} losses"
    if distinct.shape[1] < 2:
        return "every model makes the same losses"
    least = _ROUNDING * float(distinct.abs().to_numpy().max())
    for one, other in combinations(distinct, 2):
        if np.ptp(distinct[one] - distinct[other]) <= least:
            return f"the losses of {one} and {other} differ by the same amount at all times"
    return ""


def _twin(distinct: pd.DataFrame, losses: pd.Series) -> Hashable:
    """Name of the model kept that makes these losses."""
    return next(name for name in distinct if distinct[name].equals(losses))
