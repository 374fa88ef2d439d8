"""Doors to a ledger's file: one that writes, and one that leaves nothing behind.

One process has a ledger open once at a time: where a file is closed, POSIX takes away every lock
that its process has on it.
"""

import os
import sqlite3
from pathlib import Path

BUSY_SECONDS = 5.0
"""How long a lock of another program is waited for."""
_HEADER_BYTES = 100
_FORMATS = slice(18, 20)
"""Bytes of SQLite's header that say how the file may be written and read: 1 journal, 2 WAL."""
_ROLLBACK = b"\1\1"
_TRIES = 5


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger that exists, to add to it.

    Raises
    ------
    sqlite3.Error, OSError
        If it cannot be read or written, or another program is writing to it.
    """
    # what is in a night's way it hears of before it computes anything: SQLite would say only when
    # it writes that the file is read-only, or that another program is writing
    _check_header(path, "r+b")
    database = _opened(path, "mode=rw")
    return _told(database, "BEGIN IMMEDIATE", "ROLLBACK", "PRAGMA journal_mode = WAL")


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a ledger as it is now, on a read-only disk too; no file is made or changed.

    SQLite reads a ledger that is closed only with files beside it, or without any locks. So what is
    closed is read into memory at once; what another program has open is read with its files.
    """
    _check_header(path, "rb")
    content = _unchanging(path)
    if content is None:
        # one transaction: everything is read as it was at one instant
        return _told(_opened(path, "mode=ro"), "BEGIN")
    database = _opened(Path(":memory:"), "")
    try:
        database.deserialize(content[: _FORMATS.start] + _ROLLBACK + content[_FORMATS.stop :])
    except sqlite3.Error:
        database.close()
        raise
    return database


def create(path: Path) -> sqlite3.Connection:
    """Make a new file; without a WAL, whose changes would not move with it."""
    return _opened(path, "mode=rwc")


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(path: Path) -> list[Path]:
    """Files that SQLite keeps beside a database while it is open, or after a crash."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    name = f"{path.absolute().as_uri()}?{mode}" if mode else str(path)
    database = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, uri=bool(mode))
    database.row_factory = sqlite3.Row
    # without recursive triggers, INSERT OR REPLACE would get past those that keep rows
    own = ("synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON")
    return _told(database, *(f"PRAGMA {pragma}" for pragma in own))


def _told(database: sqlite3.Connection, *statements: str) -> sqlite3.Connection:
    try:
        for statement in statements:
            database.execute(statement)
    except BaseException:
        database.close()
        raise
    return database


def _check_header(path: Path, mode: str) -> None:
    """Refuse what SQLite would take for an empty database, or for one that it may not write."""
    if path.is_fifo():
        raise sqlite3.DatabaseError("it is a pipe")  # which would be waited for
    with path.open(mode) as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise sqlite3.DatabaseError(f"it has {len(header)} bytes")
    if any(number not in (1, 2) for number in header[_FORMATS]):
        raise sqlite3.DatabaseError("file is not a database")


def _unchanging(path: Path) -> bytes | None:
    """Content of a file that nobody has open; None where somebody has, or a crash left a WAL."""
    wal, _, journal = beside(path)
    for _ in range(_TRIES):
        before = path.stat()
        if wal.exists() or journal.exists():
            return None
        content = path.read_bytes()
        after = path.stat()
        same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
        if same and not wal.exists():
            return content
    return None
