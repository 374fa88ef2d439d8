"""A user's code run line by line, with what each variable holds of the past."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cryptobt.jobs.audits.source import Source

_MOST_LINES = 20_000
_MOST_VALUES = 2_000_000
_FEW = 20
RETURNED = "return"


class Moment(NamedTuple):
    """A variable after a line, as far as it can be set beside the bars up to one.

    Attributes
    ----------
    key : tuple
        By which the same moment of another run is found.
    name : str
        Of the variable; ``return`` for what a function gives back.
    column : str
        Of a frame; empty else.
    """

    key: tuple[Any, ...]
    file: str
    line: int
    name: str
    column: str
    held: np.ndarray


@dataclass
class Watch:
    """Keeps what the variables of a user's files hold, line by line, outside loops.

    Parameters
    ----------
    folder : Path
        Code from files below it is watched.
    bars : DatetimeIndex
        Times of the bars that the code is given.
    until : Timestamp
        Rows after it are not kept.
    """

    folder: Path
    bars: pd.DatetimeIndex
    until: pd.Timestamp
    moments: list[Moment] = field(default_factory=list)
    _sources: dict[str, Source | None] = field(default_factory=dict)
    _calls: dict[CodeType, int] = field(default_factory=dict)
    _lines: int = 0

    def run(self, call: Callable[[], Any]) -> list[Moment]:
        """Call, and return what was seen, in order; also of a call that fails."""
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            call()
        except Exception:  # noqa: S110 a world in which the code fails is told by its moments
            pass
        finally:
            sys.settrace(before)
        return self.moments

    def _entered(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        code = frame.f_code
        if code.co_name.startswith("<") or self._source(code.co_filename) is None:
            return None
        self._calls[code] = self._calls.get(code, 0) + 1
        return _Call(self, frame, self._calls[code]).traced

    def _source(self, file: str) -> Source | None:
        if file not in self._sources:
            inside = Path(file).is_absolute() and self.folder in Path(file).parents
            usual = any(part in file for part in ("site-packages", "dist-packages"))
            self._sources[file] = Source.of(file) if inside and not usual else None
        return self._sources[file]

    def busy(self) -> bool:
        """Count a line, and tell whether there were too many."""
        self._lines += 1
        return self._lines > _MOST_LINES

    def past(self, value: Any) -> Iterator[tuple[str, np.ndarray]]:
        """What a value holds of the bars up to the last that is kept, by column."""
        if isinstance(value, pd.DataFrame):
            kept = self._rows(value)
            for place, name in enumerate(value.columns[:200]):
                yield from _numbers(str(name), kept.iloc[:, place])
        elif isinstance(value, pd.Series):
            yield from _numbers("", self._rows(value))
        elif isinstance(value, (np.ndarray, list, tuple)):
            yield from self._array(value)
        elif isinstance(value, (bool, int, float, np.number)):
            yield "", np.array([float(value)])
        elif hasattr(value, "get_params"):
            yield from _learnt(value)
        elif isinstance(value, dict) and len(value) <= 50:
            for name, inner in value.items():
                if isinstance(inner, (pd.Series, np.ndarray, float, np.number)):
                    yield from ((f"{name}", array) for _, array in self.past(inner))

    def _rows(self, value: Any) -> Any:
        """Rows that stand beside the bars up to the last that is kept, by time or by number."""
        index = value.index
        if isinstance(index, pd.DatetimeIndex):
            return value[self._before(index)]
        if isinstance(value, pd.DataFrame):
            dated = value.select_dtypes(["datetime", "datetimetz"])
            if len(dated.columns):
                return value[self._before(pd.DatetimeIndex(dated.iloc[:, 0]))]
        if index.dtype.kind == "i" and len(value) > _FEW and index.is_monotonic_increasing:
            return value[np.asarray(index < self._count())]
        return value

    def _before(self, times: pd.DatetimeIndex) -> np.ndarray:
        until = self.until if times.tz is not None else self.until.tz_convert(None)
        return np.asarray(times <= until)

    def _array(self, value: Any) -> Iterator[tuple[str, np.ndarray]]:
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return
        if array.size > _MOST_VALUES or array.ndim == 0:
            return
        # What is shorter has lost its first rows to windows; what is longer begins with the bars.
        lost = max(len(self.bars) - len(array), 0)
        if lost < len(self.bars) // 2:
            yield "", array[: max(self._count() - lost, 0)]
        elif len(array) <= _FEW:  # what was fitted; anything longer cannot be set beside the bars
            yield "", array

    def _count(self) -> int:
        return int(self.bars.searchsorted(self.until, side="right"))


class _Call:
    """One call of a user's function."""

    def __init__(self, watch: Watch, frame: FrameType, number: int) -> None:
        self.watch, self.number = watch, number
        self.file, self.function = frame.f_code.co_filename, frame.f_code.co_name
        self.line = frame.f_lineno
        self.kept: dict[tuple[str, str], np.ndarray] = {}
        self.seen: dict[tuple[int, str, str], int] = {}
        source = watch._source(self.file)
        assert source is not None, "only such calls are made"
        self.loops = source.loops
        self._keep(frame.f_locals.items(), told=False)

    def traced(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self.watch.busy():
            return None
        inside = self.loops.get(self.line)
        if event == "return":
            self._keep([*frame.f_locals.items(), (RETURNED, arg)])
        elif event == "line" and (inside is None or inside is not self.loops.get(frame.f_lineno)):
            self._keep(frame.f_locals.items())
        self.line = frame.f_lineno
        return self.traced

    def _keep(self, values: Any, *, told: bool = True) -> None:
        for name, value in list(values):
            for column, array in self.watch.past(value):
                before = self.kept.get((name, column))
                if before is not None and np.array_equal(before, array, equal_nan=True):
                    continue
                self.kept[name, column] = array.copy()
                if told:
                    self._tell(name, column, array)

    def _tell(self, name: str, column: str, array: np.ndarray) -> None:
        place = (self.line, name, column)
        self.seen[place] = self.seen.get(place, 0) + 1
        key = (self.file, self.function, self.number, *place, self.seen[place])
        self.watch.moments.append(Moment(key, self.file, self.line, name, column, array.copy()))


def _numbers(name: str, series: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    if series.dtype.kind in "biuf":
        yield name, series.to_numpy(dtype=float)


def _learnt(model: Any) -> Iterator[tuple[str, np.ndarray]]:
    """What an estimator has learnt: scikit-learn ends the names of that with an underscore."""
    for name, value in vars(model).items():
        if name.endswith("_") and isinstance(value, (np.ndarray, float, np.number)):
            array = np.asarray(value)
            if array.dtype.kind in "biuf":
                yield name, array.astype(float).ravel()
