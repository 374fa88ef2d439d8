"""A look at the sources, repeated for a while where something is not there yet or not right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cryptobt.core.errors import DataInvalidError, DataUnavailableError
from cryptobt.core.time import DAY
from cryptobt.jobs.events import Events
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.clock import Clock
from cryptobt.paper.due import Due, due_nights, newest_bar
from cryptobt.paper.facts import Night, Quote
from cryptobt.paper.gather import DataClock, Known, gather
from cryptobt.paper.ledger import Ledger
from cryptobt.paper.quotes import ask_quotes
from cryptobt.paper.second import cross_check

POLL_SECONDS = 60.0


@dataclass(frozen=True)
class Look:
    """What the sources had when they were asked.

    Attributes
    ----------
    notes : sequence of str
        What a person should know of it.
    """

    now: pd.Timestamp
    known: Mapping[str, Known]
    due: Due
    quotes: Sequence[Quote]
    notes: Sequence[str]

    @property
    def may_change(self) -> bool:
        """Whether waiting can help: a bar is a day late at most, or its source gave no answer."""
        newest = newest_bar(self.now)
        behind = [one for one in self.known.values() if one.newest < newest]
        return any(one.unanswered or newest - one.newest <= DAY for one in behind)


def look_and_wait(
    account: PaperAccount, ledger: Ledger, clock: Clock, events: Events, last: Night | None
) -> Look:
    """Ask every source, again and again while a bar that is over is missing or not right.

    At most for ``paper.wait_minutes``; not under a clock that stands still, and not for sources
    that answer and are days behind.

    Parameters
    ----------
    last : Night or None
        The newest night so far.

    Raises
    ------
    DataUnavailableError
        If a source has nothing, or the clock is ahead of the market.
    DataInvalidError
        If new bars cannot be true, or two sources disagree.
    """
    left = 60 * account.settings.paper.wait_minutes
    until = clock.now() + pd.Timedelta(seconds=left)
    while True:
        events.step("loading data")
        final = clock.simulated or left <= 0
        try:
            look = _look(account, ledger, DataClock(clock.now(), clock.simulated), last)
            if final or not look.due.missing or not look.may_change:
                return look
            reason = look.due.missing
        except (DataUnavailableError, DataInvalidError) as error:
            if final:
                raise
            reason = str(error)
        events.step(f"waiting: {reason}")
        pause = min(POLL_SECONDS, left)
        clock.sleep(pause)
        # asking takes time too, and a clock may be set back meanwhile
        left = min(left - pause, (until - clock.now()).total_seconds())


def _look(account: PaperAccount, ledger: Ledger, clock: DataClock, last: Night | None) -> Look:
    notes: list[str] = []
    # the market's own time first: what a clock that is ahead takes for over is not to be stored
    quotes = ask_quotes(account, clock.now, notes.append)
    decided = None if last is None else last.bar_at
    known = gather(account, ledger, clock, decided)
    absent_after = pd.Timedelta(hours=account.settings.paper.absent_after_hours)
    due = due_nights(known, decided, clock.now, absent_after)
    if due.nights:
        cross_check(account, known, decided, due.nights[-1].bar_at, clock, notes.append)
    notes += [one.untrue for one in known.values() if one.untrue]
    return Look(clock.now, known, due, quotes, notes)
