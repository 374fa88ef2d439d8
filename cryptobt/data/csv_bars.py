"""Bars from a file, text or Parquet or HDF5, in whatever layout the exchange or vendor wrote it."""

from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.types import MarketData, QualityReport
from cryptobt.data.instants import most_frequent_spacing, read_instants
from cryptobt.data.tables import Table, read_table
from cryptobt.data.validation import DEFECT, BadRow, check_bars

_QUOTES = frozenset({"usd", "usdt", "usdc", "busd", "tusd", "dai", "eur", "gbp", "jpy", "krw"})


def read_bars(path: Path, symbol: str, on_bad_row: BadRow, now: pd.Timestamp) -> MarketData:
    """Read the bars of one symbol from a delimited text file, plain or gzip, or Parquet or HDF5.

    The file names its columns in any order and case; further columns are ignored, and so is a
    line with an address above the header. The time column is called date, time, datetime,
    timestamp, unix, unix_time or open_time, and holds ISO 8601 text (without a zone: UTC) or a
    count of seconds, milliseconds, microseconds or nanoseconds since 1970; of two time columns
    the counting one is used. A Parquet or HDF5 file may have the times in its index instead.
    Rows may come in any order. The interval is the most frequent spacing. Volume is the column
    ``volume``; else, of several like "Volume BTC" and "Volume USD", the one in coins, said in the
    report; without one it is NaN.

    Parameters
    ----------
    on_bad_row : {"refuse", "quarantine"}
        See :func:`cryptobt.data.validation.check_bars`.
    now : Timestamp
        Aware; bars not complete by then are left out.

    Raises
    ------
    UsageError
        If the file is missing, no regular file, or cannot be opened.
    DataInvalidError
        If it is no table, a column is missing or there twice, or a row is bad: file, line
        (or row), column and value.
    """
    table = read_table(path)
    try:
        return _checked(table, symbol, on_bad_row, now)
    except DataInvalidError as error:
        raise DataInvalidError(table.counted(str(error))) from error


def _checked(table: Table, symbol: str, on_bad_row: BadRow, now: pd.Timestamp) -> MarketData:
    raw, notes = _raw_bars(table)
    defects = raw[DEFECT].dropna() if DEFECT in raw else None
    interval = most_frequent_spacing(pd.DatetimeIndex(raw[columns.TIME]), table.label, defects)
    bars, report = check_bars(
        raw, label=table.label, interval=interval, on_bad_row=on_bad_row, now=now, numbered=True
    )
    taken_out = tuple(row | {"reason": table.counted(row["reason"])} for row in report.quarantined)
    warnings = tuple(table.counted(note) for note in (*notes, *report.warnings))
    report = QualityReport(report.gaps, taken_out, warnings)
    return MarketData(symbol, interval, "csv", bars, quality=report)


def _raw_bars(table: Table) -> tuple[pd.DataFrame, list[str]]:
    time = table.time_position()
    prices = {name: table.frame[table.position([name], name)] for name in columns.PRICES}
    volume, notes = _volume(table)
    times, wrong = read_instants(table.frame[time], table.header[time], table.label)
    raw = pd.DataFrame({columns.TIME: times}, index=table.frame.index)
    raw = raw.assign(**prices, **{columns.VOLUME: volume})
    surplus = table.surplus()
    if len(wrong) or len(surplus):
        raw[DEFECT] = pd.Series(index=raw.index, dtype=object)
        raw.loc[wrong.index, DEFECT] = wrong
        for line, value in surplus.items():
            raw.loc[line, DEFECT] = f"'{value}' stands beyond the last column of the header"
    return raw, notes


def _volume(table: Table) -> tuple[pd.Series, list[str]]:
    if columns.VOLUME in table.names:
        return table.frame[table.position([columns.VOLUME], columns.VOLUME)], []
    named = [name for name in table.names if name.startswith("volume ")]
    if not named:
        empty = pd.Series(np.nan, index=table.frame.index)
        return empty, []
    coins = [name for name in named if name.removeprefix("volume ") not in _QUOTES]
    chosen = table.position((coins or named)[:1], columns.VOLUME)
    return table.frame[chosen], [f"volume is column '{table.header[chosen]}'"]
