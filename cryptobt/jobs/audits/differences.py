"""Two tables of the same past side by side: the first column and the first row that differ."""

from typing import NamedTuple

import numpy as np
import pandas as pd

TOLERANCE = 1e-9
"""Relative; a sum that is formed in another order moves the last of 16 digits."""


class Difference(NamedTuple):
    """Where two tables part.

    Attributes
    ----------
    column : str
        The first that differs, in the order of the table.
    time : Timestamp
        Its first row that differs.
    rows : int
        How many of its rows differ.
    columns : tuple of str
        All that differ.
    """

    column: str
    time: pd.Timestamp
    rows: int
    columns: tuple[str, ...]
    was: float
    now: float

    def told(self, otherwise: str) -> str:
        """Both values, the second with what was different."""
        return f"{self.time:%F} it is {_number(self.was)}, and {_number(self.now)} {otherwise}"

    def instead(self) -> str:
        """The second value, and the one that it stands in place of."""
        return f"{_number(self.now)} in place of {_number(self.was)}"


def first_difference(
    whole: pd.DataFrame,
    other: pd.DataFrame,
    until: pd.Timestamp | None = None,
    tolerance: float = TOLERANCE,
) -> Difference | None:
    """Compare columns of numbers at the times up to a bar that both tables have.

    A value that is missing in one of them alone differs; of two numbers a relative 1e-9 is
    rounding, measured against the larger of themselves and the column's usual size.

    Parameters
    ----------
    until : Timestamp or None
        None compares all times that both have.
    tolerance : float
        Relative.
    """
    times = whole.index.intersection(other.index)
    if until is not None:
        times = times[times <= until]
    one, two = whole.loc[times], other.loc[times]
    marks = {
        str(name): apart(one[name], _column(two, name, one[name]), tolerance)
        for name in whole.columns
    }
    wrong = tuple(name for name, mark in marks.items() if mark.any())
    if not wrong:
        return None
    column = wrong[0]
    row = int(marks[column].argmax())
    was, now = float(one[column].iloc[row]), float(_column(two, column, one[column]).iloc[row])
    rows = int(marks[column].sum())
    return Difference(column, pd.Timestamp(times[row]), rows, wrong, was, now)


def apart(one: pd.Series, two: pd.Series, tolerance: float = TOLERANCE) -> np.ndarray:
    """Mark the rows in which two columns differ by more than rounding."""
    a, b = one.to_numpy(dtype=float), two.to_numpy(dtype=float)
    sizes = np.abs(a[np.isfinite(a)])
    usual = float(np.median(sizes)) if len(sizes) else 0.0
    with np.errstate(invalid="ignore"):
        room = tolerance * np.maximum(np.maximum(np.abs(a), np.abs(b)), usual)
        close = (np.abs(a - b) <= room) | (a == b)
    return np.asarray(~(close | (np.isnan(a) & np.isnan(b))))


def _column(frame: pd.DataFrame, name: object, whole: pd.Series) -> pd.Series:
    # A column that only later bars call into being says nothing before them: 0, as a dummy does.
    return frame[name] if name in frame else whole.where(whole.isna(), 0.0)


def _number(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:.6g}"
