"""What the folds of one forecaster answered, put together in the order of the bars."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.types import Explanation
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.folds import Fold, Samples
from cryptobt.forecasters.registry import ForecasterSpec, make_forecaster
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
    z : ndarray, shape (m, seeds)
        Standardised answer of each member of the ensemble.
    explanation : Explanation or None
        Of the forecasters that have one.
    """

    rows: np.ndarray
    z: np.ndarray
    explanation: Explanation | None


def ask_untrained(spec: ForecasterSpec, samples: Samples, folds: list[Fold]) -> Answers:
    """Ask a forecaster that learns nothing, fold by fold."""
    model = make_forecaster(spec.name, {}, 0)
    parts = []
    for fold in folds:
        learnt = [model.predict(windows).answers.mean(axis=1) for windows in fold.learning(samples)]
        past = np.concatenate(learnt)
        answer = model.predict(fold.forecasting(samples)).answers.mean(axis=1)
        parts.append(_standardised(answer, float(past.mean()), float(past.std())))
    rows = np.concatenate([fold.predicted for fold in folds])
    return Answers(rows, np.concatenate(parts)[:, None], None)


def _standardised(answer: np.ndarray, centre: float, deviation: float) -> np.ndarray:
    # Half of the training mean stays in: the recipe's prior that past drift half persists.
    # A network that has collapsed to one answer says nothing, however little it varies.
    return (answer.astype(float) - 0.5 * centre) / max(deviation, LEAST_DEVIATION)


def collect(
    tasks: list[FitTask],
    samples: Samples,
    features: FeatureTable,
    entries: Mapping[str, Entry],
) -> Answers:
    """Read the answers of a trained forecaster's folds and seeds from their cache entries."""
    folds: dict[str, list[FitTask]] = {}
    for task in tasks:
        folds.setdefault(task.fold.name, []).append(task)
    z, gates, attention, explained, losses = [], [], [], [], {}
    for name, members in folds.items():
        fits = [entries[task.fit_key].arrays for task in members]
        answers = [entries[task.predict_key].arrays for task in members]
        z.append(
            np.stack(
                [
                    _standardised(answer["answers"].mean(axis=1), *fit["centre"])
                    for fit, answer in zip(fits, answers, strict=True)
                ],
                axis=1,
            )
        )
        explained.append(members[0].fold.predicted[answers[0]["explained"]])
        gates.append(np.mean([answer["gates"] for answer in answers], axis=0))
        attention.append(np.mean([answer["attention"] for answer in answers], axis=0))
        losses[name] = _loss_frame([fit["losses"] for fit in fits])
    rows = np.concatenate([members[0].fold.predicted for members in folds.values()])
    explanation = Explanation(
        samples.times[np.concatenate(explained)],
        tuple(str(column) for column in features.frame.columns),
        np.concatenate(gates),
        np.concatenate(attention),
        losses,
    )
    return Answers(rows, np.concatenate(z), explanation)


def _loss_frame(losses: list[np.ndarray]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {"seed": member, "epoch": range(1, len(loss) + 1), "train": loss[:, 0],
             "validation": loss[:, 1]}
        )
        for member, loss in enumerate(losses)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)
