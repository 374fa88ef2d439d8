"""One night of a paper account: what is new, what is decided, and what is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from cryptobt.core.columns import FORECASTS
from cryptobt.core.errors import DataUnavailableError
from cryptobt.core.files import locked
from cryptobt.core.time import iso
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.symbols import extra_warnings
from cryptobt.paper.account import (
    PaperAccount,
    describe_versions,
    existing_ledger,
    read_account,
)
from cryptobt.paper.clock import Clock
from cryptobt.paper.due import Due, newest_bar
from cryptobt.paper.facts import Night, Rewritten
from cryptobt.paper.gather import Known
from cryptobt.paper.ledger import Ledger, open_ledger
from cryptobt.paper.look import Look, look_and_wait
from cryptobt.paper.news import Decided, News
from cryptobt.paper.quotes import SLACK, ask_quotes
from cryptobt.paper.replay import Replay, begun
from cryptobt.paper.standing import Standing, stand


@dataclass(frozen=True)
class NightReport:
    """What a run came to.

    Attributes
    ----------
    standing : Standing
        The account after its newest night.
    decided : tuple of Timestamp
        Nights that this run decided, oldest first.
    missing : str
        Why the newest night is not among them; empty where it is.
    recorded : bool
        False for a dry run.
    """

    standing: Standing
    decided: tuple[pd.Timestamp, ...]
    missing: str
    recorded: bool

    def raise_missing(self) -> None:
        """Fail where the newest night could not be decided.

        Raises
        ------
        DataUnavailableError
        """
        if self.missing:
            raise DataUnavailableError(
                f"account '{self.standing.name}': {self.missing}; nothing was traded on it, run "
                "again when it is there"
            )


def run_night(name: str, clock: Clock, events: Events, *, dry_run: bool = False) -> NightReport:
    """Decide every night that is due, in order, and write all of them in one transaction.

    Run twice it changes nothing. Killed at any point it leaves all of its nights, or none.

    Parameters
    ----------
    dry_run : bool
        Do everything but write.

    Raises
    ------
    UsageError
        If there is no such account.
    DataUnavailableError
        If not one night that is due can be decided, with what is missing.
    DataInvalidError
        If new bars cannot be true, or two sources disagree.
    LedgerError
        If the ledger is damaged, does not replay, or was opened with something else.
    LockHeldError
        If another run of the account is going on.
    CannotWriteError
    """
    path = existing_ledger(name)
    with locked(path.parent / "lock", 0.0, f"account '{name}'"), open_ledger(path) as ledger:
        account = read_account(ledger)
        account.check_unchanged()
        return _Run(account, ledger, clock, events).run(dry_run=dry_run)


@dataclass
class _Run:
    account: PaperAccount
    ledger: Ledger
    clock: Clock
    events: Events
    warnings: list[str] = field(default_factory=list)

    def run(self, *, dry_run: bool) -> NightReport:
        nights = self.ledger.nights()
        last = nights[-1] if nights else None
        if not dry_run and not self.ledger.backed_up:
            self.ledger.back_up()
        if last is not None and newest_bar(self.clock.now()) <= last.bar_at:
            self._say_clock(last)
            return NightReport(stand(self.account, self.ledger, self.clock.now()), (), "", True)
        look = look_and_wait(self.account, self.ledger, self.clock, self.events, last)
        due = look.due
        if not due.nights:
            raise DataUnavailableError(
                f"account '{self.account.name}': {due.missing}; nothing was traded, run again when "
                "it is there"
            )
        made = self._decide(look, nights)
        if not dry_run:
            self.events.step("writing")
            self.ledger.append(made.new)
            self.ledger.back_up()
        standing = made.standing(self.account, self.clock.now(), nights, self.ledger)
        decided = tuple(night.bar_at for night in due.nights)
        return NightReport(standing, decided, due.missing, not dry_run)

    def _say_clock(self, last: Night) -> None:
        if self.clock.now() < last.decided_at and not self.clock.simulated:
            self._warn(
                f"the clock says {iso(self.clock.now())}, before the last decision at "
                f"{iso(last.decided_at)}; was it set back?"
            )

    def _decide(self, look: Look, nights: Sequence[Night]) -> Decided:
        known, due = look.known, look.due
        for note in look.notes:
            self._warn(note)
        last = nights[-1] if nights else None
        if last is not None:
            describe_versions(last.libraries, self._warn)
        for symbol, newest in due.nights[-1].absent:
            self._warn(f"{symbol} has no bar after {iso(newest)}: left alone, as it was held")
        rewritten = self._rewritten(known, look.now)
        first = nights[0].bar_at if nights else due.nights[0].bar_at
        fresh = self._forecasts(known, due, first)
        at = self.clock.now()
        # a refit takes its time, and the price is to be that of the decision
        recent = at - look.now <= SLACK
        quotes = look.quotes if recent else ask_quotes(self.account, at, self._warn)
        decided_at = {night.bar_at: night.decided_at for night in nights}
        decided_at |= {night.bar_at: at for night in due.nights}
        replay = Replay(
            self.account, self._traded(known, last, due), _together(self.ledger, fresh), decided_at
        )
        replay.check(nights)
        news = News(known, quotes, rewritten, fresh, tuple(self.warnings), self.clock.simulated)
        return Decided(replay, news.nights(due.nights, last, replay, at))

    def _forecasts(self, known: Mapping[str, Known], due: Due, first: pd.Timestamp) -> pd.DataFrame:
        """Forecast rows of the nights that are due; a strategy without a forecaster has none."""
        if self.account.trader.forecaster is None:
            return pd.DataFrame(columns=list(FORECASTS))
        until = due.nights[-1].bar_at
        markets = [one.market(until) for one in known.values()]
        settings = begun(self.account.settings, first)
        extras = load_extras(settings.data, markets, self.clock.now())
        for line in extra_warnings(extras):
            self._warn(line)
        events = replace(self.events, warn=self._warn)
        making = Forecasting(markets, extras, self.account.trader, settings, events)
        made = making.forecasts(making.features())
        assert made is not None, "a trader with a forecaster has forecasts, or there was an error"
        return made.frame[made.frame["time"].isin([night.bar_at for night in due.nights])]

    def _traded(self, known: Mapping[str, Known], last: Night | None, due: Due) -> list[MarketData]:
        decided = None if last is None else last.bar_at
        return [
            one.traded(self.ledger.bars(symbol, in_time=True), decided, due.nights[-1].bar_at)
            for symbol, one in known.items()
        ]

    def _rewritten(self, known: Mapping[str, Known], now: pd.Timestamp) -> list[Rewritten]:
        """What is told otherwise than recorded, and has not been said before."""
        said = {_told(one) for one in self.ledger.rewrites()}
        found = [
            one
            for symbol in known.values()
            for one in symbol.rewritten(now)
            if _told(one) not in said
        ]
        if found:
            self._warn(
                f"{len(found)} recorded bar(s) are told otherwise now, first {found[0].symbol} "
                f"{iso(found[0].time)}: the recorded ones stay in use, see `cryptobt paper export`"
            )
        return found

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        self.events.warn(line)


def _told(one: Rewritten) -> tuple[object, ...]:
    """What tells two rewrites apart."""
    return (one.symbol, one.time, *one.told.values())


def _together(ledger: Ledger, fresh: pd.DataFrame) -> Forecasts:
    recorded = ledger.forecasts()
    if fresh.empty:
        return Forecasts(recorded)
    return Forecasts(fresh if recorded.empty else pd.concat([recorded, fresh], ignore_index=True))
