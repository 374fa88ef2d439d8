"""The page of two runs side by side: one HTML file that needs nothing but itself."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel, thin
from cryptobt.reports.comparison_words import (
    OWN,
    PAIRED,
    Write,
    describe_difference,
    name_of,
    tone_of,
    written,
)
from cryptobt.reports.linked import Series, linked
from cryptobt.reports.numbers import DASH, Measure, format_interval, measure
from cryptobt.reports.page import SIMULATED, banner_of, framed, panels_html
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds, time_axis, value_axis
from cryptobt.reports.runs_terminal import describe_grade

_COLOURS = {"a": "blue", "b": "orange"}
_LONGEST = 60


def render_comparison(document: dict[str, Any], equity: pd.DataFrame) -> str:
    """Render the page of two runs as self-contained HTML.

    Parameters
    ----------
    document : dict
        As :func:`cryptobt.jobs.compare_runs.compare_runs` makes it; every text in it is escaped.
    equity : DataFrame
        Columns a and b, in quote, by the instants at which a bar of both closes, aware UTC.

    Returns
    -------
    str
        HTML, UTF-8; equal documents and equities give equal pages, byte for byte.
    """
    level = measure(document, "metrics", "sharpe", "difference").level
    parts = {
        "findings": _findings(document),
        "figures": panels_html([growth_panel(equity)]),
        "level": "no level: there are too few bars" if level is None else f"{100 * level:g} %",
        "common": _common(document),
        "own": _own(document),
        "differs": _differs(document),
    }
    ids = [document[which]["run_id"] for which in ("a", "b")]
    simulated = bool(document["simulated"])
    return framed(
        "comparison.html",
        parts,
        title=f"{document['a']['strategy']} against {document['b']['strategy']}",
        under=[
            f"A: {name_of(document, 'a')}",
            f"B: {name_of(document, 'b')}",
            f"{document['first'][:10]} to {document['last'][:10]} · {document['bars']:,} closes of "
            f"{document['interval']} in common",
        ],
        simulated=simulated,
        banner=banner_of(SIMULATED if simulated else ""),
        command=f"cryptobt runs compare {ids[0]} {ids[1]}",
        script="explore.js",
    )


def _findings(document: dict[str, Any]) -> str:
    items = "".join(
        f'<li class="{tone_of(document, name)}">{escape(describe_difference(document, name))}</li>'
        for name in ("sharpe", "cagr")
    )
    return f"<ul>{items}</ul>"


def growth_panel(equity: pd.DataFrame) -> Panel:
    """Draw both accounts from 1 on, and the first over the second; columns a and b, by close."""
    title = "Growth of one unit, and A over B"
    if equity.to_numpy().min() <= 0:
        return Panel(title, "", absent="Not drawn: an account was lost in full.")
    grown = equity / equity.iloc[0]
    grown["ratio"] = grown["a"] / grown["b"]
    lines = thin(grown)
    times = seconds(lines.index)
    ends = ", ".join(f"{which.upper()} {lines[which].iloc[-1]:.2f}" for which in ("a", "b"))
    series = [
        *(Series(which.upper(), _COLOURS[which], 0, lines[which].to_numpy()) for which in "ab"),
        Series("A over B", "stroke", 1, lines["ratio"].to_numpy()),
    ]
    plots = [
        (_plot(lines[["a", "b"]], times, _COLOURS, "growth of 1", 300), f"Growth of one: {ends}."),
        (
            _plot(lines[["ratio"]], times, {"ratio": "stroke"}, "A over B", 130),
            f"Growth of A over that of B; at the end {lines['ratio'].iloc[-1]:.2f}.",
        ),
    ]
    caption = (
        "Both begin at 1 on the first date in common; logarithmic: equal heights are equal "
        "percentages. Below, A over B: it rises where A earns more than B."
    )
    return Panel(title, caption, linked(plots, times, series, "growth of A and B"), wide=True)


def _plot(
    lines: pd.DataFrame, times: np.ndarray, colours: dict[str, str], title: str, height: int
) -> Plot:
    y = growth_scale(lines.to_numpy().ravel())
    x = Scale(float(times[0]), float(times[-1]))
    plot = time_axis(value_axis(Plot(x, y, height=height, title=title, refit=True), ticks.plain))
    plot.level(1.0, "faint")
    for name, colour in colours.items():
        plot.line(times, lines[name].to_numpy(), colour, width=1.8)
    return plot


def _common(document: dict[str, Any]) -> str:
    rows = []
    for name, (label, write) in PAIRED.items():
        found = [measure(document, "metrics", name, which) for which in ("a", "b", "difference")]
        rows.append((label, [_cell(one, write) for one in found]))
    return _table("Both accounts, and the first less the second", ("A", "B", "A − B"), rows)


def _own(document: dict[str, Any]) -> str:
    rows = [
        (label, [_cell(measure(document, "own", name, which), write) for which in ("a", "b")])
        for name, (label, write) in OWN.items()
    ]
    verdicts = [describe_grade(document[which]["verdict"]) for which in ("a", "b")]
    cells = [("verdict", [f"<td>{verdict}</td>" for verdict in verdicts]), *rows]
    return _table("The strategy's account in each run", ("A", "B"), cells)


def _differs(document: dict[str, Any]) -> str:
    if not document["differs"]:
        return "<p>Settings, bars, code and libraries are the same.</p>"
    rows = [
        (one["key"], [f"<td>{escape(written(one[which], _LONGEST))}</td>" for which in ("a", "b")])
        for one in document["differs"]
    ]
    return _table("Settings, bars, code and libraries that are not the same", ("A", "B"), rows)


def _cell(found: Measure, write: Write) -> str:
    if found.value is None:
        return f'<td title="{escape(found.reason)}">{DASH}</td>'
    interval = format_interval(found, write)
    small = f'<span class="interval">{escape(interval)}</span>' if interval else ""
    return f"<td>{escape(write(found.value))}{small}</td>"


def _table(caption: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Write a table that scrolls by itself where the page is narrow."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in ("", *columns))
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>' for label, cells in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
