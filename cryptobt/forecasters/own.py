"""A user's own forecaster: what it has to be, and what is asked of its answers."""

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from threadpoolctl import threadpool_limits

from cryptobt.core.errors import UsageError
from cryptobt.core.user_code import Found, Wanted, explain_failure
from cryptobt.forecasters.protocol import Prediction, Windows

_PREFIX = "own."


class ForecasterError(UsageError):
    """A forecaster of the user's does not import, fails, or answers what cannot be used."""


class AnswerShapeError(ForecasterError):
    """Not one number for each window and target."""


class NotFiniteError(ForecasterError):
    """An answer is NaN or infinite."""


class ChangedInputError(ForecasterError):
    """What was given to be read was written to."""


def is_estimator(value: Any) -> bool:
    """Whether a value is a regressor or classifier of scikit-learn's kind: class or instance."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import get_tags

    if isinstance(value, type):
        return issubclass(value, BaseEstimator) and issubclass(
            value, (ClassifierMixin, RegressorMixin)
        )
    if not isinstance(value, BaseEstimator):
        return False
    return get_tags(value).estimator_type in ("classifier", "regressor")


def is_classifier(value: Any) -> bool:
    """Whether an estimator learns classes, not numbers."""
    from sklearn.base import ClassifierMixin
    from sklearn.utils import get_tags

    if isinstance(value, type):
        return issubclass(value, ClassifierMixin)
    return bool(get_tags(value).estimator_type == "classifier")


def _is_forecaster(value: Any, module: str | None) -> bool:
    if not isinstance(value, type):
        return is_estimator(value)
    if module not in (None, value.__module__):
        return False
    return all(callable(getattr(value, name, None)) for name in ("fit", "predict"))


FORECASTER = Wanted(
    "forecaster",
    "no forecaster: a class with fit(training, validation) and predict(windows), or a "
    "scikit-learn regressor or classifier",
    "ask",
    ForecasterError,
    _is_forecaster,
)


def describe(value: Any) -> str:
    """Say in a line what a forecaster is: the first line of its docstring."""
    if isinstance(value, type):
        return (inspect.getdoc(value) or "").partition("\n")[0]
    return f"scikit-learn's {type(value).__name__}"


def make_own(found: Found, design: Mapping[str, Any], seed: int) -> "OwnForecaster":
    """Make a forecaster of the user's, unfitted.

    Raises
    ------
    ForecasterError
        If it cannot be made; with its own line.
    """
    if not is_estimator(found.value):
        return OwnForecaster(found, lambda: _make(found, {"design": design, "seed": seed}))
    from cryptobt.forecasters.own_estimator import OwnEstimator

    return OwnForecaster(found, lambda: OwnEstimator(found.value, design, seed))


def _make(found: Found, offered: Mapping[str, Any]) -> Any:
    """Make an object of a user's class, which takes ``design`` and ``seed`` where it names them."""
    try:
        takes = inspect.signature(found.value)
    except ValueError:  # of a class that is not written in Python
        return found.value()
    given = {name: value for name, value in offered.items() if name in takes.parameters}
    try:
        takes.bind(**given)
    except TypeError as error:
        raise ForecasterError(
            f"'{found.name}' is made with {takes}; expected no arguments but 'design' and 'seed', "
            "or default values for the others"
        ) from error
    return found.value(**given)


