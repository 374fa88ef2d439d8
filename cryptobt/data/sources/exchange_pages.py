"""The walk over an exchange's pages of bars, which no two exchanges cut alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cryptobt.core.errors import SourceRefusedError
from cryptobt.core.time import parse_interval
from cryptobt.data.sources.exchange_errors import is_bad_request

Row = list[Any]
"""A bar as ccxt writes it: its open in ms since 1970 UTC, open, high, low, close, volume."""

GENESIS = pd.Timestamp("2009-01-03", tz="UTC").value // 1_000_000
_SILENT_PAGES = 3
# where ccxt does not say how many bars a page has: few, so that no step is too long
_CAUTIOUS_LIMIT = 100
_MINUTE = 60_000


@dataclass
class History:
    """One series, page by page and forward in time, from exchanges that differ about pages."""

    ask: Callable[[str, int, int | None], list[Row]]
    label: str
    coarse: str
    limit: int | None
    now: int
    report: Callable[[int], None] | None
    bars: dict[int, Row] = field(default_factory=dict)
    begun: bool = False

    def read(self, since: int | None) -> list[Row]:
        """Walk to ``now``; each page moves the walk on by a bar at least, so there is an end."""
        at = self._listed() if since is None else since
        quiet_since, silent_pages = at, 0
        while at <= self.now:
            opens = self._take(at)
            if opens:
                at = quiet_since = max(opens) + self._step(self.label)
                silent_pages, self.begun = 0, True
                continue
            at, silent_pages = at + self._span(self.label), silent_pages + 1
            if silent_pages % _SILENT_PAGES == 0:
                beyond = self._beyond(at, quiet_since)
                at, quiet_since = beyond, quiet_since if beyond == at else beyond
        return [self.bars[opened] for opened in sorted(self.bars)]

    def _take(self, at: int) -> list[int]:
        """Keep a page's bars; return the opens that lead on from ``at``."""
        page = self._page(self.label, at)
        self.bars.update((row[0], row) for row in page)
        if self.report:
            self.report(len(self.bars))
        # a bar of the future is for the door to judge, and not to walk by
        return [row[0] for row in page if at <= row[0] <= self.now]

    def _page(self, label: str, at: int) -> list[Row]:
        try:
            return self.ask(label, at, self.limit)
        except SourceRefusedError as error:
            # some exchanges refuse a time before their first bar, or beyond what they keep
            early = not self.begun and at + 2 * self._step(label) <= self.now
            if early and is_bad_request(error):
                return []
            raise

    def _listed(self) -> int:
        first = self._next_coarse(GENESIS)
        return self.now - self._span(self.label) if first is None else first

    def _beyond(self, at: int, quiet_since: int) -> int:
        """Say where to go on after silent pages: by the coarser bars, where they are."""
        coarse = self._step(self.coarse)
        opened = self._next_coarse(quiet_since)
        # a whole coarse bar without fine ones: the past is not kept in this spacing
        if opened is not None and opened + coarse <= at:
            return self._kept(at)
        # the coarse bar that was open when the silence began may have more
        if at < quiet_since + coarse:
            return at
        return self.now + 1 if opened is None else max(opened, at)

    def _next_coarse(self, at: int) -> int | None:
        while at <= self.now:
            opens = [row[0] for row in self._page(self.coarse, at) if at <= row[0] <= self.now]
            if opens:
                return min(opens)
            at += self._span(self.coarse)
        return None

    def _kept(self, silent: int) -> int:
        """Halve the time between a silent start and one that has bars, down to a minute."""
        last = self._speaking()
        if last is None:
            return self.now + 1
        low, high = silent // _MINUTE, last // _MINUTE
        while high - low > 1:
            middle = (low + high) // 2
            # kept at once: what an exchange drops as time goes on may be gone when the walk comes
            if self._take(middle * _MINUTE):
                high = middle
            else:
                low = middle
        return high * _MINUTE

    def _speaking(self) -> int | None:
        back = self._span(self.label)
        while back >= self._step(self.label):
            start = (self.now - back) // _MINUTE * _MINUTE
            if self._take(start):
                return start
            back //= 2
        return None

    def _span(self, label: str) -> int:
        return (self.limit or _CAUTIOUS_LIMIT) * self._step(label)

    @staticmethod
    def _step(label: str) -> int:
        return parse_interval(label) // pd.Timedelta(milliseconds=1)
