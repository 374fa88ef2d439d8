"""What vendors told otherwise later: the rows, and the log of them, which only grows."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.errors import CannotWriteError
from cryptobt.core.time import epoch_ns, iso


@dataclass(frozen=True)
class Rewrite:
    """A row that a vendor told otherwise later.

    Attributes
    ----------
    time : Timestamp
        The row: a bar's open, or the start of a period.
    old, new : dict
        Its values before and after; None for a missing one.
    seen_at : Timestamp
        When the new values were fetched.
    """

    time: pd.Timestamp
    old: dict[str, float | None]
    new: dict[str, float | None]
    seen_at: pd.Timestamp

    def to_json(self) -> dict[str, Any]:
        """Give the line that stands in the log."""
        own = {"time": iso(self.time), "seen_at": iso(self.seen_at)}
        return own | {"old": self.old, "new": self.new}


@dataclass(frozen=True)
class RewriteLog:
    """The rewrites of one series, one JSON document a line, oldest first."""

    path: Path

    def read(self) -> list[Rewrite]:
        """Read every rewrite; none where there is no log."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        # What stands after the last line break is a line that a killed process did not finish.
        return [_rewrite(json.loads(line)) for line in lines[:-1] if line]

    def append(self, changed: Sequence[Rewrite]) -> None:
        """Add rewrites, but for those that a killed process wrote just before.

        Raises
        ------
        CannotWriteError
            Naming the path and the reason that the system gives.
        """
        if not changed:
            return
        # What was stored must change back before it can change so again.
        last = {known.time: _told(known) for known in self.read()}
        new = [change for change in changed if last.get(change.time) != _told(change)]
        lines = [json.dumps(change.to_json()) for change in new]
        try:
            with self.path.open("ab+") as file:
                _end_line(file)
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = error.strerror or error
            raise CannotWriteError(f"cannot write {self.path}: {reason}") from error


def find_rewrites(
    stored: pd.DataFrame, told: pd.DataFrame, names: Sequence[str], now: pd.Timestamp
) -> list[Rewrite]:
    """Find the times that both have, with other values or another number of rows.

    Of several rows of one time the last counts; the first where the last stayed as it was.

    Parameters
    ----------
    stored, told : DataFrame
        Columns ``time`` and ``names``.
    names : sequence of str
        Columns of numbers that are compared; two missing values are equal.
    now : Timestamp
        When ``told`` was fetched.
    """
    stored, told = stored[stored[TIME].isin(told[TIME])], told[told[TIME].isin(stored[TIME])]
    times = pd.DatetimeIndex(told[TIME]).unique()
    before, after = (_values_at(rows, times, names, "last") for rows in (stored, told))
    same = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    counts = [rows[TIME].value_counts().reindex(times).to_numpy() for rows in (stored, told)]
    again = same & (counts[0] != counts[1])
    before[again] = _values_at(stored, times[again], names, "first")
    after[again] = _values_at(told, times[again], names, "first")
    return [
        Rewrite(times[int(row)], _values(names, before[row]), _values(names, after[row]), now)
        for row in np.flatnonzero(~same | again)
    ]


def _values_at(
    rows: pd.DataFrame,
    times: pd.DatetimeIndex,
    names: Sequence[str],
    keep: Literal["first", "last"],
) -> np.ndarray:
    one = rows.drop_duplicates(TIME, keep=keep).set_index(TIME)[list(names)]
    return one.loc[times].to_numpy(float, copy=True)


def _values(names: Sequence[str], row: np.ndarray) -> dict[str, float | None]:
    numbers = zip(names, row.tolist(), strict=True)
    return {name: None if value != value else value for name, value in numbers}


def _told(change: Rewrite) -> str:
    """What tells two rewrites apart, when they were seen aside."""
    at = int(epoch_ns(pd.DatetimeIndex([change.time]))[0])
    return json.dumps([at, change.old, change.new])


def _rewrite(document: dict[str, Any]) -> Rewrite:
    time, seen = pd.Timestamp(document["time"]), pd.Timestamp(document["seen_at"])
    return Rewrite(time, document["old"], document["new"], seen)


def _end_line(file: Any) -> None:
    """Cut off a line that a killed process did not finish."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        file.truncate(whole)
