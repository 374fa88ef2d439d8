"""What a person is told when a ledger is damaged, locked, or cannot be written."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptobt.core.errors import CannotWriteError, CryptobtError, LedgerError, LockHeldError
from cryptobt.paper.backup import Backups

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH,
}  # fmt: skip
_PRIMARY = 0xFF
"""SQLite's extended codes have their primary one in the lowest byte."""


def damaged(path: Path, what: str) -> LedgerError:
    """Say what is wrong with a ledger, and how its newest whole backup takes its place."""
    backup = Backups(path).newest_whole()
    said = f"the ledger {path} is damaged ({' '.join(what.split())}); keep it aside"
    if backup is None:
        return LedgerError(f"{said}, and open a new account: there is no whole backup of it")
    return LedgerError(
        f"{said}, copy {backup} over it, remove the files {path.name}-wal and -shm, and run again: "
        "what is missing is caught up"
    )


@contextmanager
def explained(path: Path, consequence: str = "") -> Iterator[None]:
    """Tell SQLite's errors as ours, but for those that only a mistake of ours can raise.

    Parameters
    ----------
    consequence : str
        What is said where the system does not let the ledger be used.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise _ours(path, error, consequence) from error


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell everything that a file can do to who opens it as ours."""
    try:
        with explained(path):
            yield
    except UnicodeDecodeError as error:
        # Python cannot read what SQLite says of a damaged text
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def _refused(path: Path, said: str, consequence: str = "") -> CannotWriteError:
    told = f"{said}; {consequence}" if consequence else said
    return CannotWriteError(
        f"cannot use the ledger {path}: {told}; free space or mend the permissions, and run again"
    )


def _ours(path: Path, error: sqlite3.Error, consequence: str) -> CryptobtError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY
    if code in _LOCKED:
        return LockHeldError(f"another program holds the ledger {path}; close it and try again")
    if code in _REFUSED:
        return _refused(path, str(error), consequence)
    return damaged(path, str(error))