class OwnForecaster:
    """A user's forecaster behind the door at which its answers are checked.

    What it prints goes to stderr. It runs on one thread, as all forecasters do.

    Parameters
    ----------
    found : Found
        Where its code stands.
    make : callable
        Makes what is fitted and asked.
    """

    def __init__(self, found: Found, make: Callable[[], Any]) -> None:
        self.found = found
        self.losses: list[tuple[float, float]] = []
        self.parameters: int | None = None
        self._outputs = 0
        with self._explained("__init__"):
            self.model = make()

    @property
    def answers_log_odds(self) -> bool:
        """Whether what it answers are log odds of up: a classifier that has probabilities."""
        return getattr(self.model, "answers_log_odds", False) is True

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Learn; ``losses`` and ``parameters`` are taken over where there are any.

        Raises
        ------
        ForecasterError
            If it fails, changes what it was given, or its losses cannot be read.
        """
        self._outputs = training.labels().shape[1]
        with self._unchanged("fit", training, validation), self._explained("fit"):
            self._become(self.model.fit(training, validation))
        self.losses = self._losses()
        self.parameters = _whole_number(getattr(self.model, "parameters", None))
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Predict; a plain array, shape (w, K) or with one target (w,), is an answer as well.

        Raises
        ------
        ForecasterError
            If it fails, changes what it was given, or answers another shape, NaN or infinity.
        """
        if not len(windows):
            return Prediction.unexplained(np.zeros((0, self._outputs)), windows)
        with self._unchanged("predict", windows), self._explained("predict"):
            said = self.model.predict(windows)
        if not isinstance(said, Prediction):
            return Prediction.unexplained(self._checked(said, len(windows)), windows)
        self._check_shown(said, windows)
        return replace(said, answers=self._checked(said.answers, len(windows)))

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        """Everything that the user's ``restore`` needs; None where there is none."""
        if not all(callable(getattr(self.model, name, None)) for name in ("arrays", "restore")):
            return None
        with self._explained("arrays"):
            kept = self.model.arrays()
            if kept is None:
                return None
            arrays = {str(name): np.asarray(array) for name, array in kept.items()}
        for name, array in arrays.items():
            if array.dtype.kind not in "biuf":
                raise self._error(f"arrays has '{name}' of type {array.dtype}; expected numbers")
        return {_PREFIX + k: v for k, v in arrays.items()} | {"outputs": np.array([self._outputs])}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Become the forecaster whose arrays these are."""
        self._outputs = int(arrays["outputs"][0])
        own = {k.removeprefix(_PREFIX): v for k, v in arrays.items() if k.startswith(_PREFIX)}
        with self._explained("restore"):
            self._become(self.model.restore(own))
        self.parameters = _whole_number(getattr(self.model, "parameters", None))
        return self

    def _become(self, returned: Any) -> None:
        if hasattr(returned, "predict"):  # most return themselves, some nothing
            self.model = returned

    @contextlib.contextmanager
    def _explained(self, call: str) -> Iterator[None]:
        doing = f"in {call} of '{self.found.name}'"
        try:
            with threadpool_limits(1), contextlib.redirect_stdout(sys.stderr):
                yield
        except (Exception, SystemExit) as error:
            raise explain_failure(error, self.found.file, FORECASTER, doing) from error

    @contextlib.contextmanager
    def _unchanged(self, call: str, *given: Windows) -> Iterator[None]:
        before = [_contents(windows) for windows in given]
        yield
        for windows, kept in zip(given, before, strict=True):
            for name, array in _contents(windows, copy=False).items():
                if not np.array_equal(array, kept[name], equal_nan=array.dtype.kind == "f"):
                    raise self._error(
                        f"{call} changed the '{name}' that it was given; expected them as they "
                        "were: copy before writing",
                        ChangedInputError,
                    )

    def _checked(self, said: Any, count: int) -> np.ndarray:
        """Answers as numbers of shape (w, K)."""
        wanted = f"({count}, {self._outputs}), a row for each window and a column for each target"
        try:
            answers = np.array(said, dtype=float)
        except (TypeError, ValueError) as error:
            raise self._error(
                f"predict answered {_kind(said)}; expected numbers of shape {wanted}",
                AnswerShapeError,
            ) from error
        if answers.shape == (count,) and self._outputs == 1:
            answers = answers[:, None]
        if answers.shape != (count, self._outputs):
            told = f"predict answered shape {answers.shape}; expected {wanted}"
            raise self._error(told, AnswerShapeError)
        wrong = np.argwhere(~np.isfinite(answers))
        if len(wrong):
            window, target = wrong[0]
            raise self._error(
                f"predict answered {answers[window, target]} for {len(wrong)} of {answers.size} "
                f"(first: window {window}, target {target}); expected finite numbers",
                NotFiniteError,
            )
        return answers

    def _check_shown(self, said: Prediction, windows: Windows) -> None:
        """Refuse gates and attention that do not fit the windows which they explain."""
        features, length = windows.rows.shape[1], windows.length
        shown, attention = len(said.explained), said.attention
        fits = said.gates.shape == (shown, features) and attention.ndim == 3
        if not (fits and attention.shape[::2] == (shown, length)):
            raise self._error(
                f"predict explained {shown} windows with gates of shape {said.gates.shape} and "
                f"attention of shape {attention.shape}; expected ({shown}, {features}) and "
                f"({shown}, heads, {length})",
                AnswerShapeError,
            )

    def _losses(self) -> list[tuple[float, float]]:
        said = getattr(self.model, "losses", None)
        try:
            losses = np.array([] if said is None else said, dtype=float).reshape(-1, 2)
        except (TypeError, ValueError) as error:
            raise self._error(
                "losses cannot be read; expected pairs of the training and validation loss, "
                "one for each epoch"
            ) from error
        if len(losses) and not np.isfinite(losses[:, 1]).any():
            raise self._error("fit ended without one finite validation loss in losses")
        return [(float(train), float(check)) for train, check in losses]

    def _error(self, told: str, kind: type[ForecasterError] = ForecasterError) -> ForecasterError:
        return kind(f"forecaster file {self.found.file}:{self.found.name}: {told}")


def _contents(windows: Windows, *, copy: bool = True) -> dict[str, np.ndarray]:
    names = ("rows", "log_close", "ends", "known", "deviation", "targets", "slots")
    arrays = {name: getattr(windows, name) for name in names}
    return {k: v.copy() if copy else v for k, v in arrays.items() if v is not None}


def _whole_number(said: Any) -> int | None:
    counts = isinstance(said, (int, np.integer)) and not isinstance(said, bool)
    return int(said) if counts else None


def _kind(said: Any) -> str:
    return "nothing" if said is None else f"a {type(said).__name__}"
