"""The ledger of a paper account: an SQLite file that only grows, one transaction a night."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.columns import BARS, FORECASTS, TIME
from cryptobt.core.errors import CannotWriteError, LedgerError, LockHeldError
from cryptobt.core.hashing import hash_bytes
from cryptobt.core.time import iso, iso_column
from cryptobt.paper import schema
from cryptobt.paper.facts import NewBars, NewNight, Night, Quote, Rewritten

KEPT_BACKUPS = 7
_BUSY_SECONDS = 5.0
_TIMES = ("time", "made_at", "target_at", "trained_until", "fold")


class Ledger:
    """An open ledger; every row of it is hashed, each night together with the night before.

    Parameters
    ----------
    path : Path
        Of the SQLite file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._db = path, connection

    @property
    def account(self) -> dict[str, str]:
        """Name, created_at, settings and fingerprint of the account."""
        row = self._db.execute("SELECT * FROM account").fetchone()
        if row is None:
            raise damaged(self.path, "it has no account")
        return dict(row)

    def nights(self) -> list[Night]:
        """Every night, oldest first."""
        return [_night(row) for row in self._db.execute("SELECT * FROM nights ORDER BY night_id")]

    def bars(self, symbol: str, *, in_time: bool = False, until: int | None = None) -> pd.DataFrame:
        """Bars of a symbol by time.

        Parameters
        ----------
        in_time : bool
            Without those that arrived after their night had been decided.
        until : int or None
            Those that were seen up to this night; None for all.
        """
        rows = self._db.execute(
            f"SELECT time, {', '.join(BARS)} FROM bars WHERE symbol = ? AND arrived_late <= ? "
            "AND night_id <= ? ORDER BY time",
            (symbol, 0 if in_time else 1, 1 << 62 if until is None else until),
        )
        frame = pd.DataFrame([tuple(row) for row in rows], columns=[TIME, *BARS])
        index = pd.DatetimeIndex(pd.to_datetime(frame[TIME], utc=True)).as_unit("ns").rename(TIME)
        return frame[list(BARS)].astype(float).set_index(index)

    def forecasts(self) -> pd.DataFrame:
        """Every forecast, columns as in :data:`cryptobt.core.columns.FORECASTS`."""
        rows = self._db.execute(
            f"SELECT {', '.join(FORECASTS)} FROM forecasts ORDER BY time, symbol, model_id"
        )
        frame = pd.DataFrame([tuple(row) for row in rows], columns=list(FORECASTS))
        for name in _TIMES:
            frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ns")
        numbers = ["score", "mean", "p_up", "q05", "q50", "q95", "seed_spread"]
        return frame.astype(dict.fromkeys(numbers, float))

    def quotes(self) -> list[tuple[pd.Timestamp, Quote]]:
        """Every quote with its night."""
        rows = self._db.execute(
            "SELECT bar_at, quotes.* FROM quotes JOIN nights USING (night_id) ORDER BY 1, symbol"
        )
        return [
            (_instant(row["bar_at"]), Quote(row["symbol"], row["price"],
                                             _instant(row["quoted_at"]), row["source"]))
            for row in rows
        ]  # fmt: skip

    def rewrites(self) -> list[Rewritten]:
        """Every bar that its vendor told otherwise after it had been recorded, oldest first."""
        rows = self._db.execute("SELECT * FROM rewrites ORDER BY rowid")
        return [
            Rewritten(row["symbol"], _instant(row["time"]), json.loads(row["recorded"]),
                      json.loads(row["told"]), _instant(row["seen_at"]))
            for row in rows
        ]  # fmt: skip

    def table(self, name: str) -> pd.DataFrame:
        """A whole table as it is kept, times as text."""
        order = "rowid" if name in schema.FACTS else "1"
        rows = self._db.execute(f"SELECT * FROM {name} ORDER BY {order}")
        heads = [column[0] for column in rows.description]
        return pd.DataFrame([tuple(row) for row in rows], columns=heads)

    def verify(self) -> None:
        """Look at every page and every row.

        Raises
        ------
        LedgerError
            Naming the file and the first night that is not as it was written.
        """
        said = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise damaged(self.path, said)
        before = self.account["hash"]
        if before != _account_hash(self.account):
            raise damaged(self.path, "the account's settings are not those it was opened with")
        for row in self._db.execute("SELECT * FROM nights ORDER BY night_id").fetchall():
            before = self._chained(row, before)
            if before != row["hash"]:
                raise damaged(self.path, f"facts of the night of {row['bar_at']} were changed")

    def append(self, nights: Sequence[NewNight]) -> None:
        """Add nights in their order: all of them, or nothing.

        Raises
        ------
        CannotWriteError, LockHeldError
            If the disk is full or read-only, or another program holds the file.
        """
        with explained(self.path), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for night in nights:
                self._append(night)

    def back_up(self) -> Path:
        """Copy the ledger beside itself, named by its newest night; the newest seven are kept.

        Raises
        ------
        CannotWriteError
            If the copy cannot be written.
        """
        newest = self._db.execute("SELECT max(bar_at) FROM nights").fetchone()[0] or "empty"
        folder = self.path.parent / "backups"
        copy = folder / f"ledger-{newest[:10]}.sqlite3"
        part = folder / f".part-{os.getpid()}"
        try:
            folder.mkdir(exist_ok=True)
            for left in folder.glob(".part-*"):
                left.unlink(missing_ok=True)
            with explained(part), closing(sqlite3.connect(part)) as target:
                self._db.backup(target)
            _sync(part)
            part.replace(copy)
            _sync(folder)
        except OSError as error:
            raise CannotWriteError(f"cannot write {copy}: {error.strerror or error}") from error
        for old in sorted(folder.glob("ledger-*.sqlite3"))[:-KEPT_BACKUPS]:
            old.unlink(missing_ok=True)
        return copy

    def _append(self, night: NewNight) -> None:
        newest = self._db.execute("SELECT night_id, hash FROM nights ORDER BY night_id DESC")
        last = newest.fetchone()
        number = 1 if last is None else last["night_id"] + 1
        for table, rows in _rows(night, number).items():
            self._insert(table, rows)
        self._add_models(night, number)
        own = _night_row(night, number)
        before = self.account["hash"] if last is None else last["hash"]
        self._insert("nights", [own | {"hash": self._chained(own, before)}])

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            names = list(rows[0])
            places = ", ".join("?" * len(names))
            self._db.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})",
                [tuple(row[name] for name in names) for row in rows],
            )

    def _add_models(self, night: NewNight, number: int) -> None:
        """Note which fold of which model made a forecast for the first time."""
        if night.forecasts is None:
            return
        keys = ["symbol", "model_id", "fold", "trained_until"]
        for row in _texts(night.forecasts)[keys].to_dict("records"):
            self._db.execute(
                "INSERT OR IGNORE INTO models (night_id, symbol, model_id, fold, trained_until) "
                "VALUES (?, ?, ?, ?, ?)",
                (number, *(row[key] for key in keys)),
            )

    def _chained(self, night: Any, before: str) -> str:
        """Hash of a night's row and facts, and of the night before it."""
        own = [str(night[key]) for key in night.keys() if key != "hash"]  # noqa: SIM118
        facts = [
            repr([tuple(row) for row in self._db.execute(
                f"SELECT * FROM {table} WHERE night_id = ? ORDER BY rowid", (night["night_id"],)
            )])
            for table in schema.FACTS
        ]  # fmt: skip
        return hash_bytes(*(part.encode() for part in [before, *own, *facts]))


