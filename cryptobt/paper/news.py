"""What the nights of one run add to a ledger, and how the account stands with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cryptobt.jobs.manifest import libraries
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.due import DueNight
from cryptobt.paper.facts import NewBars, NewNight, Night, Quote, Rewritten
from cryptobt.paper.gather import Known
from cryptobt.paper.ledger import Ledger
from cryptobt.paper.replay import Replay
from cryptobt.paper.standing import Standing


@dataclass(frozen=True)
class Decided:
    """The account with its new nights, before they are written."""

    replay: Replay
    new: list[NewNight]

    def standing(
        self, account: PaperAccount, now: pd.Timestamp, nights: Sequence[Night], ledger: Ledger
    ) -> Standing:
        """How the account stands once they are."""
        added = [
            Night(len(nights) + number, one.bar_at, one.decided_at, one.simulated, one.record,
                  tuple(one.warnings), dict(one.libraries))
            for number, one in enumerate(self.new, start=1)
        ]  # fmt: skip
        quotes = [*ledger.quotes(), *((one.bar_at, q) for one in self.new for q in one.quotes)]
        return Standing(account, self.replay, [*nights, *added], quotes, now)


@dataclass(frozen=True)
class News:
    """What the nights of one run share."""

    known: Mapping[str, Known]
    quotes: Sequence[Quote]
    rewritten: Sequence[Rewritten]
    forecasts: pd.DataFrame
    warnings: tuple[str, ...]
    simulated: bool

    def nights(
        self, due: Sequence[DueNight], last: Night | None, replay: Replay, at: pd.Timestamp
    ) -> list[NewNight]:
        """Share the news out: bars to their nights, quotes to all, rewrites to the first.

        What was warned of goes to the newest, which is the one that is read.
        """
        made = []
        shared = libraries()
        decided = None if last is None else last.bar_at
        before: pd.Timestamp | None = None
        for number, night in enumerate(due):
            rows = self.forecasts[self.forecasts["time"] == night.bar_at]
            made.append(
                NewNight(
                    night.bar_at,
                    at,
                    self.simulated,
                    replay.records[night.bar_at],
                    shared,
                    bars=self._bars(before, night.bar_at, decided),
                    forecasts=rows if len(rows) else None,
                    quotes=self.quotes,
                    rewritten=() if number else self.rewritten,
                    absent=night.absent,
                    warnings=self.warnings if night is due[-1] else (),
                )
            )
            before = night.bar_at
        return made

    def _bars(
        self, after: pd.Timestamp | None, until: pd.Timestamp, decided: pd.Timestamp | None
    ) -> list[NewBars]:
        found = []
        for one in self.known.values():
            bars = one.fresh[one.fresh.index <= until]
            bars = bars if after is None else bars[bars.index > after]
            if len(bars) and one.told is not None:
                told = one.told
                found.append(NewBars(one.symbol, bars, told.source, told.fetched_at, decided))
        return found
