"""What shuffling one feature among the test windows adds to a fitted model's error."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import ForecasterSpec, make_forecaster
from cryptobt.forecasters.tasks import plan_tasks
from cryptobt.jobs.cache import fold_cache

REPEATS = 10


def importances(
    spec: ForecasterSpec,
    samples: Samples,
    fold: Fold,
    settings: Settings,
    times: pd.DatetimeIndex,
) -> dict[str, float]:
    """Measure what each feature is worth to a model of closes, by permutation.

    A feature's whole windows are exchanged between the test windows, :data:`REPEATS` times, with
    the other features left in place.

    Parameters
    ----------
    fold : Fold
        Whose fitted model is asked; it was fitted before.
    times : DatetimeIndex
        Test bars.

    Returns
    -------
    dict
        Feature to mean growth of the squared error, in price²; empty where the model is no longer
        kept, or cannot be.

    Source: Breiman (2001); Fisher, Rudin & Dominici (2019), with several draws averaged.
    """
    (task,) = plan_tasks(spec, samples, [fold], settings)
    entry = fold_cache().get(task.fit_key)
    if entry is None or not entry.meta["restorable"]:
        return {}
    model = make_forecaster(spec.name, task.design, task.seed).restore(entry.arrays)
    chosen = fold.predicted[samples.times[fold.predicted].isin(times)]
    windows = _apart(samples.windows(chosen, 0, len(samples.times), fold.date, labelled=False))
    actual = samples.targets[chosen]

    def error(rows: np.ndarray) -> float:
        answers = model.predict(replace(windows, rows=rows)).answers
        return float(np.mean((answers - actual) ** 2))

    shape = len(chosen), windows.length, windows.rows.shape[1]
    whole, base = windows.rows.reshape(shape), error(windows.rows)
    random = np.random.default_rng(settings.walkforward.seed)
    orders = [random.permutation(len(chosen)) for _ in range(REPEATS)]
    return {
        name: float(np.mean([error(_shuffled(whole, column, order)) for order in orders])) - base
        for column, name in enumerate(samples.names)
    }


def _apart(windows: Windows) -> Windows:
    """Give each window rows of its own, so that one can change without its neighbours."""
    places = (windows.ends[:, None] - np.arange(windows.length)[::-1]).ravel()
    ends = np.arange(1, len(windows) + 1) * windows.length - 1
    return replace(
        windows, rows=windows.rows[places], log_close=windows.log_close[places], ends=ends
    )


def _shuffled(whole: np.ndarray, column: int, order: np.ndarray) -> np.ndarray:
    rows = whole.copy()
    rows[:, :, column] = whole[order, :, column]
    return rows.reshape(-1, whole.shape[2])
