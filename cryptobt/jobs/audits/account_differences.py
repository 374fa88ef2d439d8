"""Where two accounts of the same orders differ: table, row, column, time, and both values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.time import epoch_ns, iso
from cryptobt.jobs.audits.account_tables import KEYS, TABLES, kind_of

TOLERANCE = 1e-9
"""Largest relative gap between two numbers that are called equal."""
SHOWN = 50
"""Differences that a document shows of all that there are."""
_FLOOR = 0.01
"""Numbers are compared relative to a hundredth of what the account is worth, or of 1, at least:
what is left of a difference of large numbers has fewer digits than they."""
_AGAIN = "_again"
_PRICES = frozenset(
    {"price_quote", "open_quote", "entry_price_quote", "exit_price_quote", "close"}
)  # fmt: skip
_PRICE_OF = {"fills": "price_quote", "weights": "close", "trades": "entry_price_quote"}


@dataclass(frozen=True)
class Difference:
    """A place at which the recorded account is not the recomputed one.

    Attributes
    ----------
    row : int or None
        Of the file, counted from 1 below its header; None where the row is missing there.
    recorded, recomputed : object
        None where there is no value.
    known_at : Timestamp or None
        When the row was known, where that is later than its time: a trade's is its exit.
    """

    table: str
    row: int | None
    column: str | None
    time: pd.Timestamp | None
    symbol: str | None
    recorded: Any = None
    recomputed: Any = None
    why: str = ""
    known_at: pd.Timestamp | None = None

    @property
    def text(self) -> str:
        """Say it in one line."""
        where = f"{self.table}.csv" + ("" if self.row is None else f" row {self.row}")
        where += f", {self.column}" if self.column else ""
        about = [self.symbol or "", "" if self.time is None else iso(self.time)]
        named = " at ".join(part for part in about if part)
        said = self.why or f"recorded {shown(self.recorded)}, recomputed {shown(self.recomputed)}"
        return f"{where} ({named}): {said}" if named else f"{where}: {said}"

    def to_json(self) -> dict[str, Any]:
        """Give it as the document has it."""
        return {
            "table": self.table,
            "row": self.row,
            "column": self.column,
            "time": None if self.time is None else iso(self.time),
            "symbol": self.symbol,
            "recorded": plain(self.recorded),
            "recomputed": plain(self.recomputed),
            "text": self.text,
        }


def in_order(differences: Sequence[Difference]) -> list[Difference]:
    """Sort by time, then table, then row: the first is where the accounts part."""
    rank = {name: number for number, name in enumerate(TABLES)}
    last = len(rank)

    def place(one: Difference) -> tuple[int, int, int]:
        known = one.time if one.known_at is None else one.known_at
        return -(2**63) if known is None else known.value, rank.get(one.table, last), one.row or 0

    return sorted(differences, key=place)


@dataclass(frozen=True)
class Found:
    """Differences of a table: the first of each kind, how many there are, the largest gap."""

    shown: list[Difference]
    count: int
    largest_gap: float


@dataclass(frozen=True)
class Comparison:
    """One table of both accounts, matched by its keys.

    Attributes
    ----------
    worth : Series
        What the account was worth at most by each time, in quote.
    """

    name: str
    recorded: pd.DataFrame
    recomputed: pd.DataFrame
    worth: pd.Series

    def differences(self) -> "Found":
        """Find every difference, and the largest relative gap between two numbers."""
        both = self._matched()
        alone, there = both[both["_merge"] != "both"], both[both["_merge"] == "both"]
        there = there.reset_index(drop=True)
        count, largest = len(alone), 0.0
        shown = [self._unmatched(row) for row in alone.head(SHOWN).to_dict("records")]
        for column in (name for name in self.recomputed if name not in KEYS[self.name]):
            rows, gap = self._compared(there, str(column))
            count, largest = count + len(rows), max(largest, gap)
            shown += [self._difference(there, row, str(column)) for row in rows[:SHOWN]]
        return Found(shown, count, largest)

    def _matched(self) -> pd.DataFrame:
        """Rows of both accounts side by side, in the order of their times."""
        keys = list(KEYS[self.name])
        ours = self.recorded.assign(_row=range(1, len(self.recorded) + 1))
        sides = [
            side.assign(_nth=side.groupby(keys, sort=False).cumcount(), _at=self._known(side))
            for side in (ours, self.recomputed)
        ]
        both = sides[0].merge(
            sides[1], on=[*keys, "_nth"], how="outer", suffixes=("", _AGAIN), indicator=True
        )
        both["_at"] = both["_at"].fillna(both["_at" + _AGAIN])
        return both.sort_values("_at", kind="stable", ignore_index=True)

    def _known(self, side: pd.DataFrame) -> pd.Series:
        """When each row was known: an open trade at the last close."""
        if "exit_time" not in side:
            return side["time"]
        return side["exit_time"].fillna(self.worth.index[-1])

    def _unmatched(self, row: Mapping[Any, Any]) -> Difference:
        recorded = row["_merge"] == "left_only"
        symbol = row.get("symbol" if recorded else "symbol" + _AGAIN, row.get("symbol"))
        return Difference(
            self.name,
            int(row["_row"]) if recorded else None,
            None,
            row["time"] if "time" in KEYS[self.name] or recorded else row["time" + _AGAIN],
            symbol if isinstance(symbol, str) else None,
            why="recorded, and not recomputed" if recorded else "recomputed, and not recorded",
            known_at=row["_at"],
        )

    def _compared(self, there: pd.DataFrame, column: str) -> tuple[list[int], float]:
        """Rows in which a column differs, and its largest gap."""
        ours, theirs = there[column], there[column + _AGAIN]
        missing = (ours.isna() & theirs.isna()).to_numpy(bool)
        if kind_of(column) != "number":
            same = (ours == theirs).to_numpy(bool)
            return np.flatnonzero(~(same | missing)).tolist(), 0.0
        a, b = ours.to_numpy(float), theirs.to_numpy(float)
        scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), self._floor(there, column))
        gap = np.divide(np.abs(a - b), scale, out=np.zeros(len(a)), where=scale > 0)
        # A number where the other account has none is no small difference.
        gap = np.where(missing, 0.0, np.where(np.isnan(a) | np.isnan(b), 1.0, gap))
        return np.flatnonzero(gap > TOLERANCE).tolist(), float(gap.max(initial=0.0))

    def _floor(self, there: pd.DataFrame, column: str) -> np.ndarray:
        """What a number is compared to at least, in its own unit."""
        if column in _PRICES:
            return np.zeros(len(there))
        if not column.endswith(("_quote", "_base")):
            return np.full(len(there), _FLOOR)
        worth = self._worth_at(there) * _FLOOR
        if column.endswith("_quote"):
            return worth
        price = there[_PRICE_OF[self.name] + _AGAIN] if self.name in _PRICE_OF else None
        return np.zeros(len(there)) if price is None else worth / price.to_numpy(float)

    def _worth_at(self, there: pd.DataFrame) -> np.ndarray:
        known, asked = (epoch_ns(pd.DatetimeIndex(at)) for at in (self.worth.index, there["_at"]))
        rows = np.searchsorted(known, asked, side="right") - 1
        return self.worth.to_numpy(float)[np.clip(rows, 0, len(known) - 1)]

    def _difference(self, there: pd.DataFrame, number: int, column: str) -> Difference:
        row = there.iloc[number]
        ours, theirs = row[column], row[column + _AGAIN]
        if kind_of(column) == "count":
            ours, theirs = int(ours), int(theirs)
        symbol, time = row["symbol"] if "symbol" in there else None, row["time"]
        return Difference(
            self.name, int(row["_row"]), column, time, symbol, ours, theirs, known_at=row["_at"]
        )


def plain(value: Any) -> Any:
    """Give a value as JSON has it: times as text, null for what is missing."""
    if isinstance(value, pd.Timestamp):
        return iso(value)
    if value is None or value is pd.NaT or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def shown(value: Any) -> str:
    """Write a value for a sentence."""
    known = plain(value)
    if known is None or known == "":
        return "nothing"
    return f"{known:.12g}" if isinstance(known, float) else str(known)


def worth_of(equity: pd.DataFrame, cash: float) -> pd.Series:
    """What an account was worth at most by each time, in quote."""
    values = equity["equity_quote"].cummax().clip(lower=cash).to_numpy(float)
    return pd.Series(values, index=pd.DatetimeIndex(equity["time"]))
