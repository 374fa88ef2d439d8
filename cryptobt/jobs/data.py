"""``cryptobt data``: bring what is stored up to date, list it, and examine it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.errors import CryptobtError, DataInvalidError, UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import iso, parse_day
from cryptobt.core.types import MarketData
from cryptobt.data.at_once import by_vendor
from cryptobt.data.cross_check import Agreement, compare
from cryptobt.data.extra_quality import ExtraQuality, examine_extra
from cryptobt.data.extra_sync import sync_extra
from cryptobt.data.extras import (
    COINMETRICS,
    extra_source,
    extra_store,
    load_extras,
    vendors_extras,
)
from cryptobt.data.load import bar_store, load_markets, other_market
from cryptobt.data.quality import DataQuality, examine
from cryptobt.data.rewrites import Rewrite
from cryptobt.data.row_store import FETCHED_AT
from cryptobt.data.sources.registry import find_source
from cryptobt.data.store import Extra, Series
from cryptobt.data.sync import SyncReport, sync


@dataclass(frozen=True)
class Synced:
    """What came of one series: a report, or the error that it ended in."""

    series: Series | Extra
    report: SyncReport | None
    error: CryptobtError | None = None

    def line(self) -> str:
        """Say it in one line."""
        if self.report is None:
            return f"{self.series}: {self.error}"
        return self.report.line()

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        if self.report is None:
            return self.series.to_json() | {"error": str(self.error)}
        return self.report.to_json()


@dataclass(frozen=True)
class Stored:
    """One series of the store."""

    series: Series | Extra
    rows: int
    first: str
    last: str
    fetched_at: str
    rewrites: int

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        return self.series.to_json() | {
            f"{self.series.unit}s": self.rows,
            "first": self.first,
            "last": self.last,
            "fetched_at": self.fetched_at,
            "rewrites": self.rewrites,
        }


@dataclass(frozen=True)
class Verified:
    """What was found in one symbol's bars and the series beside them; how far another agrees."""

    market: MarketData
    quality: DataQuality
    agreement: Agreement | None
    extras: tuple[ExtraQuality, ...] = ()

    def lines(self) -> list[str]:
        """Say it for a person."""
        agreed = [] if self.agreement is None else self.agreement.lines()
        found = [*self.quality.lines(), *agreed]
        return [*found, *(line for extra in self.extras for line in extra.lines())]

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        own = {"symbol": self.market.symbol, "source": self.market.source, "hash": self.market.hash}
        checked = None if self.agreement is None else self.agreement.to_json()
        extras = [extra.to_json() for extra in self.extras]
        return own | {
            "quality": self.quality.to_json(), "cross_check": checked, "extras": extras,
        }  # fmt: skip


def sync_symbols(
    settings: DataSettings,
    symbols: Sequence[str],
    since: str | None,
    now: pd.Timestamp,
    done: Callable[[Synced], object],
) -> list[Synced]:
    """Bring the bars of several symbols and the series beside them up to date.

    Vendors are asked at once, each of them as :mod:`cryptobt.data.at_once` says. What fails leaves
    the others alone.

    Parameters
    ----------
    done : callable
        Told of each as it ends, by the thread that called this.

    Returns
    -------
    list of Synced
        Bars first, each in the order in which they are named.

    Raises
    ------
    UsageError
        If nothing is given, or not by a vendor, or a source is unknown.
    """
    begin = None if since is None else parse_day(since, "--since")
    tasks = [
        *_bar_tasks(settings, symbols, begin, now),
        *_extra_tasks(settings, symbols, begin, now),
    ]
    if not tasks:
        raise UsageError("say which symbols to sync, such as BTC-USD, or which --extra")
    found: dict[int, Synced] = {}
    for place, synced in by_vendor([(task[0].source, partial(_tried, *task)) for task in tasks]):
        found[place] = synced
        done(synced)
    return [found[place] for place in sorted(found)]


def show_stored() -> list[Stored]:
    """List every series that is stored: bars, then those beside them."""
    bars, extras = bar_store(), extra_store()
    return [
        *(_shown(series, bars.read(series), bars.rewrites(series)) for series in bars.all()),
        *(_shown(extra, extras.read(extra), extras.rewrites(extra)) for extra in extras.all()),
    ]


def verify(
    settings: DataSettings, cross_check: str | None, threshold: float, now: pd.Timestamp
) -> list[Verified]:
    """Examine the bars that a run with these settings would use, and the series beside them.

    Every row that cannot be true is listed; :func:`refuse_bad_rows` says what a run makes of them.

    Parameters
    ----------
    cross_check : str or None
        Another source or file, whose closes are compared; None for that of the settings.
    threshold : float
        Relative difference of two closes from which on a bar is listed.
    """
    cross_check = cross_check or settings.cross_check
    settings = settings.model_copy(update={"on_bad_row": "quarantine", "cross_check": None})
    markets = load_markets(settings, now)
    beside = load_extras(settings, markets, now)
    found = []
    for market in markets:
        agreement = None
        if cross_check is not None:
            agreement = compare(market, other_market(cross_check, market, settings, now), threshold)
        extras = tuple(examine_extra(series, now) for series in beside[market.symbol])
        found.append(Verified(market, examine(market, now), agreement, extras))
    return found


def refuse_bad_rows(settings: DataSettings, found: Sequence[Verified]) -> None:
    """Fail as a run with these settings would.

    Raises
    ------
    DataInvalidError
        Naming the first row that cannot be true, unless such rows are quarantined.
    """
    for one in found:
        if one.quality.quarantined and settings.on_bad_row == "refuse":
            count = len(one.quality.quarantined)
            raise DataInvalidError(
                f"{one.market.symbol}: a run refuses {count} row(s), listed above; mend them, or "
                'set data.on_bad_row="quarantine" to leave them out'
            )


_Task = tuple[Series | Extra, Callable[[], SyncReport]]


def _bar_tasks(
    settings: DataSettings, symbols: Sequence[str], since: pd.Timestamp | None, now: pd.Timestamp
) -> Iterator[_Task]:
    if not symbols:
        return
    # One for all symbols: an exchange's client keeps to its limits only by itself.
    source = find_source("yahoo" if settings.source == "auto" else settings.source)
    for symbol in dict.fromkeys(symbols):
        series = Series(source.name, symbol, settings.interval)
        yield series, partial(sync, bar_store(), source, symbol, settings.interval, now, since)


def _extra_tasks(
    settings: DataSettings, symbols: Sequence[str], since: pd.Timestamp | None, now: pd.Timestamp
) -> Iterator[_Task]:
    files = [entry for entry in settings.extras if "=" in entry]
    files += [entry for entry in settings.onchain if entry != COINMETRICS]
    if files:
        raise UsageError(f"{files[0]} is a file, which every run reads anew; name a vendor to sync")
    for extra, lag in vendors_extras(settings, symbols):
        source = extra_source(extra)
        yield (
            extra,
            partial(sync_extra, extra_store(), source, extra, now, lag_hours=lag, since=since),
        )


def _tried(series: Series | Extra, task: Callable[[], SyncReport]) -> Synced:
    try:
        return Synced(series, task())
    except CryptobtError as error:
        return Synced(series, None, error)


def _shown(
    series: Series | Extra, rows: pd.DataFrame | None, rewrites: Sequence[Rewrite]
) -> Stored:
    assert rows is not None, "it was listed"
    times, fetched = pd.DatetimeIndex(rows[TIME]), pd.DatetimeIndex(rows[FETCHED_AT]).max()
    return Stored(
        series, times.nunique(), iso(times[0]), iso(times[-1]), iso(fetched), len(rewrites)
    )
