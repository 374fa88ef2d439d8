"""What the folds of one forecaster answered, put together in the order of the bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.types import Explanation
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.opinions import opinions, predicted_returns
from cryptobt.forecasters.protocol import Forecaster, Windows
from cryptobt.forecasters.registry import TREND_ONLY, ForecasterSpec, make_forecaster
from cryptobt.forecasters.tasks import FitTask
from cryptobt.records.content import Entry

LEAST_DEVIATION = 0.01  # targets deviate by about 1


@dataclass(frozen=True)
class Answers:
    """What the folds of one forecaster answered, in the order of the bars.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Bar number of each forecast.
    z : ndarray, shape (m, H, seeds)
        Standardised opinion of each member of the ensemble on each horizon, or on all (H = 1).
    returns : ndarray, shape (m, horizons)
        Log return that the forecaster itself predicts, mean of the ensemble and not calibrated;
        NaN for one that predicts none: a direction, or the smoothed trend.
    explanation : Explanation or None
        Of the forecasters that have one.
    seconds : float
        Spent on fitting all of its folds and seeds, when they were fitted; on one thread each.
    parameters : int or None
        Numbers that were fitted in each, at most; None where they cannot be counted.
    """

    rows: np.ndarray
    z: np.ndarray
    returns: np.ndarray
    explanation: Explanation | None = None
    seconds: float = 0.0
    parameters: int | None = None


def ask_rule(
    spec: ForecasterSpec, samples: Samples, folds: list[Fold], horizons: Sequence[int]
) -> Answers:
    """Ask a forecaster that learns next to nothing, fold by fold."""
    model = make_forecaster(spec.name, {"horizons": list(horizons)}, 0)
    z, returns = [], []
    for fold in folds:
        learnt, asked = fold.learning(samples), fold.forecasting(samples)
        answers = model.fit(*learnt).predict(asked).answers
        none = np.full((len(asked), len(horizons)), np.nan)
        returns.append(answers if spec.answers == "return" else none)
        if spec.name == TREND_ONLY:
            answers = _centred(model, answers, learnt)
        elif spec.answers == "return":
            answers = answers / (asked.deviation[:, None] * np.sqrt(np.array(horizons)))
        z.append(answers)
    rows = np.concatenate([fold.predicted for fold in folds])
    together = np.concatenate(z)[..., None]
    return Answers(rows, together, np.concatenate(returns), parameters=model.parameters)


def _centred(model: Forecaster, answers: np.ndarray, learnt: tuple[Windows, Windows]) -> np.ndarray:
    """Standardise the known trend as a network's answers are, of which it is the known part."""
    past = np.concatenate([model.predict(windows).answers.mean(axis=1) for windows in learnt])
    past = past[np.isfinite(past)]
    if not len(past):
        return np.full((len(answers), 1), np.nan)
    return standardised(answers.mean(axis=1, keepdims=True), np.array([past.mean(), past.std()]))


def standardised(opinion: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Set opinions, (w, H), against mean and deviation of those on the fold's own windows."""
    # Half of the training mean stays in: the recipe's prior that past drift half persists.
    # What varies less than the least deviation is rounding; of it the mean alone says something.
    mean, deviation = centre
    return np.asarray((opinion - 0.5 * mean) / np.maximum(deviation, LEAST_DEVIATION))


def collect(
    tasks: list[FitTask],
    samples: Samples,
    entries: Mapping[str, Entry],
) -> Answers:
    """Read the answers of a trained forecaster's folds and seeds from their cache entries."""
    folds: dict[str, list[FitTask]] = {}
    for task in tasks:
        folds.setdefault(task.fold.name, []).append(task)
    z, returns = [], []
    for members in folds.values():
        asked = members[0].fold.forecasting(samples)
        said = [_said(task, asked, entries) for task in members]
        z.append(np.stack([opinion for opinion, _ in said], axis=-1))
        returns.append(np.mean([predicted for _, predicted in said], axis=0))
    fits = [entries[task.fit_key].meta for task in tasks]
    counts = [fit["parameters"] for fit in fits if fit["parameters"] is not None]
    return Answers(
        np.concatenate([members[0].fold.predicted for members in folds.values()]),
        np.concatenate(z),
        np.concatenate(returns),
        _explanation(folds, samples, entries),
        float(sum(fit["seconds"] for fit in fits)),
        max(counts, default=None),
    )


def _said(
    task: FitTask, asked: Windows, entries: Mapping[str, Entry]
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised opinions of one member, (w, H), and the returns it predicts, (w, horizons)."""
    answers = entries[task.predict_key].arrays["answers"]
    target, horizons = task.design["target"], task.design["horizons"]
    opinion = opinions(target, horizons, answers, asked)
    centre = entries[task.fit_key].arrays["centre"]
    losses = task.design.get("losses", ())
    returns = predicted_returns(target, horizons, answers, asked, losses)
    return standardised(opinion, centre), returns


def _explanation(
    folds: Mapping[str, list[FitTask]], samples: Samples, entries: Mapping[str, Entry]
) -> Explanation | None:
    """What the ensemble looked at, and how it learnt; None for what has no epochs."""
    gates, attention, explained, losses = [], [], [], {}
    for name, members in folds.items():
        losses[name] = _loss_frame([entries[task.fit_key].arrays["losses"] for task in members])
        answers = [entries[task.predict_key].arrays for task in members]
        if not len(answers[0]["explained"]):
            continue  # a fold that falls into a gap
        explained.append(members[0].fold.predicted[answers[0]["explained"]])
        gates.append(np.mean([answer["gates"] for answer in answers], axis=0))
        attention.append(np.mean([answer["attention"] for answer in answers], axis=0))
    if not explained:
        return None
    return Explanation(
        samples.times[np.concatenate(explained)],
        samples.names,
        np.concatenate(gates),
        np.concatenate(attention),
        losses,
    )


def _loss_frame(losses: list[np.ndarray]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {"seed": member, "epoch": range(1, len(loss) + 1), "train": loss[:, 0],
             "validation": loss[:, 1]}
        )
        for member, loss in enumerate(losses)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)
