"""Figures on the calls of up and down: what probabilities meant, and how luck came and went."""

import numpy as np
import pandas as pd

from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel, thin
from cryptobt.reports.forecast_figures import (
    MIN_FORECASTS,
    accuracy_drawing,
    calls_of,
    hit_rate_panel,
    missing,
)
from cryptobt.reports.linked import key
from cryptobt.reports.numbers import finite, format_percent, lookup
from cryptobt.reports.plot import Plot, Scale, value_axis
from cryptobt.reports.sheet import Sheet

ROLLING = 250


def direction_panels(sheet: Sheet, matched: pd.DataFrame) -> list[Panel]:
    """Draw the calibration of the probabilities, and the hit rate as it grew and as it rolled."""
    return [
        calibration_panel(sheet),
        hit_rate_panel(sheet, matched),
        _rolling(sheet, matched),
    ]


def calibration_panel(sheet: Sheet) -> Panel:
    """Draw how often the price rose where a probability of rising was said."""
    title = "Probability said against share that came"
    if sheet.forecaster is None:
        return Panel(title, "", absent=missing(pd.DataFrame()))
    names = ("said", "came", "came_low", "came_high", "n")
    found = lookup(sheet.metrics, "calibration") or []
    bins = [one for one in found if all(finite(one.get(name)) is not None for name in names)]
    if not bins:
        return Panel(title, "", absent="Not drawn: no probability was calibrated and judged.")
    caption = (
        "Tenths of the probability of a rise that was said; up, the share of rises that came, with "
        "its range; grey bars count the forecasts. On the diagonal, probabilities mean what "
        "they say. Points that all lie near one height say that nothing was known."
    )
    return Panel(title, caption, _draw_calibration(pd.DataFrame(bins)[list(names)].astype(float)))


def _draw_calibration(bins: pd.DataFrame) -> str:
    said, came, low, high, n = (bins[name].to_numpy() for name in bins)
    x = Scale(*ticks.padded(said, 0.15))
    y = Scale(*ticks.padded(np.concatenate([low, high, [0.45, 0.55]])))
    plot = Plot(x, y, height=250, title="share of rises that came", x_title="probability said")
    value_axis(plot, ticks.percent)
    plot.x_ticks = ticks.linear_ticks(x.low, x.high, ticks.percent, 6)
    half = 0.012 * (x.high - x.low)
    heights = y.low + 0.3 * (y.high - y.low) * n / n.max()
    plot.bars(said - half, said + half, y.low, heights, "faint", opacity=0.45)
    ends = np.array([max(x.low, y.low), min(x.high, y.high)])
    plot.line(ends, ends, "stroke", dashes="5 4")
    plot.whiskers(said, low, high, "blue")
    plot.dots(said, came, "blue")
    names = [("came", "blue"), ("as said", "stroke"), ("number of forecasts", "faint")]
    holds = int(((low <= said) & (said <= high)).sum())
    label = f"Calibration: {holds} of {len(bins)} ranges hold the probability that was said."
    return key(names) + plot.html(label)


def _rolling(sheet: Sheet, matched: pd.DataFrame) -> Panel:
    title = f"Share of directions called right, last {ROLLING} calls"
    called, came = calls_of(matched)
    if len(called) < MIN_FORECASTS:
        return Panel(title, "", absent=missing(called.to_frame()))
    if len(called) <= ROLLING:
        few = f"Not drawn: {len(called)} calls are too few; more than {ROLLING} are needed."
        return Panel(title, "", absent=few)
    right = (called == came).astype(float).rolling(ROLLING).mean()
    up = (came > 0).astype(float).rolling(ROLLING).mean()
    band = 1.96 * np.sqrt(up * (1 - up) / ROLLING)
    lines = pd.DataFrame({"rate": right, "up": up, "band": band}).dropna()
    # Of several symbols, the last call of a date stands for it.
    lines = lines[~lines.index.duplicated(keep="last")]
    outside = float((lines["rate"] > lines["up"] + lines["band"]).mean())
    pooled = " All symbols in one line." if len(sheet.bars) > 1 else ""
    caption = (
        f"Each point looks back over {ROLLING} calls.{pooled} Grey: the binomial 95% range of one "
        f"who is right as often as always saying up. It stood above the grey "
        f"{format_percent(outside, 0)} of the time; luck alone does so 2.5% of the time, in runs."
    )
    said = f"Rolling hit rate; above the range of luck {format_percent(outside, 0)} of the time."
    return Panel(title, caption, accuracy_drawing(thin(lines), said, title), wide=True)
