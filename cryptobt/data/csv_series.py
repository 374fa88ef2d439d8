"""Series beside the bars (on-chain, sentiment) from a file, each row with its publication."""

from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.time import iso
from cryptobt.core.types import ExtraSeries
from cryptobt.data.instants import most_frequent_spacing, read_instants
from cryptobt.data.tables import TIME_NAMES, Table, normalise, read_table


def read_series(
    path: Path, name: str, lag_hours: float, *, own_publication: bool = False
) -> ExtraSeries:
    """Read a series whose rows are named by the start of their period, as Coin Metrics writes it.

    The file is what :func:`cryptobt.data.csv_bars.read_bars` reads: text, Parquet or HDF5.

    Causality: a row may be used from the end of its period (the most frequent spacing) plus the
    publication lag; with ``own_publication``, from the instant that the file itself gives.

    Parameters
    ----------
    name : str
        What the series is called in a run's manifest.
    lag_hours : float
        Hours between the end of a period and its publication; not used with ``own_publication``,
        where the series says 0: nothing was added to the file's own instants.
    own_publication : bool
        Whether the file has a column ``available_at`` with the instant at which each row was
        published; it names the rows, too, where the file has no other time. Without this such a
        column is refused.

    Returns
    -------
    ExtraSeries
        All columns that hold numbers, names in lower case, NaN where a value is missing. Columns
        of text (most of their values are no numbers) are left out.

    Raises
    ------
    UsageError
        If the file is missing or no regular file, or the lag reaches beyond all dates.
    DataInvalidError
        Naming file, line, column and value: text among numbers, an impossible time, one time
        with two sets of values; a column named twice or named as the one computed here; that
        no column holds numbers; or, with ``own_publication``, that there is no ``available_at``,
        or one that is missing or before the time of its row.
    """
    table = read_table(path)
    try:
        return _series(table, name, lag_hours, own_publication)
    except DataInvalidError as error:
        raise DataInvalidError(table.counted(str(error))) from error


def _series(table: Table, name: str, lag_hours: float, own_publication: bool) -> ExtraSeries:
    time = _time_position(table, own_publication=own_publication)
    times, wrong = read_instants(table.frame[time], table.header[time], table.label)
    _refuse_bad_rows(table, wrong)
    if not own_publication:
        _refuse_computed(table)
    values = _values(table, time)
    if own_publication:
        values[columns.AVAILABLE_AT] = _own_instants(table, times)
    values.index = times.rename(columns.TIME)
    values = _unique(values, table)
    if own_publication:
        return ExtraSeries(name, "csv", values, 0.0)
    period = most_frequent_spacing(pd.DatetimeIndex(values.index), table.label)
    return published(name, "csv", values, period, lag_hours)


def published(
    name: str, source: str, values: pd.DataFrame, period: pd.Timedelta, lag_hours: float
) -> ExtraSeries:
    """Add to each row, named by the start of its period, the instant at which it may be used.

    Raises
    ------
    UsageError
        If the lag reaches beyond all dates.
    """
    starts = pd.DatetimeIndex(values.index)
    try:
        at = starts + period + pd.Timedelta(hours=lag_hours)
    # pandas has one error for spans and another for instants; both are of these kinds
    except (OverflowError, ValueError) as error:
        raise UsageError(
            f"data.onchain_lag_hours is {lag_hours:g}, beyond all dates; expected a delay in hours"
        ) from error
    return ExtraSeries(name, source, values.assign(**{columns.AVAILABLE_AT: at}), lag_hours)


def _time_position(table: Table, *, own_publication: bool) -> int:
    """Find the column that names the rows; their publication does, where there is no other."""
    published = normalise(columns.AVAILABLE_AT)
    timeless = not set(TIME_NAMES) & set(table.names)
    if own_publication and timeless and published in table.names:
        return table.names.index(published)
    return table.time_position()


def _values(table: Table, time_like: int) -> pd.DataFrame:
    skipped = {columns.TIME, "date", normalise(columns.AVAILABLE_AT)}
    found: dict[str, np.ndarray] = {}
    for position, name in enumerate(table.names):
        if position == time_like or name in skipped:
            continue
        numbers = _numbers(table, position)
        if numbers is None:
            continue
        if name.replace(" ", "_") in found:
            raise DataInvalidError(f"{table.label}: there are two columns '{name}'; name one anew")
        found[name.replace(" ", "_")] = numbers
    if not found:
        raise DataInvalidError(f"{table.label}: no column beside the time holds numbers")
    return pd.DataFrame(found)


def _refuse_bad_rows(table: Table, wrong: pd.Series) -> None:
    for line, reason in wrong.items():
        raise DataInvalidError(f"{table.place(line)}: {reason}; mend the row")
    for line, value in table.surplus().items():
        raise DataInvalidError(
            f"{table.place(line)}: '{value}' stands beyond the last column; mend the row"
        )


def _own_instants(table: Table, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Read when each row was published; a row without a time need not say it."""
    place = table.position([normalise(columns.AVAILABLE_AT)], columns.AVAILABLE_AT)
    written = table.header[place]
    instants, wrong = read_instants(table.frame[place], written, table.label)
    bad = np.flatnonzero(
        (times.notna() & ~(instants >= times)) | table.frame.index.isin(wrong.index)
    )
    if not len(bad):
        return instants
    row, instant = table.frame.index[bad[0]], instants[int(bad[0])]
    said = "is empty" if pd.isna(instant) else f"is {iso(instant)}, before the time of its row"
    reason = wrong.get(row, f"column '{written}' {said}")
    raise DataInvalidError(f"{table.place(row)}: {reason}; mend the row")


def _refuse_computed(table: Table) -> None:
    for name, written in zip(table.names, table.header, strict=True):
        if name.replace(" ", "_") == columns.AVAILABLE_AT:
            raise DataInvalidError(
                f"{table.label}: column '{written}' is computed from the period and "
                "data.onchain_lag_hours; rename it or leave it out"
            )


def _numbers(table: Table, position: int) -> np.ndarray | None:
    """Read a column of numbers; None for a column of text."""
    column = table.frame[position]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return None
    numbers = pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan)
    lost = column[numbers.isna() & column.notna()]
    if len(lost) and 2 * len(lost) >= int(column.notna().sum()):
        return None
    for line, value in lost.items():
        raise DataInvalidError(
            f"{table.place(line)}: column '{table.header[position]}' is '{value}', "
            "which is not a finite number; mend the row"
        )
    return numbers.to_numpy(dtype=float)


def _unique(values: pd.DataFrame, table: Table) -> pd.DataFrame:
    times = pd.DatetimeIndex(values.index)
    nameless = np.flatnonzero(times.isna() & values.notna().any(axis=1).to_numpy())
    if len(nameless):
        line = table.frame.index[nameless[0]]
        raise DataInvalidError(f"{table.place(line)}: there are values but no time")
    rows = values[times.notna()].reset_index().drop_duplicates().set_index(columns.TIME)
    twice = rows.index[rows.index.duplicated()]
    if len(twice):
        line = table.frame.index[np.flatnonzero(times == twice[0])[1]]
        raise DataInvalidError(
            f"{table.place(line)}: time {twice[0]:%Y-%m-%dT%H:%M:%SZ} occurs before with "
            "other values; keep one of the rows"
        )
    return rows.sort_index()
