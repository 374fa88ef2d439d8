"""Values typed in place of the last bar's: read, and refused where they are no number for it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cryptobt.core.columns import CLOSE
from cryptobt.core.errors import UsageError, did_you_mean

LARGEST = 1e15
"""Largest absolute value that is taken; networks count in 32 bits."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_SHOWN, _DIGITS = 40, 6


class EditsError(UsageError):
    """Values that cannot be used, each with its reason.

    Attributes
    ----------
    problems : dict
        Field to a sentence about its value, for a form.
    """

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})


@dataclass(frozen=True)
class Field:
    """One feature of the last bar, as a form shows it.

    Attributes
    ----------
    name, label : str
        Key of an edit, and what a person reads.
    value : float
        At the last bar.
    text : str
        The value in six digits; typed back, it stands for the value itself.
    low, high : float
        Range in the rows that the newest fold has learnt from.
    quantile : float
        Share of those rows at or below the value.
    meaning : str
        Empty where it is not known.
    """

    name: str
    label: str
    value: float
    text: str
    low: float
    high: float
    quantile: float
    meaning: str

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        return asdict(self)


def shown(value: float) -> str:
    """Write a number in six digits, without an exponent."""
    rounded = float(f"{value:.{_DIGITS}g}")
    return np.format_float_positional(rounded, trim="-")


def read_edits(
    fields: Sequence[Field], edits: Mapping[str, Any], *, priced: bool
) -> dict[str, float]:
    """Read what was typed, and leave out what is as it was.

    Parameters
    ----------
    edits : mapping
        Field to a number, or its text. A field's own ``text`` stands for its value, so that a form
        that is sent back untouched edits nothing.
    priced : bool
        Whether the field ``close`` is the price itself.

    Raises
    ------
    EditsError
        With the problem of every field; its message is the first.
    """
    known = {field.name: field for field in fields}
    read: dict[str, float] = {}
    problems: dict[str, str] = {}
    for name, given in edits.items():
        if name not in known:
            problems[_cut(name)] = f"no such field; {did_you_mean(_cut(name), known)}"
            continue
        try:
            value = _value(known[name], given, above_zero=priced and name == CLOSE)
        except ValueError as error:
            problems[name] = str(error)
            continue
        if value != known[name].value:
            read[name] = value
    if problems:
        name, problem = next(iter(problems.items()))
        raise EditsError(f"field '{name}': {problem}", problems)
    return read


def _value(field: Field, given: Any, *, above_zero: bool) -> float:
    if isinstance(given, str) and given.strip() == field.text:
        return field.value
    value = _number(given, field)
    if abs(value) > LARGEST:
        raise ValueError(f"{_cut(given)} is too large; expected at most {LARGEST:g} either way")
    if above_zero and value <= 0:
        raise ValueError(f"{_cut(given)} is no price; expected a number above 0")
    return value


def _number(given: Any, field: Field) -> float:
    """Read a finite number as people and JSON write it; nothing else that Python would take."""
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number and not (isinstance(given, str) and _NUMBER.fullmatch(given.strip())):
        raise ValueError(f"{_cut(given)!r} is not a number; expected one such as {field.text}")
    try:
        value = float(given)
    except OverflowError:
        value = math.inf
    if math.isnan(value):
        raise ValueError(f"NaN is not a number; expected one such as {field.text}")
    return value


def _cut(given: Any) -> str:
    """The beginning of what was typed, on one line: it is repeated to the person who typed it."""
    text = " ".join(str(given)[: 4 * _SHOWN].split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
