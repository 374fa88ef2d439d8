"""The section from gross to net: where a year's return comes from, and what takes it."""

from typing import Any

import numpy as np

from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel
from cryptobt.reports.grid import absent, grid, number, words
from cryptobt.reports.numbers import format_percent, lookup, measure
from cryptobt.reports.page import panel_html
from cryptobt.reports.plot import Plot, Scale

_PARTS = (
    ("holding", "holding its mean weight of each symbol all the time: no forecast is needed"),
    ("timing", "being in or out at the right times, at its usual size"),
    ("sizing", "holding more when more was earned, while in"),
    ("execution", "filling at the next open instead of the close"),
    ("gross", "before costs"),
    ("fees", "paid to the exchange"),
    ("slippage", "lost between the price seen and the price paid"),
    ("funding", "paid for borrowed coins and money"),
    ("net", "after costs"),
)
_SUMS = ("gross", "net")
_PAID = ("fees", "slippage", "funding")


def attribution_section(metrics: dict[str, Any]) -> str:
    """Write the waterfall and its table."""
    if not isinstance(lookup(metrics, "attribution"), dict):
        return absent("This run was not taken apart: it was made before there was a way to.")
    rows = [
        (name, number(measure(metrics, "attribution", name), format_percent), words(meaning))
        for name, meaning in _PARTS
    ]
    table = grid("Parts of the return of a year", ("Part", "A year", "What it is"), rows)
    return f'<div class="panels">{panel_html(waterfall_panel(metrics))}<div>{table}</div></div>'


def waterfall_panel(metrics: dict[str, Any]) -> Panel:
    """Draw how the parts add up to the gross return, and what is left of it."""
    title = "Where a year's return comes from"
    found = {name: measure(metrics, "attribution", name) for name, _ in _PARTS}
    absences = [one.reason for one in found.values() if one.value is None]
    if absences:
        return Panel(title, "", absent=f"Not drawn: {absences[0]}.")
    values = {name: one.value for name, one in found.items() if one.value is not None}
    caption = (
        "Sums of simple returns of a bar, a year; not compounded. Only timing and sizing can come "
        "from a forecast: a strategy that lives from holding can be had without one."
    )
    return Panel(title, caption, _draw(values))


def _draw(values: dict[str, float]) -> str:
    signed = {name: -value if name in _PAID else value for name, value in values.items()}
    low, high = _ends(signed)
    count = len(signed)
    least, most = ticks.padded(np.concatenate([low, high, [0.0]]), 0.05)
    # The words of the longest bar stand to its right.
    x = Scale(least, most + 0.22 * (most - least))
    plot = Plot(x, Scale(0.0, count), height=30 * count, left=76, x_title="return a year")
    plot.x_ticks = ticks.linear_ticks(x.low, x.high, ticks.percent, 6)
    for place, (name, value) in enumerate(signed.items()):
        shade = "blue" if name in _SUMS else "green" if value >= 0 else "red"
        y = count - place - 0.5
        plot.y_ticks.append((y, name))
        ends = low[place : place + 1], high[place : place + 1]
        plot.bars(*ends, y - 0.36, y + 0.36, shade, opacity=0.8)
        plot.say(float(high[place]), y, f" {format_percent(value)}", "ink", "start", lift=-4)
    plot.upright([0.0], "stroke", width=0.9)
    said = ", ".join(f"{name} {format_percent(value)}" for name, value in signed.items())
    return plot.html(f"Return a year: {said}.")


def _ends(signed: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the bars: each part begins where the one before it ended."""
    stood, ends = 0.0, []
    for name, value in signed.items():
        begins = 0.0 if name in _SUMS else stood
        stood = begins + value
        ends.append(sorted((begins, stood)))
    low, high = np.array(ends).T
    return low, high
