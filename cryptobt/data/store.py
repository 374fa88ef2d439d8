"""Bars as vendors told them: one Parquet file a source, symbol and interval, kept up to date."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import CannotWriteError, DataInvalidError
from cryptobt.core.files import locked, write_atomically
from cryptobt.core.time import epoch_ns, iso, parse_interval

LOCK_SECONDS = 120.0
FETCHED_AT = "fetched_at"
_SUFFIX = ".parquet"


@dataclass(frozen=True)
class Series:
    """Which bars: their source, symbol and interval label."""

    source: str
    symbol: str
    interval: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval} of {self.source}"

    @property
    def spacing(self) -> pd.Timedelta:
        """Time between two bars."""
        return parse_interval(self.interval)


@dataclass(frozen=True)
class Rewrite:
    """A bar that a vendor told otherwise later.

    Attributes
    ----------
    time : Timestamp
        The bar.
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
class Merged:
    """What a merge did: bars that are new, and those that were rewritten."""

    added: int
    rewritten: tuple[Rewrite, ...]


@dataclass(frozen=True)
class BarStore:
    """A folder of bars, safe with several processes.

    A row is a bar as its vendor told it last, with the instant at which that was first seen; rows
    are not checked here, so that what is refused or quarantined is decided when they are used.
    A file is replaced whole or not at all. What a vendor rewrote stands in a log beside it, which
    only grows.

    Parameters
    ----------
    root : Path
        Made when the first bars are written.
    """

    root: Path

    def read(self, series: Series) -> pd.DataFrame | None:
        """Read the rows of a series by time: ``time``, open … volume, ``fetched_at``.

        Returns
        -------
        DataFrame or None
            None where nothing is stored.

        Raises
        ------
        DataInvalidError
            If the file is damaged, with what to do.
        """
        path = self.path(series)
        try:
            frame = pd.read_parquet(path, engine="pyarrow")
            return frame[[columns.TIME, *columns.BARS, FETCHED_AT]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError) as error:
            said = " ".join(str(error).split())[:120]
            raise DataInvalidError(
                f"the stored bars {path} are damaged ({said}); remove the file and sync again"
            ) from error

    def lock(self, series: Series) -> AbstractContextManager[None]:
        """Work on a series alone: held around reading what is there, fetching, and merging."""
        path = self.path(series).with_suffix(".lock")
        return locked(path, LOCK_SECONDS, f"the stored bars {series}")

    def merge(self, series: Series, rows: pd.DataFrame, now: pd.Timestamp) -> Merged:
        """Add rows, let those of a known bar replace it, and log what they change.

        The caller holds :meth:`lock`.

        Parameters
        ----------
        rows : DataFrame
            Columns ``time`` and open … volume as floats, complete bars only; several of one time
            stay beside each other, to be refused where they are used.
        now : Timestamp
            When they were fetched.
        """
        rows = rows[[columns.TIME, *columns.BARS]].sort_values(columns.TIME, kind="stable")
        stored = self.read(series)
        if stored is None:
            if len(rows):
                self._write(series, rows.assign(**{FETCHED_AT: now}))
            return Merged(len(rows), ())
        changed = _changes(stored, rows, now)
        known = rows[columns.TIME].isin(stored[columns.TIME])
        replaced = rows[columns.TIME].isin([change.time for change in changed])
        fresh = rows[~known | replaced]
        if not len(fresh):
            return Merged(0, ())
        # First the log: a process that is killed between the two says a change twice, never not.
        self._append(series, changed)
        kept = stored[~stored[columns.TIME].isin(fresh[columns.TIME])]
        whole = pd.concat([kept, fresh.assign(**{FETCHED_AT: now})])
        self._write(series, whole.sort_values(columns.TIME, kind="stable"))
        return Merged(int((~known).sum()), tuple(changed))

    def rewrites(self, series: Series) -> list[Rewrite]:
        """Read the log of what the vendor rewrote, oldest first."""
        path = self._log(series)
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        # What stands after the last line break is a line that a killed process did not finish.
        return [_rewrite(json.loads(line)) for line in lines[:-1] if line]

    def all(self) -> Iterator[Series]:
        """Every series that is stored, by source, symbol and interval."""
        for path in sorted(self.root.glob(f"*/*/*{_SUFFIX}")):
            source, symbol = (unquote(part) for part in path.parts[-3:-1])
            yield Series(source, symbol, path.name.removesuffix(_SUFFIX))

    def path(self, series: Series) -> Path:
        """File of a series; names are made safe for any file system."""
        source, symbol = (_safe(part) for part in (series.source, series.symbol))
        return self.root / source / symbol / f"{series.interval}{_SUFFIX}"

    def _log(self, series: Series) -> Path:
        return self.path(series).with_suffix(".rewrites.jsonl")

    def _write(self, series: Series, frame: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        for name in (columns.TIME, FETCHED_AT):
            frame[name] = pd.DatetimeIndex(frame[name]).as_unit("ns").tz_convert("UTC")
        frame.reset_index(drop=True).to_parquet(buffer, engine="pyarrow", index=False)
        write_atomically(self.path(series), buffer.getvalue())

    def _append(self, series: Series, changed: list[Rewrite]) -> None:
        said = {json.dumps(_told(known)) for known in self.rewrites(series)[-len(changed) :]}
        new = [change for change in changed if json.dumps(_told(change)) not in said]
        if not new:
            return
        path = self._log(series)
        try:
            with path.open("ab+") as file:
                _end_line(file)
                text = "".join(json.dumps(change.to_json()) + "\n" for change in new)
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotWriteError(f"cannot write {path}: {error.strerror or error}") from error


def _safe(name: str) -> str:
    """A name as one part of a path; dots too, which could climb out of the folder."""
    return quote(name, safe="-_ ").replace(".", "%2E")


def _changes(stored: pd.DataFrame, rows: pd.DataFrame, now: pd.Timestamp) -> list[Rewrite]:
    """Bars that both have, with other values; of several rows of one time the last one."""
    names = list(columns.BARS)
    old = stored.drop_duplicates(columns.TIME, keep="last").set_index(columns.TIME)[names]
    new = rows.drop_duplicates(columns.TIME, keep="last").set_index(columns.TIME)[names]
    both = new.index.intersection(old.index)
    before, after = old.loc[both].to_numpy(float), new.loc[both].to_numpy(float)
    differs = ~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    times = pd.DatetimeIndex(both)
    return [
        Rewrite(times[int(row)], _values(before[row]), _values(after[row]), now)
        for row in np.flatnonzero(differs)
    ]


def _values(row: np.ndarray) -> dict[str, float | None]:
    numbers = zip(columns.BARS, row.tolist(), strict=True)
    return {name: None if value != value else value for name, value in numbers}


def _told(change: Rewrite) -> list[Any]:
    """What tells two rewrites apart, when they were seen aside."""
    return [int(epoch_ns(pd.DatetimeIndex([change.time]))[0]), change.old, change.new]


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
