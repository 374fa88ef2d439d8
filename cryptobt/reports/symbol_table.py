"""What each symbol came to in the one account that traded them all: a row a symbol."""

from html import escape
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.grid import dash
from cryptobt.reports.headline_table import Column, Read, cell
from cryptobt.reports.numbers import Measure
from cryptobt.reports.tables import definitions

_LEAD = (
    "One account trades all of them. Profits are after fees and before funding. Among many symbols "
    "the best looks good by luck alone: judge the account, not its best row."
)
_LISTED = (
    ("Joined", "first decision at which it could be traded"),
    ("Bars", "all that were loaded, the first and the last"),
)


def _account(name: str) -> Read:
    return lambda metrics, symbol: numbers.of_symbol(metrics, symbol, "account", name)


def _count(name: str) -> Read:
    return lambda metrics, symbol: numbers.of_symbol(metrics, symbol, name)


def _accuracy(metrics: dict[str, Any], symbol: str) -> Measure:
    return numbers.of_symbol(metrics, symbol, "direction", "accuracy")


COLUMNS = (
    Column("Accuracy", "share of its calls that came true", _accuracy, numbers.format_percent),
    Column(
        "Profit",
        "of its trades, after fees and before funding, in quote currency",
        _account("pnl_quote"),
        numbers.format_amount,
    ),
    Column(
        "Exposure",
        "size of its weight in the account, long or short, mean of all decisions",
        _account("exposure"),
        numbers.format_percent,
    ),
    Column(
        "Costs",
        "fees and slippage of its fills, in quote currency",
        numbers.symbol_costs,
        numbers.format_amount,
    ),
    Column("Trades", "round trips, open ones too", _count("trades"), numbers.format_amount),
)
_MISSED = Column(
    "Missed",
    "times at which others had a bar and it had none: no decision, no fill",
    _count("missed_bars"),
    numbers.format_amount,
)


def symbols_section(metrics: dict[str, Any]) -> str:
    """Write the section on each symbol; empty text for one, which the other tables describe."""
    symbols = numbers.symbols(metrics)
    if len(symbols) < 2:
        return ""
    body = "".join(_row(metrics, symbol) for symbol in symbols)
    measured = [(column.title, column.meaning) for column in COLUMNS]
    meanings = [*measured, *_LISTED, (_MISSED.title, _MISSED.meaning)]
    return (
        '<section aria-labelledby="symbols">\n<h2 id="symbols">By symbol</h2>\n'
        f'<p class="note">{_LEAD}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Table by symbol">'
        f'<table class="comparison symbols"><caption class="unseen">What each symbol '
        f"came to</caption><thead>{_head(meanings)}</thead><tbody>{body}</tbody>"
        "</table></div>\n<details><summary>What the columns mean</summary>\n"
        f"{definitions(meanings)}\n</details>\n</section>\n"
    )


def _head(meanings: list[tuple[str, str]]) -> str:
    names = "".join(
        f'<th scope="col" title="{escape(meaning)}">{title}</th>' for title, meaning in meanings
    )
    return f'<tr><th scope="col">Symbol</th>{names}</tr>'


def _row(metrics: dict[str, Any], symbol: str) -> str:
    measured = "".join(cell(column, column.read(metrics, symbol)) for column in COLUMNS)
    listed = _joined(metrics, symbol) + _bars(metrics, symbol)
    missed = cell(_MISSED, _MISSED.read(metrics, symbol))
    return f'<tr><th scope="row">{escape(symbol)}</th>{measured}{listed}{missed}</tr>'


def _joined(metrics: dict[str, Any], symbol: str) -> str:
    joined = numbers.day_of(metrics, symbol, "joined")
    if joined is None:
        return dash("at no decision could it be traded")
    return f"<td>{escape(joined)}</td>"


def _bars(metrics: dict[str, Any], symbol: str) -> str:
    count = numbers.format_amount(numbers.of_symbol(metrics, symbol, "bars").value)
    first, last = (numbers.day_of(metrics, symbol, end) for end in ("first", "last"))
    span = f'<span class="interval">{escape(f"{first} to {last}")}</span>' if first and last else ""
    return f"<td>{count}{span}</td>"
