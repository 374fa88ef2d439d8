"""Rows as vendors told them: one Parquet file a series, kept up to date by several processes."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar
from urllib.parse import quote, unquote

import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, TIME
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.files import locked, write_atomically
from cryptobt.data.rewrites import Rewrite, RewriteLog, find_rewrites

LOCK_SECONDS = 120.0
FETCHED_AT = "fetched_at"
_INSTANTS = (TIME, AVAILABLE_AT, FETCHED_AT)
_SUFFIX = ".parquet"
# An empty name, as that of the only series of a vendor; quoting never leaves an @.
_NAMELESS = "@"


class Key(Protocol):
    """Which series: the names of its folders and last of its file; as text, what it is called."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names from the vendor down, as they are known; they are made safe for paths here."""
        ...


K = TypeVar("K", bound=Key)


@dataclass(frozen=True)
class Merged:
    """What a merge did: rows that are new, and those that were rewritten."""

    added: int
    rewritten: tuple[Rewrite, ...]


@dataclass(frozen=True)
class RowStore(Generic[K]):
    """A folder of series, safe with several processes.

    A row is what its vendor told last, with the instant at which that was first seen; rows are not
    checked here, so that what is refused or quarantined is decided when they are used. A file is
    replaced whole or not at all. What a vendor rewrote stands in a log beside it, which only grows.

    Parameters
    ----------
    root : Path
        Made when the first rows are written.
    """

    root: Path

    what: ClassVar[str]
    """What is stored, in words."""
    required: ClassVar[tuple[str, ...]]
    """Columns that a whole file has."""
    notes: ClassVar[tuple[str, ...]] = ()
    """Names of what is kept of the series itself, in ``DataFrame.attrs``."""

    def read(self, key: K) -> pd.DataFrame | None:
        """Read the rows of a series by time; None where nothing is stored.

        Raises
        ------
        DataInvalidError
            If the file is damaged, with what to do.
        """
        path = self.path(key)
        try:
            frame = pd.read_parquet(path, engine="pyarrow")
            lacking = {*self.required, *self.notes} - {*frame.columns, *frame.attrs}
            if lacking:
                raise ValueError(f"no {min(lacking)}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            said = " ".join(str(error).split())[:120]
            raise DataInvalidError(
                f"the stored {self.what} {path} are damaged ({said}); "
                "remove the file and sync again"
            ) from error
        return frame

    def lock(self, key: K) -> AbstractContextManager[None]:
        """Work on a series alone: held around reading what is there, fetching, and merging."""
        path = self.path(key).with_suffix(".lock")
        return locked(path, LOCK_SECONDS, f"the stored {self.what} {key}")

    def merge(self, key: K, rows: pd.DataFrame, now: pd.Timestamp) -> Merged:
        """Add rows, let those of a known time replace it, and log which values they change.

        The caller holds :meth:`lock`.

        Parameters
        ----------
        rows : DataFrame
            Column ``time``, values as floats, and ``available_at`` where the store has it; several
            of one time stay beside each other, to be refused where they are used. Columns that
            it lacks are stored no longer. ``attrs`` are kept.
        now : Timestamp
            When they were fetched.
        """
        rows = _in_order(rows)
        stored = self.read(key)
        if stored is None:
            if len(rows):
                self._write(key, rows.assign(**{FETCHED_AT: now}))
            return Merged(len(rows), ())
        names = [name for name in values_of(rows) if name in stored]
        changed = find_rewrites(stored, rows, names, now)
        known = rows[TIME].isin(stored[TIME])
        other = rows[TIME].isin([change.time for change in changed]) | (
            not same_terms(stored, rows)
        )
        fresh = rows[~known | other].assign(**{FETCHED_AT: now})
        if len(fresh):
            # First the log: a process that is killed between the two says a change twice, never
            # not at all.
            self._log(key).append(changed)
            kept = stored[~stored[TIME].isin(fresh[TIME])].reindex(columns=fresh.columns)
            whole = _in_order(pd.concat([kept, fresh]) if len(kept) else fresh)
            whole.attrs = rows.attrs
            self._write(key, whole)
        return Merged(int((~known).sum()), tuple(changed))

    def rewrites(self, key: K) -> list[Rewrite]:
        """Read the log of what the vendor rewrote, oldest first."""
        return self._log(key).read()

    def path(self, key: K) -> Path:
        """File of a series; names are made safe for any file system."""
        *folders, name = (_safe(part) for part in key.parts)
        return self.root.joinpath(*folders, name + _SUFFIX)

    def _log(self, key: K) -> RewriteLog:
        return RewriteLog(self.path(key).with_suffix(".rewrites.jsonl"))

    def _stored(self, depth: int) -> Iterator[tuple[str, ...]]:
        """Parts of every key whose file lies that deep, in the order of their names."""
        for path in sorted(self.root.glob("/".join(["*"] * depth) + _SUFFIX)):
            parts = path.with_suffix("").parts[-depth:]
            yield tuple("" if part == _NAMELESS else unquote(part) for part in parts)

    def _write(self, key: K, frame: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        for name in set(_INSTANTS) & set(frame):
            frame[name] = pd.DatetimeIndex(frame[name]).as_unit("ns").tz_convert("UTC")
        frame.to_parquet(buffer, engine="pyarrow", index=False)
        write_atomically(self.path(key), buffer.getvalue())


def values_of(rows: pd.DataFrame) -> list[str]:
    """Name the columns that hold what a vendor told, not when."""
    return [str(name) for name in rows.columns if name not in _INSTANTS]


def same_terms(stored: pd.DataFrame, rows: pd.DataFrame) -> bool:
    """Tell whether rows say the same things as those stored, usable from the same instants.

    They do not once a version of the program asks for other columns or publishes at other hours.
    """
    if set(values_of(stored)) != set(values_of(rows)):
        return False
    if AVAILABLE_AT not in rows:
        return True
    both = stored.merge(rows, on=TIME, suffixes=("", "_told"))
    return bool((both[AVAILABLE_AT] == both[f"{AVAILABLE_AT}_told"]).all())


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = rows.sort_values(TIME, kind="stable", ignore_index=True)
    ordered.attrs = rows.attrs
    return ordered


def _safe(name: str) -> str:
    """A name as one part of a path; dots too, which could climb out of the folder."""
    return quote(name, safe="-_ ").replace(".", "%2E") or _NAMELESS
