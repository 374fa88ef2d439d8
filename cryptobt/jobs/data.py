"""``cryptobt data``: bring stored bars up to date, list them, and examine them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.errors import CryptobtError, UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import iso, parse_day
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import Agreement, compare
from cryptobt.data.load import bar_store, load_markets, other_market
from cryptobt.data.quality import DataQuality, examine
from cryptobt.data.sources.registry import find_source
from cryptobt.data.store import Series
from cryptobt.data.sync import SyncReport, sync


@dataclass(frozen=True)
class Synced:
    """What came of one symbol: a report, or the error that it ended in."""

    symbol: str
    report: SyncReport | None
    error: CryptobtError | None = None

    def line(self) -> str:
        """Say it in one line."""
        if self.report is None:
            return f"{self.symbol}: {self.error}"
        return self.report.line()

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        if self.report is None:
            return {"symbol": self.symbol, "error": str(self.error)}
        return self.report.to_json()


@dataclass(frozen=True)
class Stored:
    """One series of the store."""

    series: Series
    bars: int
    first: str
    last: str
    fetched_at: str
    rewrites: int

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        series = self.series
        return {
            "source": series.source,
            "symbol": series.symbol,
            "interval": series.interval,
            "bars": self.bars,
            "first": self.first,
            "last": self.last,
            "fetched_at": self.fetched_at,
            "rewrites": self.rewrites,
        }


@dataclass(frozen=True)
class Verified:
    """What was found in one symbol's bars, and how far another source agrees."""

    market: MarketData
    quality: DataQuality
    agreement: Agreement | None

    def lines(self) -> list[str]:
        """Say it for a person."""
        market = self.market
        span = f"{len(market.bars):,} bars, {iso(market.times[0])} to {iso(market.times[-1])}"
        found = [f"{market.symbol} of {market.source}: {span}", *self.quality.lines()]
        return found if self.agreement is None else [*found, *self.agreement.lines()]

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        own = {"symbol": self.market.symbol, "source": self.market.source, "hash": self.market.hash}
        checked = None if self.agreement is None else self.agreement.to_json()
        return own | {"quality": self.quality.to_json(), "cross_check": checked}


def sync_symbols(
    settings: DataSettings,
    symbols: Sequence[str],
    since: str | None,
    now: pd.Timestamp,
    done: Callable[[Synced], None],
) -> list[Synced]:
    """Bring several symbols up to date, one after another: vendors limit how often they are asked.

    A symbol that fails leaves the others alone.

    Parameters
    ----------
    done : callable
        Told of each symbol as it ends.

    Raises
    ------
    UsageError
        If no symbol is given, or the source is unknown.
    """
    names = list(dict.fromkeys(symbols))
    if not names:
        raise UsageError("say which symbols to sync, such as BTC-USD")
    source = "yahoo" if settings.source == "auto" else settings.source
    find_source(source)
    begin = None if since is None else parse_day(since, "--since")
    found = []
    for name in names:
        found.append(_sync(source, name, settings.interval, now, begin))
        done(found[-1])
    return found


def show_stored() -> list[Stored]:
    """List every series that is stored."""
    store = bar_store()
    listed = []
    for series in store.all():
        rows = store.read(series)
        assert rows is not None, "it was listed"
        times, fetched = pd.DatetimeIndex(rows[TIME]), pd.DatetimeIndex(rows["fetched_at"]).max()
        listed.append(
            Stored(
                series,
                times.nunique(),
                iso(times[0]),
                iso(times[-1]),
                iso(fetched),
                len(store.rewrites(series)),
            )
        )
    return listed


def verify(
    settings: DataSettings, cross_check: str | None, threshold: float, now: pd.Timestamp
) -> list[Verified]:
    """Examine the bars that a run with these settings would use.

    Parameters
    ----------
    cross_check : str or None
        Another source or file, whose closes are compared.
    threshold : float
        Relative difference of two closes from which on a bar is listed.
    """
    found = []
    for market in load_markets(settings, now):
        agreement = None
        if cross_check is not None:
            agreement = compare(market, other_market(cross_check, market, settings, now), threshold)
        found.append(Verified(market, examine(market, now), agreement))
    return found


def _sync(
    source: str, symbol: str, interval: str, now: pd.Timestamp, since: pd.Timestamp | None
) -> Synced:
    try:
        return Synced(symbol, sync(bar_store(), find_source(source), symbol, interval, now, since))
    except CryptobtError as error:
        return Synced(symbol, None, error)
