"""Two accounts of the same past side by side: the first decision that differs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.types import BacktestResult
from cryptobt.jobs.audits.differences import apart

Tables = Mapping[str, tuple[str, ...]]
SIGNALS: Tables = {"weights": ("target_weight",), "scores": ("score",)}
"""What a strategy wants."""
ORDERS: Tables = {
    "orders": (
        "side", "symbol", "exec_type", "quantity_base", "limit_price_quote", "stop_price_quote",
        "target_weight",
    ),
    "fills": ("side", "symbol", "quantity_base", "price_quote"),
    "weights": ("weight", "quantity_base"),
    "equity": ("equity_quote", "cash_quote"),
}  # fmt: skip
"""What it sends, and what comes of it; the last order's fate is the next bar's fact."""


class Parted(NamedTuple):
    """The first row in which two accounts differ.

    Attributes
    ----------
    table, column : str
        Where.
    symbol : str or None
        Of the row, where it has one.
    """

    table: str
    column: str
    time: pd.Timestamp
    symbol: str | None
    was: object
    now: object

    def told(self) -> str:
        """The row and both values, in words."""
        values = f"{_said(self.was)}, and {_said(self.now)}"
        return f"{self.table}: '{self.column}' of {self.time:%F} is {values}"

    def instead(self) -> str:
        """The second value, and the one that it stands in place of."""
        return f"{_said(self.now)} in place of {_said(self.was)}"


def first_parting(
    whole: BacktestResult,
    other: BacktestResult,
    tables: Tables,
    until: pd.Timestamp | None = None,
) -> Parted | None:
    """Compare the rows up to a bar of these columns; the earliest row that differs.

    Of several tables that part at the same bar the first named stands.
    """
    found = []
    for table, columns in tables.items():
        ours, theirs = (_rows(getattr(one, table), until) for one in (whole, other))
        parted = _in_table(table, ours, theirs, [name for name in columns if name in ours])
        if parted is not None:
            found.append(parted)
    return min(found, key=lambda one: one.time, default=None)


def says_anything(account: BacktestResult, tables: Tables) -> bool:
    """Whether any of these columns has a value."""
    frames = {table: getattr(account, table) for table in tables}
    return any(
        bool(frames[table][name].notna().any())
        for table, columns in tables.items()
        for name in columns
        if name in frames[table]
    )


def _rows(frame: pd.DataFrame, until: pd.Timestamp | None) -> pd.DataFrame:
    kept = frame if until is None else frame[frame["time"] <= until]
    return kept.reset_index(drop=True)


def _in_table(
    table: str, ours: pd.DataFrame, theirs: pd.DataFrame, columns: Sequence[str]
) -> Parted | None:
    count = min(len(ours), len(theirs))
    marks = {name: _unlike(ours[name][:count], theirs[name][:count]) for name in columns}
    marks["time"] = _unlike(ours["time"][:count], theirs["time"][:count])
    rows = [int(mark.argmax()) for mark in marks.values() if mark.any()]
    if rows:
        row = min(rows)
        column = next(name for name, mark in marks.items() if mark.any() and mark[row])
        time = min(ours["time"].iloc[row], theirs["time"].iloc[row])
        return Parted(
            table, _named(column, columns), pd.Timestamp(time), _symbol(ours, row),
            ours[column].iloc[row], theirs[column].iloc[row],
        )  # fmt: skip
    if len(ours) == len(theirs):
        return None
    longer, first = (ours, count) if len(ours) > count else (theirs, count)
    time, symbol = pd.Timestamp(longer["time"].iloc[first]), _symbol(longer, first)
    was, now = ("there", "missing") if longer is ours else ("missing", "there")
    return Parted(table, columns[0], time, symbol, was, now)


def _named(column: str, columns: Sequence[str]) -> str:
    return columns[0] if column == "time" else column


def _unlike(one: pd.Series, two: pd.Series) -> np.ndarray:
    if one.dtype.kind == "f" and two.dtype.kind == "f":
        return apart(one, two)
    same = (one == two) | (one.isna() & two.isna())
    return np.asarray(~same.to_numpy(dtype=bool))


def _symbol(frame: pd.DataFrame, row: int) -> str | None:
    return str(frame["symbol"].iloc[row]) if "symbol" in frame else None


def _said(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
