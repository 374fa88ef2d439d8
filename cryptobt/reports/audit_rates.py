"""The pages of `audit null` and `audit planted`: how often something is found, beside the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cryptobt.reports import audit_words as words
from cryptobt.reports import ticks
from cryptobt.reports.audit_tables import note, section, sentences, table
from cryptobt.reports.audit_words import Document
from cryptobt.reports.canvas import Panel
from cryptobt.reports.linked import key
from cryptobt.reports.numbers import finite, format_percent
from cryptobt.reports.page import panels_html
from cryptobt.reports.plot import Plot, Scale

Rows = Sequence[Mapping[str, Any]]


def null_sections(document: Document) -> str:
    """Write the sections of an audit on markets without skill."""
    rates = document["rates"]
    heads = ("rule", "found", "nominal")
    cells = [
        (f"{row['name']}\n{row['text']}", _with_interval(words.share_found(row), row),
         words.nominal(row))
        for row in rates
    ]  # fmt: skip
    return section(
        "How often each rule finds skill",
        "rates",
        note(
            "None of these markets can be forecast, so everything that was found is luck, or a "
            "pipeline that fools itself. A rule is sound where its interval holds the nominal "
            "rate. Small print: 95 % intervals."
        ),
        _panels([_rates_panel(rates)]),
        table("Markets on which a rule found skill", heads, cells),
    ) + _markets(document)


def planted_sections(document: Document) -> str:
    """Write the sections of an audit on markets with a known edge."""
    edges = document["edges"]
    heads = ("correlation", "share of the edge", "evidence")
    cells = [
        (words.correlation(row), "\n".join(words.realised(row)),
         _with_interval(words.share_found(row), row))
        for row in edges
    ]  # fmt: skip
    return section(
        "How much of the edge is found",
        "edges",
        note(
            "The edge is a correlation of a signal in the bars with the return that follows. 100 % "
            "of it is realised by calling every bar as the signal does, 0 % by a coin, less by "
            "calling the wrong side. Small print: 95 % intervals."
        ),
        _panels([_edges_panel(edges)]),
        table("What the pipeline made of each edge", heads, cells),
        sentences(words.texts(edges)),
    ) + _markets(document)


def _with_interval(text: str, row: Mapping[str, Any]) -> str:
    return f"{text}\n{words.interval(row)}"


def _rates_panel(rates: Rows) -> Panel:
    found = [row["found"] / row["of"] if row["of"] else np.nan for row in rates]
    caption = (
        "Dot and line: share of the markets on which the rule found skill, with its interval. "
        "Orange: the rate that luck is allowed. A line wholly to the right of it is a rule that "
        "finds too much."
    )
    plot = _plot([str(row["name"]) for row in rates], _of_shares(rates), "share of the markets")
    at = _heights(rates)
    plot.spans(at, *_ends(rates), "stroke")
    plot.dots(np.array(found), at, "blue", size=9)
    promised = np.array([_nan(row.get("nominal")) for row in rates])
    plot.dots(promised, at, "orange", size=7)
    shades = [("found, with its interval", "blue"), ("nominal", "orange")]
    said = "Rates found: " + "; ".join(
        f"{row['name']} {format_percent(share)}" for row, share in zip(rates, found, strict=True)
    )
    return Panel(
        "Found, beside what luck is allowed",
        caption,
        key(shades) + plot.html(f"{said}."),
        wide=True,
    )


def _edges_panel(edges: Rows) -> Panel:
    shares = [row.get("share") or {} for row in edges]
    values = np.array([_nan(share.get("value")) for share in shares])
    caption = "Share of the planted edge that the pipeline's calls realise; dashed: all of it."
    low, high = _ends(shares)
    seen = np.concatenate([values, low, high, [0.0, 1.0]])
    names = [f"correlation {words.correlation(row)}" for row in edges]
    plot = _plot(names, Scale(*ticks.padded(seen)), "share of the edge")
    at = _heights(edges)
    plot.upright([0.0], "stroke", width=0.9)
    plot.upright([1.0], "stroke", dashes="5 4")
    plot.spans(at, low, high, "stroke")
    plot.dots(values, at, "blue", size=9)
    said = "Shares realised: " + "; ".join(
        f"{name} {words.realised(row)[0]}" for name, row in zip(names, edges, strict=True)
    )
    return Panel("What is realised of each edge", caption, plot.html(f"{said}."), wide=True)


def _plot(names: Sequence[str], x: Scale, title: str) -> Plot:
    """Make axes with a row for each name, the first one on top."""
    count = len(names)
    plot = Plot(x, Scale(-0.7, count - 0.3), height=24 + 26 * count, left=178, x_title=title)
    plot.y_ticks = [(float(count - 1 - row), _cut(name)) for row, name in enumerate(names)]
    plot.x_ticks = ticks.linear_ticks(x.low, x.high, ticks.percent, 5)
    return plot


def _cut(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"


def _heights(rows: Rows) -> np.ndarray:
    return np.arange(len(rows))[::-1].astype(float)


def _ends(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    low, high = (np.array([_nan(row.get(end)) for row in rows]) for end in ("low", "high"))
    return low, high


def _of_shares(rates: Rows) -> Scale:
    """Make an axis that holds every interval; its ends leave room for a dot at 0."""
    end = max([0.1, *(finite(row.get("high")) or 0.0 for row in rates)])
    return Scale(-0.02 * end, 1.04 * end)


def _nan(value: object) -> float:
    found = finite(value)
    return np.nan if found is None else found


def _panels(panels: Sequence[Panel]) -> str:
    return f'<div class="panels">{panels_html(panels)}</div>'


def _markets(document: Document) -> str:
    """Write every simulated market, folded away."""
    rows = [_market(row) for row in document["rows"]]
    heads = ("market", "Sharpe", "less its twin's", "accuracy", "verdict")
    if not rows:
        return ""
    return section(
        "Every market",
        "markets",
        "<details><summary>Sharpe ratio, accuracy and verdict of each</summary>",
        table("Simulated markets", heads, rows),
        "</details>",
    )


def _market(row: Mapping[str, Any]) -> tuple[str, ...]:
    strength = f", {words.correlation(row)}" if row.get("correlation") is not None else ""
    return (f"{row['market']}{strength}", *words.market_row(row))
