"""Instants and bar intervals. Inside the project every instant is aware and in UTC."""

import re

import numpy as np
import pandas as pd

from cryptobt.core.errors import UsageError

DAY = pd.Timedelta(days=1)
YEAR = pd.Timedelta(days=365)
_UNITS = {"m": "min", "h": "h", "d": "D", "w": "W"}


def parse_interval(text: str) -> pd.Timedelta:
    """Read a bar interval as traders write it: ``1d``, ``4h``, ``5m``, ``1w``.

    Raises
    ------
    UsageError
        If the text is not a positive whole number followed by m, h, d or w.
    """
    match = re.fullmatch(r"([1-9]\d*)([mhdw])", text.strip().lower())
    if not match:
        raise UsageError(f"interval '{text}' is not understood; write it like 1d, 4h or 5m")
    return pd.Timedelta(int(match[1]), unit=_UNITS[match[2]])  # type: ignore[arg-type]


def interval_label(interval: pd.Timedelta) -> str:
    """Name an interval the way :func:`parse_interval` reads it; weeks are given in days."""
    minutes = int(interval / pd.Timedelta(minutes=1))
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def bars_per_year(interval: pd.Timedelta) -> float:
    """Count the bars of a market that never closes in a year of 365 days."""
    return YEAR / interval


def parse_day(text: str, setting: str) -> pd.Timestamp:
    """Read an ISO date or time as an instant in UTC; a time without a zone is taken as UTC.

    Raises
    ------
    UsageError
        Naming the setting and the text that is no date.
    """
    problem = f"{setting}: '{text}' is not a date; write it like 2021-03-01"
    # pandas reads "now", "today" and 01/02/2021 too: a run could not be repeated, or misread.
    if not re.match(r"\d{4}-\d{2}-\d{2}([T ]|$)", text):
        raise UsageError(problem)
    try:
        instant = pd.Timestamp(text).as_unit("ns")
    except ValueError as error:
        raise UsageError(problem) from error
    if not 1900 <= instant.year <= 2200:
        raise UsageError(problem)
    return instant.tz_localize("UTC") if instant.tzinfo is None else instant.tz_convert("UTC")


def iso(instant: pd.Timestamp) -> str:
    """Write an instant as ``2024-01-31T00:00:00Z``."""
    return instant.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_column(times: pd.DatetimeIndex | pd.Series) -> pd.Series:
    """Write many instants as ISO 8601 UTC text; a missing one becomes an empty field (NaN)."""
    index = pd.DatetimeIndex(times).tz_convert("UTC")
    return pd.Series(index.strftime("%Y-%m-%dT%H:%M:%SZ"), dtype=object)


def naive_utc(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Drop the zone, for the doors of backtrader and quantstats, which shift aware times."""
    return times.tz_convert("UTC").tz_localize(None)


def epoch_ns(times: pd.DatetimeIndex) -> np.ndarray:
    """Nanoseconds since 1970 UTC as int64, whatever resolution the index is stored in."""
    return times.as_unit("ns").asi8
