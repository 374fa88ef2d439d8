"""Every fit examined in worker processes, one torch thread each."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from cryptobt.core.errors import CryptobtError
from cryptobt.core.processes import behave_as_worker, end_workers, usable_cores, worker_context
from cryptobt.forecasters.examine import (
    Findings,
    Question,
    answers_log_odds,
    combined,
    examine_fit,
    examined_windows,
    known_ends,
)
from cryptobt.forecasters.folds import Samples
from cryptobt.forecasters.importance import Predictor
from cryptobt.forecasters.protocol import Forecaster, Prediction, Windows
from cryptobt.forecasters.registry import make_forecaster
from cryptobt.forecasters.tasks import FitTask
from cryptobt.records.content import ContentStore


def examine_all(
    tasks: Sequence[FitTask],
    samples: Samples,
    cache: ContentStore,
    question: Question,
    workers: int,
    report: Callable[[int, int], None],
) -> Findings:
    """Examine every fit on the windows of its fold that have a known outcome.

    Causality: a fit is asked about windows that it could not see; what is moved stays inside them.
    The findings do not depend on the number of workers.

    Parameters
    ----------
    tasks : sequence of FitTask
        Fitted ones, of folds with :func:`known_ends`; one that the cache does not hold, or that
        cannot be restored, is fitted again.
    report : callable
        Told how many fits of how many are done.
    """
    found: list[Findings] = []
    with _answers(tasks, samples, cache, question, workers) as answers:
        for done, one in enumerate(answers, start=1):
            found.append(one)
            report(done, len(tasks))
    folds: dict[str, list[Findings]] = {}
    for task, one in zip(tasks, found, strict=True):
        folds.setdefault(task.fold.name, []).append(one)
    return combined(list(folds.values()))


@contextmanager
def _answers(
    tasks: Sequence[FitTask],
    samples: Samples,
    cache: ContentStore,
    question: Question,
    workers: int,
) -> Iterator[Iterator[Findings]]:
    """Answers in the order of the tasks; of one worker, from this process."""
    count = min(workers or usable_cores(), len(tasks))
    if count == 1:
        with one_thread():
            yield (_examine_task(task, samples, cache, question) for task in tasks)
        return
    context = worker_context("cryptobt.forecasters.torch_forecaster")
    arguments = (samples, cache.root, question)
    with ProcessPoolExecutor(count, context, _start_worker, arguments) as pool:
        try:
            yield pool.map(_examine_in_worker, tasks)
        except BrokenProcessPool as error:
            raise CryptobtError(
                "a worker process died (out of memory, or killed): run the same command again, "
                "with fewer --workers if memory was short"
            ) from error
        except BaseException:
            end_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, as workers do, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_given: tuple[Samples, ContentStore, Question]


def _start_worker(samples: Samples, cache: Path, question: Question) -> None:
    global _given
    _given = samples, ContentStore(cache), question
    behave_as_worker()
    import torch

    torch.set_num_threads(1)


def _examine_in_worker(task: FitTask) -> Findings:
    return _examine_task(task, *_given)


def _examine_task(
    task: FitTask, samples: Samples, cache: ContentStore, question: Question
) -> Findings:
    windows = examined_windows(task.fold, samples, question.start)
    fitted = restored(task, samples, cache)
    model: Predictor = fitted
    if answers_log_odds(task.design) or getattr(fitted, "answers_log_odds", False):
        model = _AsCalls(fitted)
    if question.calls:
        windows = replace(windows, targets=np.where(windows.labels() > 0, 1.0, -1.0))
    found = examine_fit(model, windows, question, np.random.default_rng(task.seed))
    first = known_ends(task.fold, samples, question.start)[0] - samples.length
    return replace(found, rows=found.rows + first)


class _AsCalls:
    """A forecaster whose log odds are read as calls between −1 and 1."""

    def __init__(self, model: Forecaster) -> None:
        self.model = model

    def predict(self, windows: Windows) -> Prediction:
        said = self.model.predict(windows)
        return replace(said, answers=np.tanh(said.answers / 2))


def restored(task: FitTask, samples: Samples, cache: ContentStore) -> Forecaster:
    """Restore what was fitted, or fit it again, so that it explains every window."""
    design = {key: 1 if key == "explain_every" else task.design[key] for key in task.design}
    model = make_forecaster(task.forecaster, design, task.seed)
    entry = cache.get(task.fit_key)
    if entry is not None and entry.meta["restorable"]:
        return model.restore(entry.arrays)
    if task.parent_key is not None and (parent := cache.get(task.parent_key)) is not None:
        model = model.restore(parent.arrays)
    return model.fit(*task.fold.learning(samples))
