"""The numbers of papers' result tables, measured on what a forecaster said."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.time import DAY
from cryptobt.jobs.papers.asking import Asked
from cryptobt.metrics.accuracy import price_errors
from cryptobt.metrics.direction import direction
from cryptobt.metrics.metric import Metric, absent, measured

NO_NUMBERS = "it calls a direction and predicts no number"
NOT_TESTED = "not a day of these tests"
NO_EPOCHS = "it is not trained in epochs"


@dataclass(frozen=True)
class Scale:
    """Where a paper's scale of 0 to 1 begins, and how much of the price is 1."""

    low: float
    span: float

    def __call__(self, prices: np.ndarray) -> np.ndarray:
        """Scale prices."""
        return np.asarray((prices - self.low) / self.span)


Measure = Callable[[Asked, Scale, str], Metric]
_ZERO = 1e-9


def measure_of(asked: Asked, scale: Scale, name: str) -> Metric:
    """Measure what a claim is about; behind a colon stands what it is asked of."""
    measure, _, argument = name.partition(":")
    return MEASURES[measure](asked, scale, argument)


def _price(name: str) -> Measure:
    def one(asked: Asked, _scale: Scale, _argument: str) -> Metric:
        frame = asked.frame
        before, actual, predicted = (
            frame[column].to_numpy() for column in ("last_close", "actual", "predicted")
        )
        unit = str(frame["unit"].iloc[0]) if len(frame) else "quote"
        found = price_errors(before, actual, predicted, unit)[name]
        assert isinstance(found, Metric)
        return _as_share(found) if name == "mape" else found

    return one


def _scaled(how: Callable[[np.ndarray, np.ndarray], float], unit: str) -> Measure:
    def one(asked: Asked, scale: Scale, _argument: str) -> Metric:
        actual, predicted = _pair(asked, scale)
        if not len(actual):
            return absent(unit, NO_NUMBERS)
        return measured(how(actual, predicted), unit)

    return one


def _pair(asked: Asked, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    frame = asked.frame[asked.frame["predicted"].notna()]
    return scale(frame["actual"].to_numpy()), scale(frame["predicted"].to_numpy())


def _rms(actual: np.ndarray, predicted: np.ndarray) -> float:
    return _mse(actual, predicted) ** 0.5


def _mse(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean((predicted - actual) ** 2))


def _mean_size(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean(np.abs(predicted - actual)))


def _mean_share(actual: np.ndarray, predicted: np.ndarray) -> float:
    # The lowest close of all is 0 on this scale, but for rounding, and has no share.
    kept = np.abs(actual) > _ZERO
    return float(np.mean(np.abs((predicted - actual)[kept] / actual[kept])))


def _windows_mse(asked: Asked, _scale: Scale, _argument: str) -> Metric:
    frame = asked.frame[asked.frame["predicted"].notna()]
    unit = "MSE of window-relative closes"
    if frame.empty:
        return absent(unit, NO_NUMBERS)
    return measured(
        float(np.mean(((frame["predicted"] - frame["actual"]) / frame["base"]) ** 2)), unit
    )


def _differences(asked: Asked, scale: Scale, _argument: str) -> Metric:
    """Share of consecutive predictions that moved as the consecutive closes did."""
    actual, predicted = _pair(asked, scale)
    if len(actual) < 2:
        return absent("share", NO_NUMBERS)
    same = (np.diff(predicted) > 0) == (np.diff(actual) > 0)
    return measured(float(same.mean()), "share")


def _direction(name: str) -> Measure:
    def one(asked: Asked, _scale: Scale, _argument: str) -> Metric:
        frame = asked.frame
        called, came = frame["call"].to_numpy(), frame["actual_return"].to_numpy()
        found = direction(called, came, None, 0.95)[name]
        if isinstance(found, Metric):
            return _as_share(found)
        return measured(float(found), "days")

    return one


def _as_share(found: Metric) -> Metric:
    return Metric(found.value, "share", reason=found.reason)


def _loss(column: str, which: Callable[[pd.Series], float]) -> Measure:
    def one(asked: Asked, _scale: Scale, _argument: str) -> Metric:
        if asked.losses is None:
            return absent(asked.loss_unit, NO_EPOCHS)
        return measured(float(which(asked.losses[column])), asked.loss_unit)

    return one


def _epochs(asked: Asked, _scale: Scale, _argument: str) -> Metric:
    if asked.losses is None:
        return absent("epochs", NO_EPOCHS)
    return measured(float(len(asked.losses)), "epochs")


def _weights(asked: Asked, _scale: Scale, _argument: str) -> Metric:
    if asked.parameters is None:
        return absent("fitted numbers", "they cannot be counted")
    return measured(float(asked.parameters), "fitted numbers")


def _importance(asked: Asked, scale: Scale, feature: str) -> Metric:
    unit = "MSE of scaled closes"
    if asked.question.column != "own":
        return absent(unit, "`cryptobt explain` measures a network of returns, with intervals")
    if not asked.importances:
        return absent(unit, "the fitted model was no longer kept")
    if feature not in asked.importances:
        return absent(unit, "not among the features of these data")
    return measured(asked.importances[feature] / scale.span**2, unit)


def _on_day(value: Callable[[float, float], float], unit: str) -> Measure:
    def one(asked: Asked, scale: Scale, day: str) -> Metric:
        # The text dates a prediction by the day that it is for, a bar is named by its own.
        frame = asked.frame
        target = frame["time"] + frame["horizon_bars"] * DAY
        row = frame[(target == pd.Timestamp(day, tz="UTC")) & frame["predicted"].notna()]
        if row.empty:
            return absent(unit, NOT_TESTED)
        pair = scale(row[["actual", "predicted"]].to_numpy()[0])
        return measured(float(value(pair[0], pair[1])), unit)

    return one


MEASURES: dict[str, Measure] = {
    **{name: _price(name) for name in ("rmse", "mae", "mape", "r2", "skill")},
    "rmse_scaled": _scaled(_rms, "scaled"),
    "mae_scaled": _scaled(_mean_size, "scaled"),
    "mape_scaled": _scaled(_mean_share, "share"),
    "mse_scaled": _scaled(_mse, "MSE of scaled closes"),
    "mse_windows": _windows_mse,
    "accuracy_of_differences": _differences,
    **{name: _direction(name) for name in ("accuracy", "precision", "recall", "f1")},
    **{name: _direction(name) for name in ("tp", "fp", "tn", "fn")},
    "epochs": _epochs,
    "weights": _weights,
    "first_train_loss": _loss("train", lambda losses: losses.iloc[0]),
    "train_loss": _loss("train", lambda losses: losses.iloc[-1]),
    "first_validation_loss": _loss("validation", lambda losses: losses.iloc[0]),
    "validation_loss": _loss("validation", lambda losses: losses.iloc[-1]),
    "best_validation_loss": _loss("validation", lambda losses: losses.min()),
    "importance": _importance,
    "actual_on": _on_day(lambda actual, _predicted: actual, "scaled"),
    "predicted_for": _on_day(lambda _actual, predicted: predicted, "scaled"),
    "scaled_error_on": _on_day(lambda actual, predicted: predicted / actual - 1, "share"),
}
"""What a claim can be about. Every one is about the test bars, losses aside."""
