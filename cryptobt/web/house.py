"""Everything that there is to see: accounts, runs, forecasts, stored data, audits."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptobt.core.settings import Settings, home
from cryptobt.web import work
from cryptobt.web.account_view import by_weight, instant, iso
from cryptobt.web.accounts import Accounts
from cryptobt.web.desk import Desk
from cryptobt.web.files import tree_state
from cryptobt.web.forecasts import Forecasts
from cryptobt.web.keeper import Keeper, View, view
from cryptobt.web.runs import Runs, problems_of, rows_of

_NEWEST = 5


class House:
    """All documents, each computed once for each state of the files behind it.

    Parameters
    ----------
    out : Path
        Folder of runs.
    settings : Settings or None
        By which forecasts are made beside those of the accounts.
    clock : callable
        Gives the time, aware.
    desk : callable
        Makes what the work is done at; see :class:`~cryptobt.web.keeper.Keeper`.
    """

    def __init__(
        self,
        out: Path,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        desk: Callable[[str], Desk] = Desk,
    ) -> None:
        self._keeper = Keeper(clock, desk)
        self.now = self._keeper.now
        self.runs = Runs(self._keeper, Path(os.path.abspath(out)))  # noqa: PTH100 - keeps links
        self.accounts = Accounts(self._keeper, self.runs)
        self.forecasts = Forecasts(self._keeper, self.accounts, settings)

    def begin(self) -> None:
        """Begin to read everything that the first page shows."""
        self.accounts.begin()
        self.runs.listed(0.0)
        self.runs.listed_audits(0.0)

    def close(self) -> None:
        """Let nothing more be computed."""
        self._keeper.close()

    def overview(self) -> View:
        """Give what a person sees first."""
        accounts = self.accounts.rows()
        # what is drawn first is never waited for
        runs, audits = self.runs.listed(0.0), self.runs.listed_audits(0.0)
        rows = accounts.document["accounts"]
        document = {
            "accounts": rows,
            "runs": rows_of(runs)[:_NEWEST],
            "runs_n": len(rows_of(runs)),
            "audits": rows_of(audits)[:_NEWEST],
            "alarms": sorted((a for row in rows for a in row["alarms"]), key=by_weight),
            "problems": problems_of(runs),
            "empty": not (rows or rows_of(runs) or rows_of(audits)),
            "forecasts": self.forecasts.links(),
        }
        lists = view(document, runs, audits)
        return View(
            document,
            (accounts.stamp, lists.stamp),
            accounts.computing or lists.computing,
            accounts.updating or lists.updating,
        )

    def data(self) -> View:
        """Say what is stored of the market."""
        state = (tree_state(home("data") / "store"), self.now().replace(minute=0))
        answer = self._keeper.ask("data", state, work.stored, iso(self.now()))
        document = dict(answer.document or {"stored": [], "verified": [], "problem": ""})
        document["stored"] = [self._aged(row) for row in document["stored"]]
        document |= {"state": answer.state, "problem": answer.problem or document["problem"]}
        return view(document, answer)

    def _aged(self, row: dict[str, Any]) -> dict[str, Any]:
        since = max(self.now() - instant(row["fetched_at"]), timedelta())
        return row | {"age_hours": round(since / timedelta(hours=1), 2)}
