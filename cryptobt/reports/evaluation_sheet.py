"""What the page of an evaluation is made from, and how its numbers are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cryptobt.core.types import Explanation
from cryptobt.reports import numbers
from cryptobt.reports.numbers import Measure

BASE, ALWAYS_UP = "persistence", "always_up"


@dataclass(frozen=True)
class EvaluationSheet:
    """Everything one page shows; equal sheets give equal pages, byte for byte.

    Attributes
    ----------
    title : str
        Symbols and interval, e.g. ``BTC-USD, 1d``.
    document : dict
        The ``evaluation.json`` document.
    frame : DataFrame
        Predictions beside what came, of every forecaster: the columns of ``predictions.csv``,
        ``actual_return`` and ``predicted_return``.
    explanations : mapping
        (forecaster, symbol) to how it learnt.
    assumptions : tuple of (str, str)
        Label and text: data, dates, refits, seeds, versions.
    settings : str
        Every setting, as TOML lines.
    command : str
        The command that repeats the run; no path of the machine.
    """

    title: str
    document: dict[str, Any]
    frame: pd.DataFrame
    explanations: Mapping[tuple[str, str], Explanation]
    assumptions: tuple[tuple[str, str], ...]
    settings: str
    command: str


def names(document: dict[str, Any]) -> list[str]:
    """Forecasters in the order in which they are shown."""
    return list(document["forecasters"])


def nearest(document: dict[str, Any]) -> str:
    """The nearest horizon, by which the headlines go."""
    return str(document["horizons"][0])


def of(document: dict[str, Any], name: str, horizon: str, *path: str) -> Measure:
    """Read one measure of a forecaster at a horizon."""
    return numbers.measure(document, "forecasters", name, "horizons", horizon, *path)


def days(horizon: str, interval: str) -> str:
    """Name a horizon in words: ``next bar (1d)`` or ``5 bars ahead (of 1d)``."""
    return f"next bar ({interval})" if horizon == "1" else f"{horizon} bars ahead (of {interval})"


def adaptive(value: float | None) -> str:
    """Write a price or an error of one with about four digits: 1234.5 is ``1,234``."""
    if value is None:
        return numbers.DASH
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 5
    return f"{value:,.{digits}f}"
