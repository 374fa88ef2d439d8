"""Accounts as the pages show them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptobt.core.settings import home
from cryptobt.web import work
from cryptobt.web.account_view import account_now, iso, row_of, unread
from cryptobt.web.files import state_of
from cryptobt.web.keeper import AbsentError, Keeper, Latest, View, together, view
from cryptobt.web.runs import Runs
from cryptobt.web.shelf import Answer

_LEDGER = "ledger.sqlite3"


def ledgers() -> dict[str, Path]:
    """Find the ledger of every account, by name."""
    folder = home("data") / "accounts"
    if not folder.is_dir():
        return {}
    found = sorted(one.name for one in folder.iterdir() if _is_account(one))
    return {name: folder / name / _LEDGER for name in found}


def _is_account(folder: Path) -> bool:
    """Whether a ledger lies in a folder, or nobody may look; in one whose name is no text none."""
    try:
        folder.name.encode()
        return (folder / _LEDGER).exists()
    except UnicodeEncodeError:
        return False
    except PermissionError:
        return True


def ledger_state(path: Path) -> Any:
    """Give something that differs once a night was written, though it is in the WAL alone."""
    return state_of((path, path.with_name(path.name + "-wal")))


class Accounts:
    """Every account, read anew once its ledger has changed."""

    def __init__(self, keeper: Keeper, runs: Runs) -> None:
        self._keeper, self._runs = keeper, runs
        # a page may be asked for often in a minute: what was made of a document is kept for it
        self._minute, self._whole, self._rows = Latest[View](), Latest[View](), Latest[View]()

    def begin(self) -> None:
        """Begin to read all of them."""
        for name, path in ledgers().items():
            self._answer(name, path, 0.0)

    def rows(self) -> View:
        """Give every account in a row."""
        views = [self._short(name, path) for name, path in ledgers().items()]
        key = (self._keeper.now(), *(one.stamp for one in views), *(one.updating for one in views))
        return self._rows.get(
            "", key, lambda: together({"accounts": [row_of(one.document) for one in views]}, views)
        )

    def one(self, name: str) -> View:
        """Give an account as it stands now.

        Raises
        ------
        AbsentError
            If there is none of this name.
        """
        path = self.ledger(name)
        answer = self._answer(name, path)
        shown = self._shown(name, answer)
        if shown.document["state"] != "ready":
            return shown
        earlier = self._keeper.ask(
            ("digests", name), ledger_state(path), work.digests, name, seconds=0.0
        )
        runs = self._runs.listed(0.0)
        key = (shown.stamp, earlier.stamp, runs.stamp, self._keeper.now())
        return self._whole.get(name, key, lambda: _whole(shown, answer, earlier, runs))

    def tearsheet(self, name: str) -> Answer:
        """Draw the live tearsheet of an account.

        Raises
        ------
        AbsentError
            If there is no such account.
        """
        state = ledger_state(self.ledger(name))
        now, desk = iso(self._keeper.now()), self._keeper.forecasting
        return self._keeper.ask(("tearsheet", name), state, work.tearsheet, name, now, desk=desk)

    def ledger(self, name: str) -> Path:
        """Find the ledger of an account.

        Raises
        ------
        AbsentError
            If there is no such account.
        """
        found = ledgers()
        if name not in found:
            raise AbsentError(f"There is no paper account '{name}'.")
        return found[name]

    def _short(self, name: str, path: Path) -> View:
        return self._shown(name, self._answer(name, path, 0.0))

    def _answer(self, name: str, path: Path, seconds: float | None = None) -> Answer:
        state = ledger_state(path)
        return self._keeper.ask(("account", name), state, work.account, name, seconds=seconds)

    def _shown(self, name: str, answer: Answer) -> View:
        now = self._keeper.now()
        key = (answer.stamp, answer.updating, answer.state, now)
        return self._minute.get(name, key, lambda: _seen_at(name, answer, now))


def _seen_at(name: str, answer: Answer, now: datetime) -> View:
    if answer.document is None:
        told = {"account": name, "state": answer.state, "problem": answer.problem}
        return view(account_now(unread(told), now), answer)
    kept = answer.document
    return view(account_now(kept["account"], now), answer, figures=kept["figures"])


def _whole(shown: View, answer: Answer, earlier: Answer, runs: Answer) -> View:
    """Add earlier nights, and the newest run, to what an account's own document says."""
    document = shown.document | {
        "nights_list": _told(shown.document, earlier.document or {}),
        "run": _newest_run(shown.document["account"], runs),
    }
    whole = view(document, answer, earlier, runs, figures=shown.figures)
    # the page is whole without them: who reads it is not kept waiting
    return replace(whole, computing=False, updating=whole.updating or whole.computing)


def _told(document: Mapping[str, Any], earlier: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put the lines of each night beside it."""
    newest = {document["bar"]: document["digest"]}
    lines = {**earlier, **newest}
    return [
        night | {"digest": lines.get(night["bar"], [])} for night in document["nights_list"]
    ]  # fmt: skip


def _newest_run(name: str, runs: Answer) -> dict[str, Any] | None:
    rows = (runs.document or {}).get("rows", ())
    return next((row for row in rows if row["account"] == name), None)