def create_ledger(path: Path, name: str, created_at: str, settings: str, fingerprint: str) -> None:
    """Make a ledger without a night; it appears whole.

    Raises
    ------
    CannotWriteError
        If the folder is not ours to write.
    """
    part = path.parent / ".part-ledger"
    row = {"id": 1, "name": name, "created_at": created_at, "settings": settings,
           "fingerprint": fingerprint}  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with explained(path), closing(_connect(part)) as connection:
            for statement in schema.statements():
                connection.execute(statement)
            with connection:
                Ledger(part, connection)._insert("account", [row | {"hash": _account_hash(row)}])
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def open_ledger(path: Path, *, verify: bool = True) -> Iterator[Ledger]:
    """Open a ledger that exists, and look whether it is whole.

    Raises
    ------
    LedgerError
        If it is damaged or of another version, with what to do.
    CannotWriteError, LockHeldError
    """
    with explained(path), closing(_connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            raise damaged(path, f"its version is {version}, not {schema.VERSION}")
        ledger = Ledger(path, connection)
        if verify:
            ledger.verify()
        yield ledger


def damaged(path: Path, what: str) -> LedgerError:
    """Say what is wrong with a ledger, and how the newest backup takes its place."""
    backups = sorted((path.parent / "backups").glob("ledger-*.sqlite3"))
    advice = f"copy {backups[-1]} over it" if backups else "open a new account"
    return LedgerError(
        f"the ledger {path} is damaged ({what}); keep it aside, {advice}, remove the files "
        f"{path.name}-wal and -shm, and run again: what is missing is caught up"
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell SQLite's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        said = str(error)
        if "locked" in said or "busy" in said:
            raise LockHeldError(
                f"another program holds the ledger {path}; close it and try again"
            ) from error
        if "no such table" in said or "no such column" in said:
            raise damaged(path, said) from error
        raise CannotWriteError(
            f"cannot write {path}: {said}; nothing of this night was recorded, free space or "
            "mend the permissions and run again"
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _rows(night: NewNight, number: int) -> dict[str, list[dict[str, Any]]]:
    """Rows of a night by table."""
    numbered = {"night_id": number}
    made = [] if night.forecasts is None else _plain(_texts(night.forecasts)[list(FORECASTS)])
    quotes = [asdict(quote) | {"quoted_at": iso(quote.quoted_at)} for quote in night.quotes]
    absent = [{"symbol": symbol, "newest": iso(newest)} for symbol, newest in night.absent]
    tables = {
        "bars": [row for new in night.bars for row in _bar_rows(new)],
        "forecasts": made,
        "quotes": quotes,
        "rewrites": [_rewrite_row(rewritten) for rewritten in night.rewritten],
        "absences": absent,
    }
    return {name: [numbered | row for row in rows] for name, rows in tables.items()}


def _bar_rows(new: NewBars) -> list[dict[str, Any]]:
    times = pd.DatetimeIndex(new.bars.index)
    late = [new.decided is not None and time <= new.decided for time in times]
    fetched = None if new.fetched_at is None else iso(new.fetched_at)
    frame = new.bars[list(BARS)].reset_index(drop=True)
    frame.insert(0, TIME, iso_column(times).to_numpy())
    shared = {"symbol": new.symbol, "source": new.source, "fetched_at": fetched}
    return [
        row | shared | {"arrived_late": int(arrived_late)}
        for row, arrived_late in zip(_plain(frame), late, strict=True)
    ]


def _rewrite_row(rewritten: Rewritten) -> dict[str, Any]:
    return {
        "symbol": rewritten.symbol,
        "time": iso(rewritten.time),
        "recorded": json.dumps(rewritten.recorded),
        "told": json.dumps(rewritten.told),
        "seen_at": iso(rewritten.seen_at),
    }


def _night_row(night: NewNight, number: int) -> dict[str, Any]:
    return {
        "night_id": number,
        "bar_at": iso(night.bar_at),
        "decided_at": iso(night.decided_at),
        "simulated": int(night.simulated),
        "record": night.record,
        "warnings": json.dumps(list(night.warnings)),
        "libraries": json.dumps(night.libraries, sort_keys=True),
    }


def _night(row: sqlite3.Row) -> Night:
    return Night(
        row["night_id"],
        _instant(row["bar_at"]),
        _instant(row["decided_at"]),
        bool(row["simulated"]),
        row["record"],
        tuple(json.loads(row["warnings"])),
        json.loads(row["libraries"]),
    )


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: iso_column(frame[name]).to_numpy() for name in _TIMES})


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with Python's own numbers, None for NaN."""
    columns = [
        [None if value is None or value != value else value for value in frame[name].tolist()]
        for name in frame
    ]
    names = [str(name) for name in frame]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _account_hash(row: dict[str, Any]) -> str:
    kept = ("name", "created_at", "settings", "fingerprint")
    return hash_bytes(*(str(row[key]).encode() for key in kept))


def _instant(text: str) -> pd.Timestamp:
    return pd.Timestamp(text).as_unit("ns")


def _sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
