"""``cryptobt audit accounts``: a finished run's account kept a second time by the oracle."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.time import interval_label, iso
from cryptobt.jobs.audits.account_differences import (
    SHOWN,
    Comparison,
    Difference,
    Found,
    in_order,
    worth_of,
)
from cryptobt.jobs.audits.account_sizes import SizeCheck
from cryptobt.jobs.audits.account_tables import TABLES
from cryptobt.jobs.audits.account_words import is_own_word, not_judged
from cryptobt.jobs.audits.recomputed_account import RecomputedAccount, recompute
from cryptobt.jobs.audits.recorded_account import RecordedAccount, read_account
from cryptobt.jobs.audits.report import SCHEMA, AuditReport, write_audit
from cryptobt.jobs.events import Events
from cryptobt.jobs.manifest import code_version, libraries
from cryptobt.jobs.run_folder import Steps, check_folders
from cryptobt.records.run_index import find_run

_OF_THE_DATA = (
    "schema", "settings", "data", "extras", "seeds", "strategy", "forecaster", "features",
    "simulated", "quarantined",
)  # fmt: skip
"""Keys of a run's ``run.json`` that are true of its audit too."""


def audit_accounts(
    name: str, out: Path, events: Events, now: pd.Timestamp, command: str = ""
) -> AuditReport:
    """Recompute a run from its bars, settings and orders, and compare every number of its account.

    The oracle is written from the documents and shares no code with what kept the account first.
    Every fill, fee, slippage, funding, cash and equity value, weight and trade has to agree to nine
    digits, and every refused order to be refused for the same reason; the sizes of orders have to
    follow from the target weights where there are any.

    Parameters
    ----------
    name : str
        A backtest or the report of a paper account, as
        :func:`cryptobt.records.run_index.find_run` finds it.
    out : Path
        Folder of runs; the audit is written there too.
    now : Timestamp
        Names the folder; no number depends on it.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    UsageError
        If there is no such run.
    DataUnavailableError
        If the bars that it was made from are not kept any more.
    DataInvalidError
        If its folder is damaged, with the place.
    CannotWriteError
    """
    run = find_run(name, out)
    check_folders(out)
    steps = Steps(events.step)
    steps.begin("reading the account")
    recorded = read_account(run)
    steps.begin("keeping it again")
    audit = AccountAudit(recorded, recompute(recorded))
    steps.begin("comparing")
    document = audit.document()
    own = {key: run.manifest[key] for key in _OF_THE_DATA if key in run.manifest}
    versions = {"code_version": code_version(), "libraries": libraries()}
    shared = {**own, **versions, "audited": run.run_id}
    placed = recorded.settings.run.model_copy(update={"out": str(out)})
    settings = recorded.settings.model_copy(update={"run": placed})
    return write_audit(
        document, f"audit-accounts-{run.run_id}", settings, recorded.markets, {}, now, command,
        steps, shared,
    )  # fmt: skip


