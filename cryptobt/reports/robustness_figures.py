"""Figures on robustness: what costs do to the account, and where luck alone would have put it."""

from typing import Any

import numpy as np

from cryptobt.reports import ticks
from cryptobt.reports.account_figures import row_colour
from cryptobt.reports.canvas import Panel
from cryptobt.reports.linked import key
from cryptobt.reports.numbers import (
    ROW_TO_BEAT,
    finite,
    format_basis_points,
    format_probability,
    format_ratio,
    lookup,
    measure,
    performance,
)
from cryptobt.reports.plot import Plot, Scale, value_axis

ROWS = ("strategy", ROW_TO_BEAT, "buy_and_hold")
BREAK_EVENS = (
    ("break_even_bps", "Sharpe ratio is 0"),
    ("break_even_excess_bps", "return is that of the same exposure without a forecast"),
    ("break_even_holding_bps", "Sharpe ratio is that of buy and hold"),
)


def robustness_panels(metrics: dict[str, Any]) -> list[Panel]:
    """Draw the cost curve and the random strategies."""
    return [_costs(metrics), _random(metrics)]


def _costs(metrics: dict[str, Any]) -> Panel:
    title = "Sharpe ratio by the cost of a fill"
    points = lookup(metrics, "robustness", "costs") or []
    if len(points) < 2:
        return Panel(title, "", absent="Not drawn: costs were not varied in this run.")
    assumed = finite(lookup(metrics, "robustness", "assumed_bps"))
    caption = (
        "Fees and slippage of a fill together; all rows pay them. Dashed: what this run assumes. "
        f"Where the strategy's Sharpe ratio is 0: {_break_even(metrics)}."
    )
    return Panel(title, caption, _draw_costs(metrics, points, assumed))


def _break_even(metrics: dict[str, Any]) -> str:
    found = measure(metrics, "robustness", "break_even_bps")
    return found.reason if found.value is None else format_basis_points(found.value)


def _draw_costs(metrics: dict[str, Any], points: list[Any], assumed: float | None) -> str:
    bps = np.array([finite(point.get("bps")) for point in points], dtype=float)
    lines = {
        row: np.array([finite(lookup(point, "sharpe", row)) for point in points], dtype=float)
        for row in ROWS
    }
    seen = np.concatenate([*lines.values(), [0.0]])
    plot = Plot(
        Scale(float(np.nanmin(bps)), float(np.nanmax(bps))), Scale(*ticks.padded(seen)),
        height=250, title="Sharpe ratio, a year", x_title="cost of a fill, bps",
    )  # fmt: skip
    value_axis(plot)
    plot.x_ticks = ticks.linear_ticks(plot.x.low, plot.x.high, ticks.plain, 6)
    plot.level(0.0, "stroke", dashes="", width=0.9)
    if assumed is not None and plot.x.low <= assumed <= plot.x.high:
        plot.upright([assumed], "stroke", dashes="5 4")
    for row in reversed(ROWS):
        plot.line(bps, lines[row], row_colour(row), width=2.2 if row == "strategy" else 1.4)
    zero = measure(metrics, "robustness", "break_even_bps").value
    if zero is not None and plot.x.low <= zero <= plot.x.high:
        plot.dots(np.array([zero]), np.array([0.0]), row_colour("strategy"), size=9)
    ends = ", ".join(
        f"{row} {format_ratio(finite(line[0]))} to {format_ratio(finite(line[-1]))}"
        for row, line in lines.items()
    )
    said = f"Sharpe ratios from {bps[0]:g} to {bps[-1]:g} bps a fill: {ends}."
    return key([(row, row_colour(row)) for row in ROWS]) + plot.html(said)


def _random(metrics: dict[str, Any]) -> Panel:
    title = "Against random strategies"
    at = ("robustness", "random")
    edges, counts = (lookup(metrics, *at, "histogram", name) or [] for name in ("edges", "counts"))
    draws = finite(lookup(metrics, *at, "draws"))
    if draws is None or len(counts) < 1 or len(edges) != len(counts) + 1:
        return Panel(title, "", absent="Not drawn: no random strategies were drawn in this run.")
    found = measure(metrics, *at, "p_value")
    turnover = finite(lookup(metrics, *at, "turnover_per_year"))
    share = ""
    if found.value is not None:
        p = format_probability(found.value)
        share = f" p {p if p.startswith('<') else f'= {p}'}: the share of them that did as well."
    caption = (
        f"Sharpe ratios of {draws:,.0f} strategies that hold as much "
        f"({100 * (finite(lookup(metrics, *at, 'exposure')) or 0):.0f}% of equity on average) and "
        f"trade as often ({format_ratio(turnover, 1)} times a year), at random times. Blue: the "
        f"strategy.{share}"
    )
    return Panel(title, caption, _draw_random(metrics, np.array(edges), np.array(counts)))


def _draw_random(metrics: dict[str, Any], edges: np.ndarray, counts: np.ndarray) -> str:
    ours = performance(metrics, "strategy", "sharpe").value
    seen = np.append(edges, [] if ours is None else [ours])
    plot = Plot(
        Scale(*ticks.padded(seen.astype(float), 0.02)), Scale(0.0, 1.08 * float(counts.max() or 1)),
        height=250, title="random strategies", x_title="Sharpe ratio, a year",
    )  # fmt: skip
    value_axis(plot)
    plot.x_ticks = ticks.linear_ticks(plot.x.low, plot.x.high, ticks.plain, 6)
    plot.bars(edges[:-1], edges[1:], 0.0, counts, "faint", opacity=0.65)
    said = "Sharpe ratios of random strategies."
    ends = [finite(lookup(metrics, "robustness", "random", "sharpe", q)) for q in ("q05", "q95")]
    known = [end for end in ends if end is not None]
    plot.upright(known, "stroke", dashes="3 4", width=1)
    names = [("random strategies", "faint"), ("5% and 95% of them", "stroke")]
    if ours is not None:
        plot.upright([ours], "blue", width=2.6)
        names.append(("the strategy", "blue"))
        said += f" The strategy's is {format_ratio(ours)}."
    if len(known) == 2:
        said += f" Nine of ten lie within {format_ratio(known[0])} and {format_ratio(known[1])}."
    return key(names) + plot.html(said)
