"""Folds × seeds in worker processes, one torch thread each; each writes what it has finished."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cryptobt.core.errors import CryptobtError, UsageError
from cryptobt.core.processes import (
    behave_as_worker,
    end_workers,
    usable_cores,
    worker_context,
)
from cryptobt.forecasters.folds import Samples
from cryptobt.forecasters.opinions import opinions
from cryptobt.forecasters.protocol import Forecaster, Windows
from cryptobt.forecasters.registry import make_forecaster
from cryptobt.forecasters.tasks import FitTask
from cryptobt.records.content import ContentStore


@dataclass(frozen=True)
class Progress:
    """How far the fits are: ``done`` of ``total``, the last one's fold and validation loss."""

    done: int
    total: int
    fold: str
    loss: float


def run_tasks(
    tasks: Sequence[FitTask],
    samples: Samples,
    cache: ContentStore,
    workers: int,
    report: Callable[[Progress], None],
) -> None:
    """Fit and predict every task that the cache does not hold yet, longest first.

    The results are in the cache; they do not depend on the number of workers. An interrupt ends
    the workers at once and keeps what they had finished.
    """
    missing = [t for t in tasks if t.predict_key not in cache or t.fit_key not in cache]
    if not missing:
        return
    waiting = {task.fit_key: task for task in sorted(missing, key=lambda t: -t.fold.stop)}
    count = min(workers or usable_cores(), len(waiting))
    context = worker_context("cryptobt.forecasters.torch_forecaster")
    arguments = (samples, cache.root)
    with ProcessPoolExecutor(count, context, _start_worker, arguments) as pool:
        try:
            _drive(pool, waiting, len(missing), report)
        except BrokenProcessPool as error:
            raise CryptobtError(
                "a worker process died (out of memory, or killed); finished folds are kept: "
                "run the same command again, with fewer --workers if memory was short"
            ) from error
        except BaseException:
            end_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _drive(
    pool: ProcessPoolExecutor,
    waiting: dict[str, FitTask],
    total: int,
    report: Callable[[Progress], None],
) -> None:
    running: dict[Future[tuple[str, float]], str] = {}
    done = 0
    while waiting or running:
        unfinished = set(waiting) | set(running.values())
        for task in [t for t in waiting.values() if t.parent_key not in unfinished]:
            del waiting[task.fit_key]
            running[pool.submit(_fit_and_predict, task)] = task.fit_key
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            del running[future]
            fold, loss = future.result()
            done += 1
            report(Progress(done, total, fold, loss))


_samples: Samples
_cache: ContentStore


def _start_worker(samples: Samples, cache: Path) -> None:
    global _samples, _cache
    _samples, _cache = samples, ContentStore(cache)
    behave_as_worker()
    import torch

    torch.set_num_threads(1)


def _fit_and_predict(task: FitTask) -> tuple[str, float]:
    model, loss = _fitted(task)
    fold = task.fold
    prediction = model.predict(fold.forecasting(_samples))
    arrays = {
        "answers": prediction.answers,
        "explained": prediction.explained,
        "gates": prediction.gates.astype(np.float32),
        "attention": prediction.attention.astype(np.float32),
    }
    _cache.put(task.predict_key, arrays, {})
    return fold.name, loss


def _fitted(task: FitTask) -> tuple[Forecaster, float]:
    model = make_forecaster(task.forecaster, task.design, task.seed)
    entry = _cache.get(task.fit_key)
    if entry is not None and entry.meta["restorable"]:
        return model.restore(entry.arrays), _last_loss(entry.arrays["losses"])
    if task.parent_key is not None and (parent := _cache.get(task.parent_key)) is not None:
        model = model.restore(parent.arrays)
    training, validation = task.fold.learning(_samples)
    began = time.perf_counter()
    model = model.fit(training, validation)
    seconds = time.perf_counter() - began
    losses = np.array(model.losses, dtype=float).reshape(-1, 2)
    if len(losses) and not np.isfinite(losses[:, 1]).any():
        raise UsageError(
            f"training diverged in fold {task.fold.name}: no validation loss is finite; lower "
            f"training.learning_rate (now {task.design['learning_rate']:g})"
        )
    weights = model.arrays()
    centre = _centre(model, task.design, (training, validation))
    meta = {
        "fold": task.fold.name,
        "forecaster": task.forecaster,
        "restorable": weights is not None,
        "seconds": seconds,
        "parameters": model.parameters,
    }
    _cache.put(task.fit_key, {**(weights or {}), "losses": losses, "centre": centre}, meta)
    return model, _last_loss(losses)


def _centre(
    model: Forecaster, design: Mapping[str, Any], parts: tuple[Windows, Windows]
) -> np.ndarray:
    """Mean and deviation of the opinions over the windows it was fitted to, shape (2, H)."""
    target, horizons = design["target"], design["horizons"]
    said = [opinions(target, horizons, model.predict(part).answers, part) for part in parts]
    together = np.concatenate(said)
    return np.stack([together.mean(axis=0), together.std(axis=0)])


def _last_loss(losses: np.ndarray) -> float:
    return float(losses[-1, 1]) if len(losses) else float("nan")
