"""Keep the stored series beside the bars up to date, and load them as of an instant."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, TIME
from cryptobt.core.errors import NoDataError
from cryptobt.core.time import DAY, iso
from cryptobt.core.types import ExtraSeries
from cryptobt.data.row_store import same_terms, values_of
from cryptobt.data.sources.source import SeriesSource
from cryptobt.data.store import Extra, ExtraStore
from cryptobt.data.sync import OVERLAP_BARS, SyncReport, synced_or_said

_WEEKDAYS_ONLY = "macro"
_EXCHANGES = "America/New_York"


def missed(
    source: str, last: pd.Timestamp, now: pd.Timestamp, period: pd.Timedelta = DAY
) -> pd.DatetimeIndex:
    """Instants until now at which the rows after one published at ``last`` should have been.

    The markets of ``macro`` rest at weekends, and close by the clock of New York.
    """
    if source == _WEEKDAYS_ONLY:
        days = pd.date_range(last.tz_convert(_EXCHANGES), now.tz_convert(_EXCHANGES), freq="B")
    else:
        days = pd.date_range(last, now, freq=period)
    return days[days > last].tz_convert("UTC")


def sync_extra(
    store: ExtraStore,
    source: SeriesSource,
    extra: Extra,
    now: pd.Timestamp,
    *,
    lag_hours: float = 0.0,
    since: pd.Timestamp | None = None,
) -> SyncReport:
    """Bring one series beside the bars up to date.

    Only what is missing is fetched, and an overlap of seven days that finds rewrites; everything
    where nothing is stored, and where the source tells other columns or other instants of
    publication than are stored, as a later version of the program may.

    Parameters
    ----------
    source : SeriesSource
        Adds no lag of the settings by itself.
    lag_hours : float
        Added by whoever loads the rows: one that may not be used yet is not missed.
    since : Timestamp or None
        What is stored is fetched again from here on.

    Raises
    ------
    UsageError, DataUnavailableError
        From the source; what was stored stays as it was.
    LockHeldError
        If another process works on the series for longer than two minutes.
    """
    with store.lock(extra):
        stored = store.read(extra)
        told = _told(source, extra, stored, now, since)
        rows = told.frame.rename_axis(TIME).reset_index()
        rows.attrs = {"name": told.name, "lag_hours": told.lag_hours}
        merged = store.merge(extra, rows, now)
        kept = store.read(extra)
    if kept is None:
        raise NoDataError(f"{extra}: the source has no row yet; try again later")
    times, due = pd.DatetimeIndex(kept[TIME]), _due(extra, kept, lag_hours, now)
    return SyncReport(extra, merged.added, merged.rewritten, len(times), times[0], times[-1], due)


def load_extra(
    store: ExtraStore, extra: Extra, now: pd.Timestamp, lag_hours: float = 0.0
) -> ExtraSeries | None:
    """Read the rows that may be used at ``now``; None where nothing is stored.

    Causality: a row may be used from the instant that its source gives plus ``lag_hours``.

    Parameters
    ----------
    lag_hours : float
        Added to what the source says; it is not in the file, so that it may be another each time.

    Raises
    ------
    NoDataError
        If no row may be used yet.
    DataInvalidError
        Naming the damaged file.
    """
    stored = store.read(extra)
    if stored is None:
        return None
    at = pd.DatetimeIndex(stored[AVAILABLE_AT]) + pd.Timedelta(hours=lag_hours)
    usable = np.asarray(at <= now)
    if not usable.any():
        raise NoDataError(
            f"{extra}: no row may be used at {iso(now)}; the first may be from {iso(at[0])} on"
        )
    rows = stored.assign(**{AVAILABLE_AT: at})[[TIME, *values_of(stored), AVAILABLE_AT]]
    last, due = rows[TIME][usable].iloc[-1], _due(extra, stored[usable], lag_hours, now)
    late = f"{extra}: the newest row is of {iso(last)}; later ones are not there yet"
    return ExtraSeries(
        stored.attrs["name"],
        extra.source,
        rows[usable].set_index(TIME),
        stored.attrs["lag_hours"] + lag_hours,
        (late,) if last < due else (),
    )


def extra_up_to_date(
    store: ExtraStore,
    source: SeriesSource,
    extra: Extra,
    now: pd.Timestamp,
    lag_hours: float = 0.0,
) -> ExtraSeries:
    """Load a series, synced where a row that could be used by now is not stored yet.

    Where the source cannot be reached, what is stored is used, and said.

    Raises
    ------
    DataUnavailableError
        If the source fails in another way, or nothing is stored, or nothing that may be used yet.
    """
    stored = store.read(extra)
    notes: tuple[str, ...] = ()
    if stored is None or stored[TIME].iloc[-1] < _due(extra, stored, lag_hours, now):
        notes = synced_or_said(
            extra,
            stored is not None,
            lambda: sync_extra(store, source, extra, now, lag_hours=lag_hours),
        )
    series = load_extra(store, extra, now, lag_hours)
    assert series is not None, "it was stored, or synced"
    said = tuple(f"{extra}: {note}" for note in notes)
    return replace(series, warnings=(*said, *series.warnings))


def _told(
    source: SeriesSource,
    extra: Extra,
    stored: pd.DataFrame | None,
    now: pd.Timestamp,
    since: pd.Timestamp | None,
) -> ExtraSeries:
    if stored is None:
        return source.fetch(extra.key, None, now)
    begin = stored[TIME].iloc[-1] - (OVERLAP_BARS - 1) * DAY
    told = source.fetch(extra.key, begin if since is None else min(since, begin), now)
    if same_terms(stored, told.frame.rename_axis(TIME).reset_index()):
        return told
    return source.fetch(extra.key, None, now)


def _due(extra: Extra, stored: pd.DataFrame, lag_hours: float, now: pd.Timestamp) -> pd.Timestamp:
    """Time of the newest row that could be used by now, if the vendor keeps to its days."""
    time, at = stored[TIME].iloc[-1], stored[AVAILABLE_AT].iloc[-1]
    published = missed(extra.source, at, now - pd.Timedelta(hours=lag_hours))
    return time + (published[-1] - at) if len(published) else time
