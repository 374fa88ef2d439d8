"""The headline table: every row of the run, its account and its calls of direction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.grid import dash
from cryptobt.reports.numbers import ROW_TO_BEAT, ROWS, Measure, Write
from cryptobt.reports.tables import definitions

Read = Callable[[dict[str, Any], str], Measure]


@dataclass(frozen=True)
class Column:
    """One column of the comparison: where it comes from, how it is written, what it means."""

    title: str
    meaning: str
    read: Read
    written: Write


def _direction(name: str) -> Read:
    return lambda metrics, row: numbers.direction(metrics, row, name)


def _performance(name: str) -> Read:
    return lambda metrics, row: numbers.performance(metrics, row, name)


def _times(value: float | None) -> str:
    return numbers.format_ratio(value, 1)


DIRECTION = (
    Column(
        "Accuracy",
        "share of up and down calls that came true",
        _direction("accuracy"),
        numbers.format_percent,
    ),
    Column(
        "Precision",
        "of the calls for up, how many came true",
        _direction("precision"),
        numbers.format_percent,
    ),
    Column(
        "Recall",
        "of the rises, how many were called",
        _direction("recall"),
        numbers.format_percent,
    ),
    Column(
        "F1",
        "precision and recall in one; always saying up does well in it",
        _direction("f1"),
        numbers.format_percent,
    ),
    Column(
        "MCC",
        "agreement of calls and moves from -1 to 1; 0 without skill, also for always saying up",
        _direction("mcc"),
        numbers.format_ratio,
    ),
    Column(
        "Coverage",
        "share of the bars on which it made a call",
        _direction("coverage"),
        numbers.format_percent,
    ),
)
PERFORMANCE = (
    Column(
        "Sharpe",
        "mean return over its volatility, a year, after costs",
        _performance("sharpe"),
        numbers.format_ratio,
    ),
    Column(
        "CAGR",
        "growth a year, compounded, after costs",
        _performance("cagr"),
        numbers.format_percent,
    ),
    Column(
        "Max drawdown",
        "deepest loss from a high of the account",
        _performance("max_drawdown"),
        numbers.format_percent,
    ),
    Column(
        "Volatility",
        "standard deviation of returns, a year",
        _performance("volatility"),
        numbers.format_percent,
    ),
    Column(
        "Turnover / yr",
        "how many times a year the account's worth is traded",
        _performance("turnover_per_year"),
        _times,
    ),
    Column(
        "Exposure",
        "how much of the account is in the market, on average",
        _performance("exposure"),
        numbers.format_percent,
    ),
    Column(
        "Costs",
        "fees, slippage and funding paid, in quote currency",
        numbers.costs,
        numbers.format_amount,
    ),
    Column("Trades", "round trips, open ones too", _performance("trades"), numbers.format_amount),
)
ROW_MEANINGS = {
    "strategy": "the strategy of this run",
    "network_only": "the network's own forecast, without the trend",
    ROW_TO_BEAT: "the same sizing on the trend, no learning",
    "buy_and_hold": "all in from the first day",
    "buy_and_hold_vol_target": "always long, sized to the same volatility",
    "sma_trend": "long above the moving average",
    "momentum": "long when above the close of some bars ago",
    "always_up": "says up every day",
}
_OF_SEVERAL = {"buy_and_hold": "an equal part in each symbol from the day it joins"}
_WITH_SHORTS = {
    "sma_trend": "long above the moving average, short below",
    "momentum": "long above the close of some bars ago, short below",
}


def comparison_table(metrics: dict[str, Any], short_rows: Collection[str] = ()) -> str:
    """Write the comparison of all rows; a dash where a number is absent, its reason on hover.

    A row that has no number at all is named under the table, with the reason.

    Parameters
    ----------
    short_rows : collection of str
        Rows that held short positions.
    """
    meanings = dict(ROW_MEANINGS)
    if len(numbers.symbols(metrics)) > 1:
        meanings |= _OF_SEVERAL
    meanings |= {row: text for row, text in _WITH_SHORTS.items() if row in short_rows}
    level = numbers.performance(metrics, "strategy", "sharpe").level
    shown = "" if level is None else f" Small print: {numbers.format_percent(level, 0)} intervals."
    return (
        f'<p class="note">All rows cover the same dates.{shown}</p>'
        f"{_table(metrics, 'The account, after costs', PERFORMANCE, meanings)}"
        f"{_table(metrics, 'Calls of up and down', DIRECTION, meanings)}"
    )


def _table(
    metrics: dict[str, Any], title: str, columns: Sequence[Column], meanings: dict[str, str]
) -> str:
    found = {row: [column.read(metrics, row) for column in columns] for row in ROWS}
    empty = [row for row in ROWS[1:] if not any(one.value for one in found[row])]
    names = "".join(
        f'<th scope="col" title="{escape(column.meaning)}">{column.title}</th>'
        for column in columns
    )
    body = "".join(
        _row(row, meanings[row], columns, found[row]) for row in ROWS if row not in empty
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="comparison"><caption>{title}</caption>'
        f'<thead><tr><th scope="col">Row</th>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        f"{_left_out(empty, found)}"
    )


def _left_out(empty: list[str], found: dict[str, list[Measure]]) -> str:
    reasons: dict[str, list[str]] = {}
    for row in empty:
        reasons.setdefault(found[row][0].reason, []).append(row)
    said = "; ".join(f"{', '.join(rows)} ({reason})" for reason, rows in reasons.items())
    return f'<p class="note">Without numbers here: {escape(said)}.</p>' if said else ""


def _row(row: str, said: str, columns: Sequence[Column], found: list[Measure]) -> str:
    kind = {"strategy": ' class="own"', ROW_TO_BEAT: ' class="beat"'}.get(row, "")
    note = '<span class="badge">the row to beat</span>' if row == ROW_TO_BEAT else ""
    meaning = f'<span class="meaning">{said}</span>'
    cells = "".join(cell(column, one) for column, one in zip(columns, found, strict=True))
    return f'<tr{kind}><th scope="row">{row}{note}{meaning}</th>{cells}</tr>'


def cell(column: Column, found: Measure) -> str:
    """Write one number of a table: a dash with its reason on hover where it is absent."""
    if found.value is None:
        return dash(found.reason)
    interval = ""
    if found.has_interval:
        low = column.written(found.low).removesuffix("%")
        ends = f"{low} to {column.written(found.high)}"
        interval = f'<span class="interval">{ends}</span>'
    return f"<td>{column.written(found.value)}{interval}</td>"


def legend() -> str:
    """Explain every column in a few words."""
    return definitions((column.title, column.meaning) for column in (*PERFORMANCE, *DIRECTION))
