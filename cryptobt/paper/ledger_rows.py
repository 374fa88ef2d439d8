"""Rows of a ledger's tables from what a night adds, and back."""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

import pandas as pd

from cryptobt.core.columns import BARS, FORECASTS, TIME
from cryptobt.core.time import iso, iso_column
from cryptobt.paper.facts import NewBars, NewNight, Night, Quote, Rewritten

TIMES = ("time", "made_at", "target_at", "trained_until", "fold")
"""Columns of the forecasts that are instants."""
_MODEL = ("symbol", "model_id", "fold", "trained_until")


def night_row(night: NewNight, number: int) -> dict[str, Any]:
    """Row of a night, without its hash."""
    return {
        "night_id": number,
        "bar_at": iso(night.bar_at),
        "decided_at": iso(night.decided_at),
        "simulated": int(night.simulated),
        "record": night.record,
        "warnings": json.dumps(list(night.warnings)),
        "libraries": json.dumps(night.libraries, sort_keys=True),
    }


def fact_rows(night: NewNight, number: int) -> dict[str, list[dict[str, Any]]]:
    """Rows of a night by table, in the order in which they are written."""
    numbered = {"night_id": number}
    made = _forecast_rows(night)
    quotes = [asdict(quote) | {"quoted_at": iso(quote.quoted_at)} for quote in night.quotes]
    absent = [{"symbol": symbol, "newest": iso(newest)} for symbol, newest in night.absent]
    tables = {
        "bars": [row for new in night.bars for row in _bar_rows(new)],
        "forecasts": made,
        "models": [{key: row[key] for key in _MODEL} for row in made],
        "quotes": quotes,
        "rewrites": [_rewrite_row(rewritten) for rewritten in night.rewritten],
        "absences": absent,
    }
    return {name: [numbered | row for row in rows] for name, rows in tables.items()}


def read_night(row: sqlite3.Row) -> Night:
    """A night from its row."""
    return Night(
        row["night_id"],
        instant(row["bar_at"]),
        instant(row["decided_at"]),
        bool(row["simulated"]),
        row["record"],
        tuple(json.loads(row["warnings"])),
        json.loads(row["libraries"]),
    )


def read_quote(row: sqlite3.Row) -> Quote:
    """A quote from its row."""
    return Quote(row["symbol"], row["price"], instant(row["quoted_at"]), row["source"])


def read_rewrite(row: sqlite3.Row) -> Rewritten:
    """A rewritten bar from its row."""
    return Rewritten(
        row["symbol"],
        instant(row["time"]),
        json.loads(row["recorded"]),
        json.loads(row["told"]),
        instant(row["seen_at"]),
    )


def instant(text: str) -> pd.Timestamp:
    """An instant from its text."""
    return pd.Timestamp(text).as_unit("ns")


def _forecast_rows(night: NewNight) -> list[dict[str, Any]]:
    if night.forecasts is None:
        return []
    texts = {name: iso_column(night.forecasts[name]).to_numpy() for name in TIMES}
    return _plain(night.forecasts.assign(**texts)[list(FORECASTS)])


def _bar_rows(new: NewBars) -> list[dict[str, Any]]:
    times = pd.DatetimeIndex(new.bars.index)
    late = [new.decided is not None and time <= new.decided for time in times]
    fetched = None if new.fetched_at is None else iso(new.fetched_at)
    frame = new.bars[list(BARS)].reset_index(drop=True)
    frame.insert(0, TIME, iso_column(times).to_numpy())
    shared = {"symbol": new.symbol, "source": new.source, "fetched_at": fetched}
    return [
        row | shared | {"arrived_late": int(arrived_late)}
        for row, arrived_late in zip(_plain(frame), late, strict=True)
    ]


def _rewrite_row(rewritten: Rewritten) -> dict[str, Any]:
    return {
        "symbol": rewritten.symbol,
        "time": iso(rewritten.time),
        "recorded": json.dumps(rewritten.recorded),
        "told": json.dumps(rewritten.told),
        "seen_at": iso(rewritten.seen_at),
    }


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with Python's own numbers, None for NaN."""
    columns = [
        [None if value is None or value != value else value for value in frame[name].tolist()]
        for name in frame
    ]
    names = [str(name) for name in frame]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
