"""Time columns of files: text with or without a zone, or counts since 1970, read as UTC."""

import re

import numpy as np
import pandas as pd

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.time import epoch_ns

_EPOCH_UNITS = ((1e8, 1_000_000_000), (1e11, 1_000_000), (1e14, 1_000), (1e17, 1))
_EARLIEST, _LATEST = pd.Timestamp("1800-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")

# an offset follows the hours: that of a date alone is its day
_ZONE = re.compile(r"[T ]\d[\d:.,]*\s*(?:Z|[+-]\d\d(?::?\d\d)?)$")
_NO_DATE = "which is not a date; write ISO dates such as 2020-12-31"


def read_instants(column: pd.Series, name: str, label: str) -> tuple[pd.DatetimeIndex, pd.Series]:
    """Read a time column as instants in UTC; text without a zone is taken as UTC.

    Offsets may differ from row to row, as summer time makes them: each names its instant.
    Numbers count seconds, milliseconds, microseconds or nanoseconds since 1970; one unit holds
    for the whole column and is told by the size of the median.

    Parameters
    ----------
    column : Series
        Index: line numbers. Text, numbers, or dates that pandas has read already.
    name, label : str
        Column and file, for messages.

    Returns
    -------
    times : DatetimeIndex
        Aware UTC, nanoseconds; NaT where there is no time.
    defects : Series of str
        Line number to what is wrong with its time; a missing time is no defect here.

    Raises
    ------
    DataInvalidError
        If times with and without a zone are mixed, naming the first that differs from the first.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = pd.DatetimeIndex(column)
    elif pd.api.types.is_bool_dtype(column.dtype) or column.isna().all():
        times = pd.DatetimeIndex([pd.NaT] * len(column))
    else:
        times = _from_numbers_or_text(column, name, label)
    times = times.tz_localize("UTC") if times.tz is None else times.tz_convert("UTC")
    # years such as 1 or 9999 do not fit into nanoseconds, and no market is that old
    times = pd.DatetimeIndex(times.where((times >= _EARLIEST) & (times <= _LATEST)))
    lost = np.asarray(times.isna()) & column.notna().to_numpy()
    # not by the values themselves: years beyond 9999 have no words of their own
    shown = column[lost].astype(str)
    wrong = shown.map(lambda value: f"column '{name}' is '{value}', {_NO_DATE}")
    return times.as_unit("ns"), wrong.astype(object)


def most_frequent_spacing(
    times: pd.DatetimeIndex, label: str, defects: pd.Series | None = None
) -> pd.Timedelta:
    """Tell the interval of bars by the spacing that occurs most often; the smallest of equals.

    Parameters
    ----------
    defects : Series of str, optional
        Line number to what is wrong with the row, for the message.

    Raises
    ------
    DataInvalidError
        If there are fewer than two different instants; it names the first defect.
    """
    known = epoch_ns(pd.DatetimeIndex(times.dropna()))
    if not (np.diff(known) > 0).all():
        known = np.unique(known)
    if len(known) < 2:
        raise DataInvalidError(_too_few(len(known), label, defects))
    spacings = np.diff(known)
    middle = spacings[len(spacings) // 2]
    # a spacing that more than half of the bars have is found without sorting them
    if 2 * int((spacings == middle).sum()) > len(spacings):
        return pd.Timedelta(int(middle), unit="ns")
    values, counts = np.unique(spacings, return_counts=True)
    return pd.Timedelta(int(values[np.argmax(counts)]), unit="ns")


def _too_few(count: int, label: str, defects: pd.Series | None) -> str:
    found = f"{count} row(s) with a time; at least 2 are needed"
    if defects is None or defects.empty:
        return f"{label}: {found}"
    more = f"{len(defects) - 1} more bad row(s) follow, "
    return f"{label}, line {defects.index[0]}: {defects.iloc[0]} ({more}{found})"


def _from_numbers_or_text(column: pd.Series, name: str, label: str) -> pd.DatetimeIndex:
    numbers = pd.to_numeric(column, errors="coerce")
    if 2 * int(numbers.notna().sum()) > int(column.notna().sum()):
        return _from_epoch(numbers)
    return _from_text(column, name, label)


def _from_epoch(numbers: pd.Series) -> pd.DatetimeIndex:
    size = float(numbers.abs().median())
    scale = next((factor for floor, factor in reversed(_EPOCH_UNITS) if size >= floor), 0)
    values = numbers.to_numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        inside = np.isfinite(values) & (values >= 0) & (values * float(scale) <= _LATEST.value)
        # of one unit means of one size: 1e8 seconds is 1973, and no market is older
        inside &= values * float(scale) >= 1e8 * 1e9
    stamps = np.full(len(values), np.iinfo(np.int64).min, dtype=np.int64)
    stamps[inside] = _to_ns(values[inside], scale)
    return pd.DatetimeIndex(stamps.view("M8[ns]"))


def _to_ns(values: np.ndarray, scale: int) -> np.ndarray:
    if values.dtype.kind in "iu":
        return values.astype(np.int64) * scale
    # doubles hold microseconds of this century exactly, nanoseconds not
    micros = np.round(values * (scale / 1_000)).astype(np.int64)
    return micros * 1_000


def _from_text(column: pd.Series, name: str, label: str) -> pd.DatetimeIndex:
    text = column.astype(object)
    as_utc = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    readable = text[as_utc.notna().to_numpy()]
    try:
        pd.to_datetime(readable, format="ISO8601")
    except ValueError:
        _refuse_a_mix(readable.map(str), name, label)
    return pd.DatetimeIndex(as_utc)


def _refuse_a_mix(text: pd.Series, name: str, label: str) -> None:
    zoned = text.map(lambda value: _ZONE.search(value) is not None).to_numpy(dtype=bool)
    odd = np.flatnonzero(zoned != zoned[0])
    if not len(odd):
        return
    row = int(odd[0])
    kind, other = ("with", "without") if zoned[row] else ("without", "with")
    raise DataInvalidError(
        f"{label}, line {text.index[row]}: column '{name}' mixes time zones: '{text.iloc[row]}' is "
        f"{kind} a zone, line {text.index[0]} {other}; write all times in one zone, best UTC"
    )
