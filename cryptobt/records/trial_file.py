"""The file of a trial ledger: made whole, opened to be added to, its troubles told in words."""

import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cryptobt.core.errors import CannotWriteError, CryptobtError, LedgerError, LockHeldError
from cryptobt.core.files import locked

BUSY_SECONDS = 5.0
"""How long another program that writes is waited for."""
VERSION = 1
"""Of the table; stands in the file as ``PRAGMA user_version``."""
_TABLE = """
CREATE TABLE trials (
    key TEXT NOT NULL,
    symbol TEXT NOT NULL,
    interval TEXT NOT NULL,
    strategy TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    bars INTEGER NOT NULL,
    sharpe_per_bar REAL,
    first_day TEXT NOT NULL,
    daily_returns BLOB NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (key, symbol, interval)
) STRICT
"""
_INDEX = "CREATE INDEX trials_by_market ON trials (symbol, interval, updated_at)"
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH,
}  # fmt: skip
_PRIMARY = 0xFF
"""SQLite's extended codes have their primary one in the lowest byte."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger, made on first use, and close it.

    Raises
    ------
    LedgerError
        If the file is damaged, here or while it is worked with.
    LockHeldError
        If another program writes to it for longer than 5 seconds.
    CannotWriteError
        If the system does not let it be used.
    """
    with explained(path):
        if not path.exists():
            _make(path)
        with closing(_connected(path)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise LedgerError(
                    f"the trial ledger {path} was made by a newer cryptobt (tables of version "
                    f"{version}, {VERSION} is known here); use that, or --set trials.ledger=false"
                )
            if version != VERSION:
                raise sqlite3.DatabaseError(f"its tables have version {version}, not {VERSION}")
            yield database


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger to write to it: all that is written is there afterwards, or nothing is."""
    with opened(path) as database:
        # IMMEDIATE waits for its turn at once; a lock asked for later would not be waited for
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            # a full disk has ended it already
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell what a file can do to who opens it as our own errors."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # only a mistake of ours
    except sqlite3.Error as error:
        raise _ours(path, error) from error
    except (zlib.error, ValueError) as error:
        # returns or a date that cannot be read: SQLite itself does not notice a changed byte
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def _connected(path: Path) -> sqlite3.Connection:
    name = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    try:
        database.execute("PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def _make(path: Path) -> None:
    """Make an empty ledger beside its place, and move it there: nobody sees a part of one."""
    # SQLite does not wait for its turn to change the journal of a file that others have open
    with locked(path.with_name(f"{path.name}.lock"), BUSY_SECONDS, f"the trial ledger {path}"):
        if path.exists():
            return
        # what a ledger that was moved away left behind would be read into the new one
        for end in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        os.close(descriptor)
        try:
            with closing(_connected(Path(temporary))) as database:
                for statement in (_TABLE, _INDEX, f"PRAGMA user_version = {VERSION}"):
                    database.execute(statement)
                database.execute("PRAGMA journal_mode = WAL")
            Path(temporary).replace(path)
            _sync(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, what: str) -> LedgerError:
    return LedgerError(
        f"the trial ledger {path} is damaged ({' '.join(what.split())}); "
        "move it away, and counting begins anew, or set trials.ledger=false"
    )


def _refused(path: Path, said: str) -> CannotWriteError:
    return CannotWriteError(
        f"cannot use the trial ledger {path}: {said}; free space or mend the permissions, "
        "set CRYPTOBT_HOME to a folder that can be written, or set trials.ledger=false"
    )


def _ours(path: Path, error: sqlite3.Error) -> CryptobtError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY
    if code in _LOCKED:
        return LockHeldError(f"another program holds the trial ledger {path}; try again")
    return _refused(path, str(error)) if code in _REFUSED else _damaged(path, str(error))
