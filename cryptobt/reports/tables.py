"""The tables of the page: every row of the comparison, the assumptions, the orders."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from cryptobt.reports import numbers, orders
from cryptobt.reports.numbers import DASH, ROW_TO_BEAT, ROWS, Measure

Read = Callable[[dict[str, Any], str], Measure]
Write = Callable[[float | None], str]


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
COLUMNS = DIRECTION + PERFORMANCE
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

    Parameters
    ----------
    short_rows : collection of str
        Rows that held short positions.
    """
    meanings = dict(ROW_MEANINGS)
    if len(numbers.symbols(metrics)) > 1:
        meanings |= _OF_SEVERAL
    meanings |= {row: text for row, text in _WITH_SHORTS.items() if row in short_rows}
    body = "".join(_row(metrics, row, meanings[row]) for row in ROWS)
    level = numbers.performance(metrics, "strategy", "sharpe").level
    shown = "" if level is None else f" Small print: {numbers.format_percent(level, 0)} intervals."
    return (
        f'<p class="note">All rows cover the same dates.{shown}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Comparison of all rows">'
        '<table class="comparison">'
        f"<thead>{_head()}</thead><tbody>{body}</tbody></table></div>"
    )


def _head() -> str:
    groups = (
        '<tr><td></td><th scope="colgroup" class="start" colspan="'
        f'{len(DIRECTION)}">Direction</th><th scope="colgroup" class="start" '
        f'colspan="{len(PERFORMANCE)}">Account, after costs</th></tr>'
    )
    names = "".join(
        f'<th scope="col"{_start(column)} title="{escape(column.meaning)}">{column.title}</th>'
        for column in COLUMNS
    )
    return f'{groups}<tr><th scope="col">Row</th>{names}</tr>'


def _start(column: Column) -> str:
    return ' class="start"' if column in (DIRECTION[0], PERFORMANCE[0]) else ""


def _row(metrics: dict[str, Any], row: str, said: str) -> str:
    kind = {"strategy": ' class="own"', ROW_TO_BEAT: ' class="beat"'}.get(row, "")
    note = '<span class="badge">the row to beat</span>' if row == ROW_TO_BEAT else ""
    meaning = f'<span class="meaning">{said}</span>'
    cells = "".join(cell(column, column.read(metrics, row)) for column in COLUMNS)
    return f'<tr{kind}><th scope="row">{row}{note}{meaning}</th>{cells}</tr>'


def cell(column: Column, found: Measure) -> str:
    """Write one number of a table: a dash with its reason on hover where it is absent."""
    if found.value is None:
        return f'<td{_start(column)} title="{escape(found.reason)}">{DASH}</td>'
    interval = ""
    if found.has_interval and column.title in ("Accuracy", "Sharpe"):
        ends = f"{column.written(found.low)} to {column.written(found.high)}"
        interval = f'<span class="interval">{ends}</span>'
    return f"<td{_start(column)}>{column.written(found.value)}{interval}</td>"


def legend() -> str:
    """Explain every column in a few words."""
    return definitions((column.title, column.meaning) for column in COLUMNS)


def definitions(pairs: Iterable[tuple[str, str]], kind: str = "legend") -> str:
    """Write labels and texts as a definition list."""
    items = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in pairs
    )
    return f'<dl class="{kind}">{items}</dl>'


_MOST_ROWS = 50
"""Rows taken out that the page lists."""


def data_findings(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what was wrong with the data, and how the forecasts did as numbers."""
    pairs = [("Gaps in the data", f"{numbers.count(metrics, 'data', 'gaps')} bars missing")]
    quarantined = numbers.lookup(metrics, "data", "quarantined")
    if quarantined:
        pairs.append(("Quarantined rows", f"{len(quarantined):,}"))
        pairs += [
            ("Quarantined", f"{row['symbol']}: {row['reason']}") for row in quarantined[:_MOST_ROWS]
        ]
        if len(quarantined) > _MOST_ROWS:
            pairs.append(("Quarantined", f"and {len(quarantined) - _MOST_ROWS:,} more in run.json"))
    missing = numbers.lookup(metrics, "data", "missing_columns")
    if missing:
        pairs.append(("Missing columns", ", ".join(str(name) for name in missing)))
    warnings = numbers.lookup(metrics, "data", "warnings") or []
    return pairs + [("Warning", str(warning)) for warning in warnings]


_FORECAST_MEASURES: tuple[tuple[str, str, Write], ...] = (
    ("mae", "Mean absolute error, log return", lambda value: numbers.format_ratio(value, 4)),
    ("rmse", "Root mean squared error, log return", lambda value: numbers.format_ratio(value, 4)),
    ("r2", "R² (0: no better than the mean)", lambda value: numbers.format_ratio(value, 4)),
    ("skill", "Skill over forecasting no change", lambda value: numbers.format_ratio(value, 4)),
    ("interval_coverage", "Returns inside the 90% range", numbers.format_percent),
    ("seed_correlation", "Agreement between seeds", numbers.format_ratio),
)


def forecast_quality(metrics: dict[str, Any]) -> str:
    """Write how close the forecast returns came; empty text where none of it was measured."""
    found = [
        (label, written(numbers.measure(metrics, "forecast", name).value))
        for name, label, written in _FORECAST_MEASURES
    ]
    return definitions(found, "quality") if any(text != DASH for _, text in found) else ""


def orders_table(metrics: dict[str, Any]) -> str:
    """Write what became of the orders, why some were rejected, and which wait for the next bar."""
    counted = [(word, ("orders", word)) for word in ("submitted", "filled", "rejected")]
    rows = "".join(
        f'<tr><th scope="row">{word}</th><td>{numbers.count(metrics, *path):,}</td></tr>'
        for word, path in counted
    )
    rows += "".join(
        f'<tr class="sub"><th scope="row">{escape(reason)}</th><td>{times:,}</td></tr>'
        for reason, times in orders.rejections(metrics)
    )
    waiting = "".join(f"<li>{escape(order)}</li>" for order in orders.pending_orders(metrics))
    pending = f"<ul>{waiting}</ul>" if waiting else f"<p>{orders.NONE_PENDING.capitalize()}.</p>"
    head = '<thead><tr><th scope="col">Orders</th><th scope="col">Count</th></tr></thead>'
    return (
        f'<div class="pair"><table class="orders">{head}<tbody>{rows}</tbody></table>'
        f'<div class="pending"><h3>For the next bar</h3>{pending}</div></div>'
    )
