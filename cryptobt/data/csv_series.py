"""Series beside the bars (on-chain, sentiment) from a text file, each row with its publication."""

from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import ExtraSeries
from cryptobt.data.instants import most_frequent_spacing, read_instants
from cryptobt.data.tables import Table, read_table


def read_series(path: Path, name: str, lag_hours: float) -> ExtraSeries:
    """Read a series whose rows are named by the start of their period, as Coin Metrics writes it.

    Causality: a row may be used from the end of its period (the most frequent spacing) plus the
    publication lag.

    Parameters
    ----------
    name : str
        What the series is called in a run's manifest.
    lag_hours : float
        Hours between the end of a period and its publication.

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
        with two sets of values; a column named twice or named as the one computed here; or that
        no column holds numbers.
    """
    table = read_table(path)
    time = table.time_position()
    times, wrong = read_instants(table.frame[time], table.header[time], table.label)
    for line, reason in wrong.items():
        raise DataInvalidError(f"{table.label}, line {line}: {reason}; mend the row")
    for line, value in table.surplus().items():
        raise DataInvalidError(
            f"{table.label}, line {line}: '{value}' stands beyond the last column; mend the row"
        )
    values = _values(table)
    values.index = times.rename(columns.TIME)
    values = _unique(values, table)
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


def _values(table: Table) -> pd.DataFrame:
    time_like = table.time_position()
    _refuse_computed(table)
    found: dict[str, np.ndarray] = {}
    for position, name in enumerate(table.names):
        numbers = _numbers(table, position)
        if position == time_like or name in {columns.TIME, "date"} or numbers is None:
            continue
        if name.replace(" ", "_") in found:
            raise DataInvalidError(f"{table.label}: there are two columns '{name}'; name one anew")
        found[name.replace(" ", "_")] = numbers
    if not found:
        raise DataInvalidError(f"{table.label}: no column beside the time holds numbers")
    return pd.DataFrame(found)


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
            f"{table.label}, line {line}: column '{table.header[position]}' is '{value}', "
            "which is not a finite number; mend the row"
        )
    return numbers.to_numpy(dtype=float)


def _unique(values: pd.DataFrame, table: Table) -> pd.DataFrame:
    times = pd.DatetimeIndex(values.index)
    nameless = np.flatnonzero(times.isna() & values.notna().any(axis=1).to_numpy())
    if len(nameless):
        line = table.frame.index[nameless[0]]
        raise DataInvalidError(f"{table.label}, line {line}: there are values but no time")
    rows = values[times.notna()].reset_index().drop_duplicates().set_index(columns.TIME)
    twice = rows.index[rows.index.duplicated()]
    if len(twice):
        line = table.frame.index[np.flatnonzero(times == twice[0])[1]]
        raise DataInvalidError(
            f"{table.label}, line {line}: time {twice[0]:%Y-%m-%dT%H:%M:%SZ} occurs before with "
            "other values; keep one of the rows"
        )
    return rows.sort_index()