@dataclass(frozen=True)
class AccountAudit:
    """A recorded account beside the oracle's."""

    recorded: RecordedAccount
    recomputed: RecomputedAccount

    @cached_property
    def found(self) -> Found:
        """Every difference, the first first."""
        worth = worth_of(
            self.recomputed.tables["equity"], self.recorded.settings.account.cash_quote
        )
        every = [
            Comparison(
                name, self._told(name), self.recomputed.tables[name], worth
            ).differences()
            for name in TABLES
        ]  # fmt: skip
        besides = [*self._of_the_file(), *self._of_the_orders(), *self._sizes()]
        shown = in_order([*besides, *(one for part in every for one in part.shown)])
        count = len(besides) + sum(part.count for part in every)
        return Found(shown[:SHOWN], count, max(part.largest_gap for part in every))

    def document(self) -> dict[str, Any]:
        """The ``audit.json`` document."""
        run, tables = self.recorded.run, self.recorded.tables
        manifest, found = run.manifest, self.found
        forecaster, times = manifest.get("forecaster"), self.recorded.times
        return {
            "schema": SCHEMA,
            "audit": "accounts",
            "strategy": run.metrics["strategy"],
            "forecaster": forecaster["name"] if forecaster else None,
            "features": self.recorded.settings.features.set,
            "symbols": [market.symbol for market in self.recorded.markets],
            "interval": interval_label(self.recorded.interval),
            "first": iso(times[self.recorded.start]),
            "last": iso(times[-1]),
            "bars": len(self.recomputed.tables["equity"]),
            "simulated": any(market.simulated for market in self.recorded.markets),
            "outcome": "differs" if found.count else "agrees",
            "headline": self._headline(),
            "warnings": list(self._warnings()),
            "run": run.run_id,
            "compared": {name: len(tables[name]) for name in TABLES},
            "largest_relative_gap": found.largest_gap,
            "differences": [one.to_json() for one in found.shown],
            "differing": found.count,
            "not_judged": not_judged(self.recomputed.replay.unjudged, self._own_words),
        }

    def _headline(self) -> str:
        if not self.found.count:
            tables = self.recorded.tables
            counted = ", ".join(f"{len(tables[name]):,} {name}" for name in ("orders", "fills"))
            return (
                "The account agrees with a second program's at each of its "
                f"{len(tables['equity']):,} closes, in {counted} "
                f"and {len(tables['trades']):,} trades."
            )
        places = "place" if self.found.count == 1 else "places"
        first = self.found.shown[0].text
        return f"The account differs in {self.found.count:,} {places}; the first: {first}."

    def _warnings(self) -> Iterator[str]:
        made, here = self.recorded.run.manifest.get("code_version"), code_version()
        if self.found.count and made != here:
            yield (
                f"the run was made by cryptobt {made}, and this is {here}: a rule may have "
                "changed between them; `cryptobt runs reproduce` makes the run anew"
            )

    # What no table tells by itself

    def _told(self, name: str) -> pd.DataFrame:
        """A recorded table; an order's reason in the strategy's own words is taken as none."""
        table = self.recorded.tables[name]
        if name != "orders" or not self._own_words:
            return table
        theirs = self.recomputed.tables["orders"].set_index("order_id")["reason"]
        own = table["order_id"].isin(self._own_words)
        meant = table["order_id"].map(theirs).fillna("")
        return table.assign(reason=table["reason"].mask(own, meant))

    @cached_property
    def _own_words(self) -> frozenset[int]:
        """Orders whose reason is the strategy's; of a refused one, where it gives others one."""
        table = self.recorded.tables["orders"]
        own = table[table["reason"].map(is_own_word).astype(bool)]
        speaks = bool((own["status"] != "rejected").any())
        return frozenset(own["order_id"]) if speaks else frozenset()

    def _of_the_file(self) -> Iterator[Difference]:
        if self.recorded.forecasts_changed:
            yield Difference(
                "forecasts", None, None, None, None, why="it is not the file that run.json tells of"
            )

    def _of_the_orders(self) -> Iterator[Difference]:
        """Orders that are missing in their own numbering, and those at no bar of the run."""
        table = self.recorded.tables["orders"]
        ids, times = table["order_id"].tolist(), table["time"].tolist()
        for row, (before, number) in enumerate(pairwise([0, *ids])):
            if number != before + 1:
                yield Difference(
                    "orders", row + 1, "order_id", times[row], None, number, before + 1
                )
        counted = (self.recorded.run.metrics.get("orders") or {}).get("submitted")
        if counted is not None and counted != len(table) and (not ids or ids[-1] == len(ids)):
            why = f"it has {len(table):,} rows, and metrics.json counts {counted:,} orders"
            yield Difference("orders", None, None, None, None, why=why)

    def _sizes(self) -> list[Difference]:
        return list(SizeCheck(self.recorded, self.recomputed.replay).differences())
