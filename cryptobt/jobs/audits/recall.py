"""Fitted folds asked again in this process: no worker has to be started for a few windows."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from cryptobt.core.settings import Settings
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.protocol import Forecaster, Prediction
from cryptobt.forecasters.registry import ForecasterSpec, make_forecaster
from cryptobt.forecasters.tasks import FitTask, plan_tasks
from cryptobt.records.content import ContentStore


def ask_kept(
    spec: ForecasterSpec,
    samples: Samples,
    folds: Sequence[Fold],
    settings: Settings,
    cache: ContentStore,
) -> None:
    """Ask every fold that is fitted and was never asked for these windows, and keep its answers.

    What is kept is what a worker would keep; a fold that is not fitted is left to workers.
    """
    if not spec.trained:
        return
    for task in plan_tasks(spec, samples, list(folds), settings):
        if task.predict_key not in cache and task.fit_key in cache:
            model = _made(task)
            with threadpool_limits(1):
                said = _fitted(model, task, samples, cache).predict(task.fold.forecasting(samples))
            cache.put(task.predict_key, _arrays(said), {})


def kept_answers(task: FitTask, cache: ContentStore) -> np.ndarray | None:
    """What is kept of a fold's answers; None where nothing is."""
    entry = cache.get(task.predict_key)
    return None if entry is None else entry.arrays["answers"]


def refitted(task: FitTask, samples: Samples) -> np.ndarray:
    """Fit a fold from nothing, and ask it."""
    model = _made(task)
    with threadpool_limits(1):
        model = model.fit(*task.fold.learning(samples))
        return np.asarray(model.predict(task.fold.forecasting(samples)).answers)


def _made(task: FitTask) -> Forecaster:
    # Before threads are limited: a library that is loaded later is not.
    return make_forecaster(task.forecaster, task.design, task.seed)


def _fitted(model: Forecaster, task: FitTask, samples: Samples, cache: ContentStore) -> Forecaster:
    entry = cache.get(task.fit_key)
    if entry is not None and entry.meta["restorable"]:
        return model.restore(entry.arrays)
    return model.fit(*task.fold.learning(samples))


def _arrays(said: Prediction) -> dict[str, np.ndarray]:
    return {
        "answers": said.answers,
        "explained": said.explained,
        "gates": said.gates.astype(np.float32),
        "attention": said.attention.astype(np.float32),
    }
