"""Tables of a paper account: nights that are not as they should be, fills, and what was odd."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

import pandas as pd

from cryptobt.core.time import DAY
from cryptobt.reports.live_record import LiveFill, LiveNight, LiveRecord
from cryptobt.reports.numbers import DASH

MOST_LINES = 200
HINDSIGHT = "simulated: decided in hindsight by --as-of"


def fact_tables(record: LiveRecord) -> str:
    """Write every table, one after another."""
    return "".join([_marked(record), _fills(record), _absent(record), _rewrites(record)])


def _marked(record: LiveRecord) -> str:
    """List the nights that were not as they should be; those that follow each other in one line."""
    groups = [
        (marks, list(nights)) for marks, nights in groupby(record.nights, lambda night: night.marks)
    ]
    rows = [_marked_row(marks, nights) for marks, nights in reversed(groups) if marks]
    heads = ("Night", "Nights", "Decided", "After the close", "Mark")
    return _table("Late and simulated nights", heads, rows, "every decision was made on time")


def _marked_row(marks: tuple[str, ...], nights: list[LiveNight]) -> tuple[str, ...]:
    waits = [(night.decided_at - night.bar_at - DAY) / pd.Timedelta(hours=1) for night in nights]
    said = [HINDSIGHT if mark == "simulated" else mark for mark in marks]
    return (
        _span(f"{night.bar_at:%Y-%m-%d}" for night in nights),
        f"{len(nights):,}",
        _span(f"{night.decided_at:%Y-%m-%d %H:%M}" for night in nights),
        _span(f"{wait:,.1f} h" for wait in sorted(waits)),
        "; ".join(said),
    )


def _span(texts: Iterable[str]) -> str:
    every = list(texts)
    return every[0] if every[0] == every[-1] else f"{every[0]} to {every[-1]}"


def _fills(record: LiveRecord) -> str:
    heads = ("Night", "Filled", "Order", "Price", "Quote then", "Shortfall, bps", "")
    rows = [_fill_row(fill) for fill in reversed(record.fills)]
    return _table("Fills against the quote at their decision", heads, rows, "nothing was filled")


def _fill_row(fill: LiveFill) -> tuple[str, ...]:
    return (
        f"{fill.night:%Y-%m-%d}",
        f"{fill.time:%Y-%m-%d}",
        f"{fill.side} {fill.quantity_base:,.6g} {fill.symbol}",
        f"{fill.price_quote:,.8g}",
        DASH if fill.quote is None else f"{fill.quote:,.8g}",
        DASH if fill.shortfall_bps is None else format_bps(fill.shortfall_bps),
        "late" if fill.late else "",
    )


def format_bps(value: float) -> str:
    """Write a shortfall with its sign."""
    return f"{value:+,.1f}" if abs(value) >= 0.05 else "0.0"


def _absent(record: LiveRecord) -> str:
    of_symbol: dict[str, list[pd.Timestamp]] = {}
    for night, symbol in record.absent:
        of_symbol.setdefault(symbol, []).append(night)
    rows = [
        (symbol, f"{len(nights):,}", _span(f"{night:%Y-%m-%d}" for night in nights))
        for symbol, nights in of_symbol.items()
    ]
    return _table("Symbols that were absent", ("Symbol", "Nights", "First and last"), rows)


def _rewrites(record: LiveRecord) -> str:
    heads = ("Symbol", "Bar", "Recorded close", "Told later", "Seen")
    rows = [
        (
            one.symbol,
            f"{one.time:%Y-%m-%d}",
            *(DASH if value is None else f"{value:,.8g}" for value in (one.recorded, one.told)),
            f"{one.seen_at:%Y-%m-%d %H:%M}",
        )
        for one in reversed(record.rewrites)
    ]
    return _table("Bars told otherwise later (the recorded ones are traded)", heads, rows)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], none: str = "") -> str:
    """Write rows, newest first, closed where they are many; a sentence where there is none."""
    if not rows:
        return f'<p class="note">{title}: none, {none}.</p>' if none else ""
    shown = rows[:MOST_LINES]
    left = len(rows) - len(shown)
    more = f'<p class="note">And {left:,} more, see `cryptobt paper export`.</p>' if left else ""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in shown
    )
    return (
        f"<details{' open' if len(rows) <= 12 else ''}><summary>{title} ({len(rows):,})</summary>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="facts"><caption class="unseen">{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"{more}</details>"
    )
