"""What there is to see of accounts without deciding anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.errors import CryptobtError, LedgerError, UsageError
from cryptobt.core.files import write_atomically
from cryptobt.paper import schema
from cryptobt.paper.account import account_names, existing_ledger, read_account
from cryptobt.paper.ledger import Ledger, open_ledger
from cryptobt.paper.standing import Standing, stand
from cryptobt.records.runs import csv_text


@dataclass(frozen=True)
class Listed:
    """One account of the list: its standing, or why it has none."""

    name: str
    standing: Standing | None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        if self.standing is None:
            return {"account": self.name, "problem": self.problem}
        told = self.standing.to_json()
        keys = ("strategy", "nights", "bar", "equity_quote", "return", "overdue")
        symbols = list(self.standing.account.symbols)
        return {"account": self.name, "symbols": symbols} | {key: told[key] for key in keys}

    def line(self) -> str:
        """Say it in one line."""
        if self.standing is None:
            return f"{self.name}  {self.problem}"
        told = self.to_json()
        overdue = ", OVERDUE" if told["overdue"] else ""
        return (
            f"{self.name}  {told['strategy']} on {', '.join(told['symbols'])}: "
            f"{told['nights']} night(s) to {told['bar'][:10]}, equity {told['equity_quote']:,.2f} "
            f"({told['return']:+.2%}){overdue}"
        )


def list_accounts(now: pd.Timestamp) -> list[Listed]:
    """Every account; one that cannot be read does not hide the others."""
    return [_listed(name, now) for name in account_names()]


def standing_of(name: str, now: pd.Timestamp) -> Standing:
    """How an account stands, replayed from its ledger.

    Raises
    ------
    UsageError
        If there is no such account, or it has not had a night.
    LedgerError
        If the ledger is damaged or does not replay.
    """
    with open_ledger(existing_ledger(name), read_only=True) as ledger:
        return standing_in(name, ledger, now)


def export_account(name: str, out: Path) -> list[Path]:
    """Write every table of an account's ledger, and the account that it replays to, as CSV.

    Raises
    ------
    CannotWriteError
    """
    with open_ledger(existing_ledger(name), read_only=True) as ledger:
        result = standing_in(name, ledger, pd.Timestamp.now("UTC")).replay.result
        tables = {table: ledger.table(table) for table in ("account", "nights", *schema.FACTS)}
    for frame in ("equity", "weights", "orders", "fills", "trades"):
        tables[frame] = getattr(result, frame)
    written = []
    for table, rows in tables.items():
        path = out / f"{table}.csv"
        write_atomically(path, csv_text(rows).encode())
        written.append(path)
    return written


def standing_in(name: str, ledger: Ledger, now: pd.Timestamp) -> Standing:
    """How the account of an open ledger stands; errors as in :func:`standing_of`."""
    account = read_account(ledger)
    if not ledger.nights():
        raise UsageError(
            f"account '{name}' has not had a night yet; `cryptobt paper run {name}` is its first"
        )
    try:
        return stand(account, ledger, now)
    except LedgerError:
        # what changed says more than the first value that differs
        account.check_unchanged()
        raise


def _listed(name: str, now: pd.Timestamp) -> Listed:
    try:
        return Listed(name, standing_of(name, now))
    except CryptobtError as error:
        return Listed(name, None, str(error))
