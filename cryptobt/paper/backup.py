"""Copies of a ledger, one for each of its newest nights, and which of them is whole."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptobt.core.errors import CannotWriteError
from cryptobt.paper.chain import fault
from cryptobt.paper.connection import connect_read_only, create, sync

KEPT_BACKUPS = 7
_NAMES = f"ledger-{'[0-9]' * 4}-{'[0-9]' * 2}-{'[0-9]' * 2}.sqlite3"
"""A file that somebody else put there is neither advised nor removed."""


@dataclass(frozen=True)
class Backups:
    """Copies of a ledger in a folder beside it.

    Parameters
    ----------
    ledger : Path
        Of the ledger itself.
    """

    ledger: Path

    def copy_of(self, newest: str) -> Path:
        """Where the copy with this night as its newest is, or would be."""
        return self._folder / f"ledger-{newest[:10]}.sqlite3"

    def paths(self) -> list[Path]:
        """Every copy, oldest night first."""
        return sorted(self._folder.glob(_NAMES))

    def newest_whole(self) -> Path | None:
        """The copy with the newest night of those that can take the ledger's place."""
        return next((path for path in reversed(self.paths()) if _account_in(path)), None)

    def later_than(self, newest: str, account: str) -> Path | None:
        """Find a whole copy of the same account with nights that the ledger has lost.

        Parameters
        ----------
        newest : str
            Newest night of the ledger; empty for one without a night.
        account : str
            Hash of the account.
        """
        later = [path for path in self.paths() if path.name > self.copy_of(newest).name]
        return next((path for path in reversed(later) if _account_in(path) == account), None)

    def keep(self, database: sqlite3.Connection, newest: str) -> Path:
        """Copy a ledger; only the newest copies are kept.

        Raises
        ------
        CannotWriteError
            If the copy cannot be written; the ledger itself has its nights.
        """
        copy, part = self.copy_of(newest), self._folder / f".part-{os.getpid()}"
        try:
            self._folder.mkdir(exist_ok=True)
            for left in self._folder.glob(".part-*"):
                left.unlink(missing_ok=True)
            with closing(create(part)) as target:
                database.backup(target)
            sync(part)
            part.replace(copy)
            sync(self._folder)
            for old in self.paths()[:-KEPT_BACKUPS]:
                old.unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            said = getattr(error, "strerror", None) or error
            raise CannotWriteError(
                f"cannot write {copy}: {said}; every night is recorded, only its backup is not: "
                "free space or mend the permissions, and run again"
            ) from error
        return copy

    @property
    def _folder(self) -> Path:
        return self.ledger.parent / "backups"


def _account_in(path: Path) -> str:
    """Hash of the account in a ledger without a fault; empty where it has one."""
    try:
        with closing(connect_read_only(path)) as database:
            if fault(database):
                return ""
            found: str = database.execute("SELECT hash FROM account").fetchone()[0]
            return found
    except (sqlite3.Error, UnicodeDecodeError, OSError):
        return ""
