"""The chain of a ledger: every row is hashed with its night, every night with the one before."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from cryptobt.core.hashing import hash_bytes
from cryptobt.paper import schema

_ACCOUNT = ("name", "created_at", "settings", "fingerprint")


def account_hash(account: Mapping[str, Any]) -> str:
    """Hash what an account was opened with: the beginning of the chain."""
    return hash_bytes(*(str(account[key]).encode() for key in _ACCOUNT))


def night_hash(
    night: Mapping[str, Any], facts: Mapping[str, Sequence[tuple[Any, ...]]], before: str
) -> str:
    """Hash a night's row, its facts, and the hash of the night before it.

    Parameters
    ----------
    facts : mapping
        Table to its rows of the night, in the order in which they were written.
    """
    own = [str(value) for key, value in night.items() if key != "hash"]
    rows = [repr(list(facts.get(table, ()))) for table in schema.FACTS]
    return hash_bytes(*(part.encode() for part in [before, *own, *rows]))


def facts_of(database: sqlite3.Connection, night_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of one night by table."""
    return {
        table: [
            tuple(row)
            for row in database.execute(
                f"SELECT * FROM {table} WHERE night_id = ? ORDER BY rowid", (night_id,)
            )
        ]
        for table in schema.FACTS
    }


def fault(database: sqlite3.Connection) -> str:
    """Look at every page and every row, and say the first thing that is not as it was written.

    Returns
    -------
    str
        With the night that it stands in, where that is known; empty for a ledger that is whole.

    Raises
    ------
    sqlite3.Error
        If it cannot even be read.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version != schema.VERSION:
        return f"its version is {version}, and this cryptobt reads {schema.VERSION}"
    # unlike quick_check this also compares indexes with their tables: bars are found by index
    said = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if said != "ok":
        return str(said)
    return _broken_link(database) or _foreign_schema(database)


def _broken_link(database: sqlite3.Connection) -> str:
    account = database.execute("SELECT * FROM account").fetchone()
    if account is None:
        return "it has no account"
    if account["hash"] != account_hash(account):
        return "the account's settings are not those it was opened with"
    before = account["hash"]
    facts = {table: _by_night(database, table) for table in schema.FACTS}
    waiting: dict[str, tuple[int, list[tuple[Any, ...]]] | None]
    waiting = {table: next(nights, None) for table, nights in facts.items()}
    for row in database.execute("SELECT * FROM nights ORDER BY night_id").fetchall():
        own = {}
        for table, rows in waiting.items():
            if rows is not None and rows[0] == row["night_id"]:
                own[table] = rows[1]
                waiting[table] = next(facts[table], None)
        if row["hash"] != night_hash(dict(row), own, before):
            return f"facts of the night of {row['bar_at']} were changed"
        before = row["hash"]
    strays = [table for table, rows in waiting.items() if rows is not None]
    return f"{strays[0]} has rows of a night that is not there" if strays else ""


def _by_night(
    database: sqlite3.Connection, table: str
) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Nights of a table with their rows, read once from its beginning to its end."""
    rows = database.execute(f"SELECT rowid, * FROM {table} ORDER BY night_id, rowid")
    at = [column[0] for column in rows.description].index("night_id")
    for night_id, group in groupby(rows, key=lambda row: row[at]):
        yield night_id, [tuple(row)[1:] for row in group]


def _foreign_schema(database: sqlite3.Connection) -> str:
    """Say whether a table, an index or a trigger that keeps rows is not as it was made."""
    rows = database.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL")
    if {row[0] for row in rows} != set(schema.objects()):
        return "its tables, or the triggers that keep its rows, were changed"
    return ""
