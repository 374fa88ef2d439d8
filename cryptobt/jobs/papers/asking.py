"""Every fit of a reproduction: planned, made side by side, and set beside what came."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.processes import end_workers, usable_cores
from cryptobt.core.settings import Settings
from cryptobt.features.windows import unbroken_rows
from cryptobt.forecasters.answers import Answers
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.predictions import predictions
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.forecasters.table import ForecastTable, realised
from cryptobt.forecasters.walkforward import ask, make_samples
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events, Progress
from cryptobt.jobs.papers.importance import importances
from cryptobt.jobs.papers.stretch import Scene

LOSS_UNITS = {
    ("scaled_close", "minmax"): "MSE of scaled closes",
    ("scaled_close", "window"): "MSE of window-relative closes",
}


@dataclass(frozen=True)
class Question:
    """One forecaster that is to be fitted with one seed, on one column's bars.

    Attributes
    ----------
    column : str
        ``own``, ``unleaked``, ``twin`` or ``baseline``.
    """

    column: str
    variant: str
    seed: int
    spec: ForecasterSpec
    settings: Settings
    samples: Samples
    folds: list[Fold]
    scene: Scene
    permute: bool = False


@dataclass(frozen=True)
class Asked:
    """What a forecaster said of the test bars, and how it learnt.

    Attributes
    ----------
    frame : DataFrame
        Columns of :func:`~cryptobt.forecasters.predictions.predictions`, ``answers``, and ``base``,
        the first close of each window; rows of the test bars with a known outcome.
    losses : DataFrame or None
        Columns epoch, train, validation, of the newest fold.
    importances : dict
        Feature to what permuting it adds to the mean squared error, in price².
    """

    question: Question
    frame: pd.DataFrame
    losses: pd.DataFrame | None
    seconds: float
    parameters: int | None
    importances: Mapping[str, float] = field(default_factory=dict)

    @property
    def loss_unit(self) -> str:
        """Unit of its losses."""
        chosen = self.question.settings
        key = chosen.forecaster.target, chosen.features.scaling
        return LOSS_UNITS.get(key, "MSE of returns in σ")


_Waiting = queue.SimpleQueue[tuple[int, Question]]
_Ended = queue.SimpleQueue[tuple[int, Asked | BaseException]]


def plan(scene: Scene, settings: Settings) -> tuple[Samples, list[Fold]]:
    """Lay windows and folds out.

    Raises
    ------
    DataInvalidError
        If there are too few rows.
    """
    samples = make_samples(scene.market, scene.features, settings)
    return samples, plan_folds(samples, settings.forecaster, settings.walkforward)


def test_times(samples: Samples, folds: Sequence[Fold]) -> pd.DatetimeIndex:
    """Bars that are forecast and whose outcome, to the farthest horizon, is known."""
    predicted = np.concatenate([fold.predicted for fold in folds])
    unbroken = unbroken_rows(samples.times, samples.interval)
    last = predicted + samples.ahead
    known = last < len(unbroken)
    known[known] = unbroken[last[known]] >= samples.ahead
    return samples.times[predicted[known]]


def ask_every(
    questions: Sequence[Question], times: pd.DatetimeIndex, workers: int, events: Events
) -> list[Asked]:
    """Have every question answered, several at once where there are cores for it."""
    store = fold_cache()
    store.check_writable()

    def answer(question: Question) -> Asked:
        chosen = question.settings
        run = chosen.run.model_copy(update={"workers": 1})
        alone = chosen.model_copy(update={"run": run})
        answers = ask(question.spec, question.samples, question.folds, alone, store, _untold)
        return _beside_actual(question, answers, times)

    asked: dict[int, Asked] = {}
    for place, one in _at_once(answer, questions, workers or usable_cores()):
        asked[place] = one
        loss = np.nan if one.losses is None else float(one.losses["validation"].iloc[-1])
        events.fits(Progress(len(asked), len(questions), one.question.variant, loss))
    return [asked[place] for place in range(len(questions))]


def _untold(_progress: Progress) -> None:
    """Fits of one question are not told of: whole questions are."""


def _beside_actual(question: Question, answers: Answers, times: pd.DatetimeIndex) -> Asked:
    market, settings = question.scene.market, question.settings
    outcomes = [realised(market, horizon) for horizon in settings.forecaster.horizons]
    table = ForecastTable(market, settings, outcomes, 0, question.folds)
    frame = predictions(market, question.spec, answers, table)
    if question.spec.answers == "direction":
        none = dict.fromkeys(("predicted", "error", "pct_error", "predicted_return"), np.nan)
        scores = table.rows(question.spec.name, question.spec, answers.z)
        scores = scores.sort_values(["time", "horizon_bars"], ignore_index=True)
        frame = frame.assign(**none, call=scores["score"])
    places = market.times.get_indexer(pd.DatetimeIndex(frame["time"]))
    first = places - settings.forecaster.window_bars + 1
    frame = frame.assign(answers=question.spec.answers, base=market.bars[CLOSE].to_numpy()[first])
    kept = frame["time"].isin(times) & frame["actual"].notna()
    losses = _losses(answers)
    gains = (
        importances(question.spec, question.samples, question.folds[-1], settings, times)
        if question.permute
        else {}
    )
    return Asked(
        question,
        frame[kept].reset_index(drop=True),
        losses,
        answers.seconds,
        answers.parameters,
        gains,
    )


def _losses(answers: Answers) -> pd.DataFrame | None:
    if answers.explanation is None:
        return None
    return list(answers.explanation.losses.values())[-1].drop(columns="seed")


def _at_once(
    do: Callable[[Question], Asked], questions: Sequence[Question], most: int
) -> Iterator[tuple[int, Asked]]:
    """Answer in threads, each of which waits for a process that learns; give each as it ends."""
    if most == 1:
        yield from enumerate(map(do, questions))
        return
    waiting: _Waiting = queue.SimpleQueue()
    ended: _Ended = queue.SimpleQueue()
    for item in enumerate(questions):
        waiting.put(item)
    for _ in range(min(most, len(questions))):
        # No pool, which a program waits for at its end: an interrupt ends these at once.
        threading.Thread(target=_work, args=(do, waiting, ended), daemon=True).start()
    try:
        for _ in questions:
            place, result = ended.get()
            if isinstance(result, BaseException):
                raise result
            yield place, result
    except BaseException:
        end_workers()
        raise


def _work(do: Callable[[Question], Asked], waiting: _Waiting, ended: _Ended) -> None:
    while True:
        try:
            place, question = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            ended.put((place, do(question)))
        # whatever it is belongs to whoever asked
        except BaseException as error:
            ended.put((place, error))
