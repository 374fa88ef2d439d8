"""Keep stored bars up to date: fetch what is missing, and notice what a vendor rewrote."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataUnavailableError, NoDataError, SourceUnreachableError
from cryptobt.core.time import epoch_ns, iso
from cryptobt.core.types import MarketData
from cryptobt.data.rewrites import Rewrite
from cryptobt.data.row_store import FETCHED_AT, Merged
from cryptobt.data.sources.source import BarSource
from cryptobt.data.store import BarStore, Extra, Series
from cryptobt.data.validation import BadRow, check_bars

OVERLAP_BARS = 7
"""Bars that are asked for again at every sync, to find rewrites."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync brought.

    Attributes
    ----------
    series : Series or Extra
        What was synced.
    added : int
        Rows that were not stored before.
    rewritten : tuple of Rewrite
        Rows that the vendor tells otherwise than before.
    rows : int
        Rows stored now.
    first, last : Timestamp
        The oldest and the newest of them.
    due : Timestamp
        The newest row that should be there by the clock.
    """

    series: Series | Extra
    added: int
    rewritten: tuple[Rewrite, ...]
    rows: int
    first: pd.Timestamp
    last: pd.Timestamp
    due: pd.Timestamp

    @property
    def late(self) -> bool:
        """Whether a row that should be there is not there yet."""
        return self.last < self.due

    def line(self) -> str:
        """Say it in one line."""
        unit = self.series.unit
        span = f"{self.rows:,} {unit}s, {iso(self.first)} to {iso(self.last)}"
        parts = [f"{self.added:,} new"]
        if self.rewritten:
            parts.append(f"{len(self.rewritten)} rewritten, first {iso(self.rewritten[0].time)}")
        if self.late:
            parts.append(f"the {unit} of {iso(self.due)} is not there yet")
        return f"{self.series}: {span}; {', '.join(parts)}"

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        return self.series.to_json() | {
            f"{self.series.unit}s": self.rows,
            "added": self.added,
            "rewritten": [rewrite.to_json() for rewrite in self.rewritten],
            "first": iso(self.first),
            "last": iso(self.last),
            "due": iso(self.due),
            "late": self.late,
        }


def newest_due(last: pd.Timestamp, interval: pd.Timedelta, now: pd.Timestamp) -> pd.Timestamp:
    """Open of the newest bar that is complete at an instant, on the grid of a bar that there is."""
    return last + ((now - last) // interval - 1) * interval


def complete_rows(raw: pd.DataFrame, interval: pd.Timedelta, now: pd.Timestamp) -> pd.DataFrame:
    """Keep the rows of a vendor that have values and are over: numbers, each row once.

    A bar is complete when its open + ``interval`` is not after ``now``. A value that is no number
    becomes NaN; whether such a row may be used is judged when it is.
    """
    times = pd.DatetimeIndex(raw[columns.TIME])
    numbers = {name: pd.to_numeric(raw[name], errors="coerce").to_numpy(float)
               for name in columns.BARS}  # fmt: skip
    rows = pd.DataFrame({columns.TIME: times, **numbers})
    over = times.notna() & (epoch_ns(times) + interval.value <= now.value)
    told = rows[list(columns.PRICES)].notna().any(axis=1).to_numpy()
    return rows[over & told].drop_duplicates()


def sync(
    store: BarStore,
    source: BarSource,
    symbol: str,
    interval: str,
    now: pd.Timestamp,
    since: pd.Timestamp | None = None,
) -> SyncReport:
    """Bring one series up to date.

    Only what is missing is fetched, and an overlap of seven bars that finds rewrites; bars that
    are not complete at ``now`` are never stored.

    Parameters
    ----------
    since : Timestamp or None
        First bar wanted; where it is given everything from it on is fetched again, and the
        overlap all the same.

    Raises
    ------
    UsageError, DataUnavailableError
        From the source; what was stored stays as it was.
    LockHeldError
        If another process works on the series for longer than two minutes.
    """
    series = Series(source.name, symbol, interval)
    with store.lock(series):
        stored = store.read(series)
        raw = source.fetch(symbol, interval, _begin(stored, series.spacing, since), now)
        merged = store.merge(series, complete_rows(raw, series.spacing, now), now)
        return _report(series, store.read(series), merged, now)


def load_stored(
    store: BarStore, series: Series, on_bad_row: BadRow, now: pd.Timestamp
) -> MarketData | None:
    """Read checked bars that are complete at ``now``; None where nothing is stored.

    Raises
    ------
    DataInvalidError
        Naming the first bad row, or the damaged file.
    """
    stored = store.read(series)
    if stored is None:
        return None
    spacing = series.spacing
    times = pd.DatetimeIndex(stored[columns.TIME])
    rows = stored[np.asarray(epoch_ns(times) + spacing.value <= now.value)]
    if rows.empty:
        raise NoDataError(
            f"{series}: no bar is complete at {iso(now)}; the first is {iso(times[0])}"
        )
    label = f"{_as_known(series.source)} {series.symbol}"
    bars, report = check_bars(
        rows.reset_index(drop=True), label=label, interval=spacing, on_bad_row=on_bad_row, now=now
    )
    last = pd.DatetimeIndex(bars.index)[-1]
    if last < newest_due(last, spacing, now):
        note = f"the newest complete bar is {iso(last)}; later ones are not there yet"
        report = replace(report, warnings=(*report.warnings, note))
    fetched = pd.DatetimeIndex(rows[FETCHED_AT]).max()
    return MarketData(series.symbol, spacing, series.source, bars, fetched_at=fetched,
                      quality=report)  # fmt: skip


def up_to_date(
    store: BarStore,
    source: BarSource,
    symbol: str,
    interval: str,
    on_bad_row: BadRow,
    now: pd.Timestamp,
    again: pd.Timestamp | None = None,
) -> MarketData:
    """Load a series, synced where a bar that is over is not stored yet.

    Where the source cannot be reached, what is stored is used, and said.

    Parameters
    ----------
    again : Timestamp or None
        Where it is given bars from it on are asked for even if all are stored, since the vendor
        may have mended one; but not by a clock that is behind what is stored. Where only they were
        asked for, what is stored does however the source fails.

    Raises
    ------
    DataUnavailableError
        If the source fails in another way, or nothing is stored.
    """
    series = Series(source.name, symbol, interval)
    stored = store.read(series)
    whole = False
    if stored is not None:
        last = pd.Timestamp(stored[columns.TIME].iloc[-1])
        due = newest_due(last, series.spacing, now)
        whole = last >= due
        if last > due or (whole and again is None):
            return _loaded(store, series, on_bad_row, now)
    notes = synced_or_said(
        series,
        stored is not None,
        lambda: sync(store, source, symbol, interval, now, again),
        DataUnavailableError if whole else SourceUnreachableError,
    )
    market = _loaded(store, series, on_bad_row, now)
    warnings = (*notes, *market.quality.warnings)
    return replace(
        market, quality=replace(market.quality, warnings=warnings, unanswered="".join(notes))
    )


def synced_or_said(
    series: Series | Extra,
    stored: bool,
    bring: Callable[[], object],
    forgiven: type[DataUnavailableError] = SourceUnreachableError,
) -> tuple[str, ...]:
    """Sync; where the source cannot be reached and something is stored, say that this is used.

    Parameters
    ----------
    forgiven : type
        The failure in spite of which it is used.

    Raises
    ------
    DataUnavailableError
        If the source fails in another way, or nothing is stored.
    """
    try:
        bring()
    except forgiven as error:
        if not stored:
            raise
        return (f"{error}; these are the {series.unit}s stored before",)
    return ()


def _as_known(source: str) -> str:
    """A vendor's name as one writes it; an exchange is known by the whole of ``ccxt:binance``."""
    return source if ":" in source else source.capitalize()


def _loaded(store: BarStore, series: Series, on_bad_row: BadRow, now: pd.Timestamp) -> MarketData:
    market = load_stored(store, series, on_bad_row, now)
    if market is None:
        raise NoDataError(f"{series}: the source has no complete bar")
    return market


def _begin(
    stored: pd.DataFrame | None, spacing: pd.Timedelta, since: pd.Timestamp | None
) -> pd.Timestamp | None:
    if stored is None:
        return since
    overlap = pd.Timestamp(stored[columns.TIME].iloc[-1]) - (OVERLAP_BARS - 1) * spacing
    return overlap if since is None else min(since, overlap)


def _report(
    series: Series, stored: pd.DataFrame | None, merged: Merged, now: pd.Timestamp
) -> SyncReport:
    if stored is None:
        raise NoDataError(f"{series}: the source has no complete bar")
    times = pd.DatetimeIndex(stored[columns.TIME])
    due = newest_due(times[-1], series.spacing, now)
    return SyncReport(
        series, merged.added, merged.rewritten, times.nunique(), times[0], times[-1], due
    )
