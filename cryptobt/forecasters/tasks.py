"""One fit of one fold with one seed, and the keys under which it is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryptobt.core.hashing import hash_arrays, hash_json
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import ForecasterSpec, code_hash, design_of

EXPLAINED_PER_FOLD = 512


@dataclass(frozen=True)
class FitTask:
    """One fold and seed: what to fit and under which keys it is kept.

    Attributes
    ----------
    fit_key, predict_key : str
        Content keys of the fitted model and of its predictions.
    parent_key : str or None
        Fitted network that a warm start begins from.
    """

    forecaster: str
    design: Mapping[str, Any]
    fold: Fold
    seed: int
    fit_key: str
    predict_key: str
    parent_key: str | None


def plan_tasks(
    spec: ForecasterSpec, samples: Samples, folds: list[Fold], settings: Settings
) -> list[FitTask]:
    """One task for each fold and seed, under keys made of everything that it can see."""
    walkforward = settings.walkforward
    bars_per_fold = int(DAY * walkforward.refit_days / samples.interval)
    design = design_of(spec, settings, max(1, bars_per_fold // EXPLAINED_PER_FOLD))
    code = code_hash(spec)
    members = walkforward.ensemble_seeds if spec.random else 1
    warm = walkforward.warm_start and spec.kind == "net"
    tasks: list[FitTask] = []
    parents: dict[int, str] = {}
    for fold in folds:
        seen = [_hash_windows(windows) for windows in fold.learning(samples)]
        asked = _hash_windows(fold.forecasting(samples))
        for member in range(members):
            seed = _seed(walkforward.seed, member, fold)
            parent = parents.get(member) if warm else None
            fit_key = hash_json([spec.name, design, code, seen, seed, parent])
            tasks.append(
                FitTask(
                    spec.address, design, fold, seed, fit_key, hash_json([fit_key, asked]), parent
                )
            )
            parents[member] = fit_key
    return tasks


def _seed(seed: int, member: int, fold: Fold) -> int:
    return int(hash_json([seed, member, fold.name])[:12], 16)


def _hash_windows(windows: Windows) -> str:
    arrays = {
        "rows": windows.rows,
        "log_close": windows.log_close,
        "ends": windows.ends,
        "slots": windows.slots,
        "known": windows.known,
        "deviation": windows.deviation,
        "length": np.array([windows.length]),
    }
    if windows.targets is not None:
        arrays["targets"] = windows.targets
    if windows.seen is not None:
        arrays |= {"seen.rows": windows.seen.rows, "seen.log_close": windows.seen.log_close}
    return hash_arrays(arrays)
