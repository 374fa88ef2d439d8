"""The ledger of a paper account: an SQLite file that only grows, one transaction a night."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.columns import BARS, FORECASTS, TIME
from cryptobt.core.errors import CannotWriteError, LockHeldError, UsageError
from cryptobt.core.time import iso
from cryptobt.paper import schema
from cryptobt.paper.backup import Backups
from cryptobt.paper.chain import account_hash, facts_of, fault, night_hash
from cryptobt.paper.connection import beside, connect, connect_read_only, create, sync
from cryptobt.paper.damage import damaged, explained, readable
from cryptobt.paper.facts import NewNight, Night, Quote, Rewritten
from cryptobt.paper.ledger_rows import (
    TIMES,
    fact_rows,
    instant,
    night_row,
    read_night,
    read_quote,
    read_rewrite,
)


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

    @property
    def newest(self) -> str | None:
        """Bar of the newest night, as text; None before the first."""
        newest: str | None = self._db.execute("SELECT max(bar_at) FROM nights").fetchone()[0]
        return newest

    def nights(self) -> list[Night]:
        """Every night, oldest first."""
        rows = self._db.execute("SELECT * FROM nights ORDER BY night_id")
        return [read_night(row) for row in rows]

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
        for name in TIMES:
            frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ns")
        numbers = ["score", "mean", "p_up", "q05", "q50", "q95", "seed_spread"]
        return frame.astype(dict.fromkeys(numbers, float))

    def quotes(self) -> list[tuple[pd.Timestamp, Quote]]:
        """Every quote with its night."""
        rows = self._db.execute(
            "SELECT bar_at, quotes.* FROM quotes JOIN nights USING (night_id) ORDER BY 1, symbol"
        )
        return [(instant(row["bar_at"]), read_quote(row)) for row in rows]

    def rewrites(self) -> list[Rewritten]:
        """Every bar that its vendor told otherwise after it had been recorded, oldest first."""
        rows = self._db.execute("SELECT * FROM rewrites ORDER BY rowid")
        return [read_rewrite(row) for row in rows]

    def table(self, name: str) -> pd.DataFrame:
        """A whole table as it is kept, times as text."""
        order = "rowid" if name in schema.FACTS else "1"
        rows = self._db.execute(f"SELECT * FROM {name} ORDER BY {order}")
        heads = [column[0] for column in rows.description]
        return pd.DataFrame([tuple(row) for row in rows], columns=heads)

    def verify(self) -> None:
        """Look at every page and every row, and for a backup that knows more.

        Raises
        ------
        LedgerError
            Naming the file and the first night that is not as it was written.
        """
        with readable(self.path):
            said = fault(self._db)
        if said:
            raise damaged(self.path, said)
        later = Backups(self.path).later_than(self.newest or "", self.account["hash"])
        if later is not None:
            raise damaged(self.path, f"nights that {later.name} has are missing")

    def append(self, nights: Sequence[NewNight]) -> None:
        """Add nights in their order: all of them, or nothing.

        Raises
        ------
        CannotWriteError, LockHeldError
            If the disk is full or read-only, or another program holds the file or wrote to it.
        """
        with explained(self.path, "nothing of this night was recorded"), self._db:
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
        return Backups(self.path).keep(self._db, self._last_night())

    @property
    def backed_up(self) -> bool:
        """Whether there is a copy with the newest night; a killed run may have left none."""
        return self.newest is None or Backups(self.path).copy_of(self._last_night()).exists()

    def _last_night(self) -> str:
        newest = self.newest
        assert newest is not None, "a ledger is copied once it has a night"
        return newest

    def _append(self, night: NewNight) -> None:
        last = self._db.execute(
            "SELECT night_id, bar_at, hash FROM nights ORDER BY night_id DESC"
        ).fetchone()
        if last is not None and instant(last["bar_at"]) >= night.bar_at:
            raise LockHeldError(
                f"another program wrote the night of {iso(night.bar_at)} to the ledger {self.path} "
                "meanwhile; nothing of this run was recorded, run again"
            )
        number = 1 if last is None else last["night_id"] + 1
        for table, rows in fact_rows(night, number).items():
            self._insert(table, rows)
        own = night_row(night, number)
        before = self.account["hash"] if last is None else last["hash"]
        chained = night_hash(own, facts_of(self._db, number), before)
        self._insert("nights", [own | {"hash": chained}])

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            # a model is noted by its first forecast
            how = "INSERT OR IGNORE" if table == "models" else "INSERT"
            names = list(rows[0])
            places = ", ".join("?" * len(names))
            self._db.executemany(
                f"{how} INTO {table} ({', '.join(names)}) VALUES ({places})",
                [tuple(row[name] for name in names) for row in rows],
            )


def create_ledger(path: Path, name: str, created_at: str, settings: str, fingerprint: str) -> None:
    """Make a ledger without a night; it appears whole.

    Raises
    ------
    UsageError
        If there are backups of a ledger that was here.
    CannotWriteError
        If the folder is not ours to write.
    """
    copies = Backups(path).paths()
    if copies:
        raise UsageError(
            f"there are backups of an account '{name}' already; copy {copies[-1]} to {path}, or "
            "choose another name"
        )
    part = path.parent / ".part-ledger"
    row = {"id": 1, "name": name, "created_at": created_at, "settings": settings,
           "fingerprint": fingerprint}  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in (part, *beside(part)):
            left.unlink(missing_ok=True)
        with explained(path), closing(create(part)) as connection, connection:
            connection.execute("BEGIN")
            for statement in schema.statements():
                connection.execute(statement)
            Ledger(part, connection)._insert("account", [row | {"hash": account_hash(row)}])
        sync(part)
        part.replace(path)
        for folder in (path.parent, *path.parent.parents[:2]):
            sync(folder)
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def open_ledger(path: Path, *, verify: bool = True, read_only: bool = False) -> Iterator[Ledger]:
    """Open a ledger that exists, and look whether it is whole.

    Parameters
    ----------
    read_only : bool
        To read it as it is now, on a disk that takes nothing too, and while a night goes on.

    Raises
    ------
    LedgerError
        If it is damaged or of another version, with what to do.
    CannotWriteError, LockHeldError
    """
    with readable(path):
        connection = connect_read_only(path) if read_only else connect(path)
    with explained(path), closing(connection):
        ledger = Ledger(path, connection)
        if verify:
            ledger.verify()
        yield ledger
