"""The figure of an account that goes on: equity beside buy-and-hold, and the loss since its top."""

import numpy as np
import pandas as pd

from cryptobt.reports import ticks
from cryptobt.reports.account_figures import drawdown
from cryptobt.reports.canvas import thin
from cryptobt.reports.linked import Series, linked
from cryptobt.reports.live_figures import mark_nights
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.numbers import format_percent
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds, time_axis, value_axis
from cryptobt.reports.strict import classed

_NAMES = {"strategy": "account", "hold": "buy-and-hold"}
_COLOURS = {"strategy": "blue", "hold": "stroke"}
_LEAST = 2


def standing_figure(record: LiveRecord, equity: pd.Series, hold: pd.Series) -> str:
    """Draw equity by night, and below it how far each account is under its highest equity.

    Parameters
    ----------
    record : LiveRecord
        Its late nights are marked, and the ground of its simulated ones.
    equity, hold : Series
        Of the account and of buy-and-hold over the same nights, in quote currency by the bar's
        open time; finite.

    Returns
    -------
    str
        HTML without style attributes; empty where fewer than two nights are known.
    """
    lines = pd.DataFrame({"strategy": equity, "hold": hold})
    if len(lines) < _LEAST:
        return ""
    kept, losses = thin(lines), thin(lines.apply(drawdown), "min")
    times = seconds(kept.index)
    x = Scale(float(times[0]), float(times[-1]))
    plots = [_equity_plot(kept, x, record, equity), _loss_plot(losses, x)]
    read = [
        *(_series(name, kept[name], 0) for name in _NAMES),
        *(_series(name, losses[name], 1) for name in _NAMES),
    ]
    return classed(linked(plots, times, read, "equity and losses of the account"))


def _series(name: str, values: pd.Series, plot: int) -> Series:
    said = _NAMES[name] if plot == 0 else f"loss of {_NAMES[name]}"
    bold = name == "strategy" and plot == 0
    return Series(said, _COLOURS[name], plot, values.to_numpy(), bold)


def _equity_plot(
    lines: pd.DataFrame, x: Scale, record: LiveRecord, equity: pd.Series
) -> tuple[Plot, str]:
    seen = lines.to_numpy().ravel()
    seen = seen[np.isfinite(seen)]
    y = growth_scale(seen) if seen.min() > 0 else Scale(*ticks.padded(seen))
    plot = Plot(x, y, height=260, left=58, title="equity, quote currency", refit=True)
    time_axis(value_axis(plot))
    times = seconds(lines.index)
    plot.line(times, lines["hold"].to_numpy(), _COLOURS["hold"], width=1.2)
    plot.line(times, lines["strategy"].to_numpy(), _COLOURS["strategy"], width=2.2)
    mark_nights(plot, record, equity)
    ends = ", ".join(f"{_NAMES[name]} {lines[name].iloc[-1]:,.0f}" for name in _NAMES)
    return plot, f"Equity in quote currency by night; at the end: {ends}."


def _loss_plot(losses: pd.DataFrame, x: Scale) -> tuple[Plot, str]:
    lowest = float(np.nanmin(losses.to_numpy()))
    y = Scale(min(1.06 * lowest, -0.01), 0.0)
    plot = Plot(x, y, height=110, left=58, title="loss since the highest equity", refit=True)
    time_axis(value_axis(plot, ticks.percent, most=4))
    times = seconds(losses.index)
    own = losses["strategy"].to_numpy()
    plot.area(times, own, np.zeros_like(own), _COLOURS["strategy"], opacity=0.22)
    plot.line(times, losses["hold"].to_numpy(), _COLOURS["hold"], width=1.0)
    plot.line(times, own, _COLOURS["strategy"], width=1.3)
    deepest = format_percent(float(np.nanmin(own)))
    return plot, f"Drawdown by night; the account's deepest is {deepest}."
