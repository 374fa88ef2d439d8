"""What vendors told otherwise later: the rows, and the log of them, which only grows."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """Find the rows that both have, with other values; of several of one time the last counts.

    Parameters
    ----------
    stored, told : DataFrame
        Columns ``time`` and ``names``.
    names : sequence of str
        Columns of numbers that are compared; two missing values are equal.
    now : Timestamp
        When ``told`` was fetched.
    """
    old, new = (_by_time(rows, names) for rows in (stored, told))
    both = new.index.intersection(old.index)
    before, after = old.loc[both].to_numpy(float), new.loc[both].to_numpy(float)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    times = pd.DatetimeIndex(both)
    return [
        Rewrite(times[int(row)], _values(names, before[row]), _values(names, after[row]), now)
        for row in np.flatnonzero(~same.all(axis=1))
    ]


def _by_time(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    return rows.drop_duplicates(TIME, keep="last").set_index(TIME)[list(names)]


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
