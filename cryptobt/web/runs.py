"""Backtests and audits as the pages show them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptobt.web import work
from cryptobt.web.files import (
    AUDIT_FILES,
    RUN_FILES,
    Kind,
    folder_state,
    listed,
    read_own,
)
from cryptobt.web.keeper import AbsentError, Keeper, View, view
from cryptobt.web.shelf import Answer

MOST_ROWS = 500


class Runs:
    """Backtests and audits in one folder, listed anew once something in it has changed.

    Parameters
    ----------
    out : Path
        Need not be there.
    """

    def __init__(self, keeper: Keeper, out: Path) -> None:
        self._keeper, self.out = keeper, out

    def listed(self, seconds: float | None = None) -> Answer:
        """Read the backtests: ``rows``, ``folders`` and ``problems``."""
        state = folder_state(self.out)
        return self._keeper.ask("runs", state, work.runs, self.out, seconds=seconds)

    def listed_audits(self, seconds: float | None = None) -> Answer:
        """Read the audits: ``rows``, ``folders`` and ``problems``."""
        state = folder_state(self.out)
        return self._keeper.ask("audits", state, work.audits, self.out, seconds=seconds)

    def runs(self, strategy: str = "", symbol: str = "", text: str = "") -> View:
        """List backtests, newest first, filtered."""
        answer = self.listed()
        rows = rows_of(answer)
        found = [row for row in rows if _fits(row, strategy, symbol, text)]
        document = {
            "state": answer.state,
            "rows": found[:MOST_ROWS],
            "filter": {"strategy": strategy, "symbol": symbol, "text": text},
            "strategies": sorted({row["strategy"] for row in rows}),
            "symbols": sorted({one for row in rows for one in row["symbols"]}),
            "total": len(rows),
            "problems": problems_of(answer),
            "folder": self.out.name,
        }
        return view(document, answer)

    def run(self, called: str) -> View:
        """Give one backtest.

        Raises
        ------
        AbsentError
            If there is no such run, or its folder is damaged.
        """
        folder = self._folder(called)
        state = folder_state(folder)
        answer = self._keeper.ask(("run", folder), state, work.run, folder)
        return self._sheet(answer, called, listed(folder, RUN_FILES))

    def comparison(self, a: str, b: str) -> View:
        """Set two backtests side by side; without both, offer what there is."""
        answer = self.listed()
        document = {"state": "ready", "problem": "", "a": a, "b": b, "document": None,
                    "series": None, "runs": rows_of(answer)[:MOST_ROWS]}  # fmt: skip
        if not (a and b):
            return view(document, answer)
        try:
            one, other = self._folder(a), self._folder(b)
        except AbsentError as error:
            return view(document | {"state": "failed", "problem": str(error)}, answer)
        if one == other:
            problem = "Both are the same run; choose two."
            return view(document | {"state": "failed", "problem": problem}, answer)
        state = (folder_state(one), folder_state(other))
        found = self._keeper.ask(("comparison", one, other), state, work.comparison, one, other)
        parts = {key: found.document[key] for key in ("document", "series")
                 } if found.document else {}  # fmt: skip
        problem = self._inside(found.problem)
        told = document | parts | {"state": found.state, "problem": problem}
        figures = (found.document or {}).get("figures", {})
        return view(told, answer, found, figures=figures)

    def audits(self) -> View:
        """List audits, newest first."""
        answer = self.listed_audits()
        rows = rows_of(answer)
        problems = problems_of(answer)
        document = {"state": answer.state, "rows": rows[:MOST_ROWS], "problems": problems,
                    "total": len(rows)}  # fmt: skip
        return view(document, answer)

    def audit(self, called: str) -> View:
        """Give one audit.

        Raises
        ------
        AbsentError
            If there is no such audit, or its folder is damaged.
        """
        folder = self._folder(called, audit=True)
        state = folder_state(folder)
        answer = self._keeper.ask(("audit", folder), state, work.audit, folder)
        return self._sheet(answer, called, listed(folder, AUDIT_FILES))

    def file(self, called: str, name: str, *, audit: bool = False) -> tuple[bytes, Kind]:
        """Read a file that may be handed out.

        Raises
        ------
        AbsentError
            If the folder is not there, or no such file of a fixed list in it.
        """
        names = AUDIT_FILES if audit else RUN_FILES
        if name not in names:
            raise AbsentError(f"There is no file of this name; there are {', '.join(names)}.")
        content = read_own(self._folder(called, audit=audit), name)
        if content is None:
            raise AbsentError(f"The folder has no file {name} that can be shown here.")
        return content, names[name]

    def _sheet(self, answer: Answer, called: str, files: list[dict[str, Any]]) -> View:
        if answer.problem:
            raise AbsentError(self._inside(answer.problem))
        document = None if answer.document is None else answer.document | {
            "id": called, "files": files,
        }  # fmt: skip
        return view(document or {}, answer)

    def _inside(self, problem: str) -> str:
        """Name what lies in the folder without the folders above it."""
        return problem.replace(f"{self.out}{os.sep}", "")

    def policy(self) -> str:
        """Say what the pages in run folders may do: nothing while that is not known."""
        answer = self._keeper.ask("policy", None, work.policy, seconds=10.0)
        return answer.document or "default-src 'none'; sandbox"

    def _folder(self, called: str, *, audit: bool = False) -> Path:
        """Find a folder among those that were listed: a name is never taken for a path."""
        answer = self.listed_audits() if audit else self.listed()
        folders: Mapping[str, str] = (answer.document or {}).get("folders", {})
        by_name = {name: name for name in folders.values()}
        name = folders.get(called) or by_name.get(called)
        if name is None:
            what = "audit" if audit else "run"
            raise AbsentError(f"There is no {what} '{called[:80]}' in {self.out.name}.")
        return self.out / name


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """Give the rows of a list; none where it could not be read."""
    return list((answer.document or {}).get("rows", ()))


def problems_of(answer: Answer) -> list[str]:
    """Say what could not be read of a list; that there is no folder yet is no problem."""
    found = list((answer.document or {}).get("problems", ()))
    return [*found, *([answer.problem] if answer.problem else [])]


def _fits(row: Mapping[str, Any], strategy: str, symbol: str, text: str) -> bool:
    words = f"{row['id']} {row['strategy']} {row['account'] or ''} {' '.join(row['symbols'])}"
    return (
        strategy in ("", row["strategy"])
        and (not symbol or symbol in row["symbols"])
        and text.casefold() in words.casefold()
    )
