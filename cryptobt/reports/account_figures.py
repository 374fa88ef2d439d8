"""The figure on the accounts: who earned more, all on one scale, and what it cost to stay in."""

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports import ticks
from cryptobt.reports.canvas import ROW_COLOURS, VARIABLES, Panel, thin
from cryptobt.reports.linked import Series, linked
from cryptobt.reports.live_figures import mark_nights
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.numbers import ROW_TO_BEAT, ROWS, finite, format_percent, lookup
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds, time_axis, value_axis
from cryptobt.reports.sheet import Sheet

TOO_SHORT = "Not drawn: the account has fewer than two bars."
_ALL_LOST = "Not drawn: every account was lost in full."
_BOLD = ("strategy", ROW_TO_BEAT)


def equity_of(result: BacktestResult) -> pd.Series:
    """Equity in quote currency by the bar's open time, finite values only."""
    equity = result.equity.set_index(columns.TIME)["equity_quote"].astype(float)
    return equity[np.isfinite(equity)]


def drawdown(equity: pd.Series) -> pd.Series:
    """Loss since the highest equity so far, as a fraction: 0 at a high, negative below it."""
    return equity / equity.cummax() - 1.0


def row_colour(row: str) -> str:
    """Name the colour that a row has in every figure."""
    return VARIABLES[ROW_COLOURS[row]]


def equity_panel(sheet: Sheet) -> Panel:
    """Draw the growth of every account that was not lost in full, and the losses on the way."""
    title = "All accounts: growth, and losses on the way"
    accounts = {row: equity_of(sheet.results[row]) for row in ROWS if row in sheet.results}
    accounts = {row: equity for row, equity in accounts.items() if len(equity) > 1}
    grown = {row: equity for row, equity in accounts.items() if equity.min() > 0}
    if not grown:
        return Panel(title, "", absent=_ALL_LOST if accounts else TOO_SHORT)
    band = random_band(sheet)
    caption = _caption(sheet, [row for row in accounts if row not in grown], not band.empty)
    return Panel(title, caption, _draw(grown, accounts, band, sheet.live), wide=True)


def _caption(sheet: Sheet, lost: list[str], banded: bool) -> str:
    caption = (
        "Top: growth of one unit of the quote currency after costs, on a logarithmic scale: equal "
        "heights are equal percentages. The strategy earns its complexity only where blue stays "
        "above orange, the same sizing on the plain trend."
    )
    if banded:
        caption += (
            " Grey ground: where nine of ten strategies stood that hold as much and trade as "
            "often, at random times; inside it, timing has shown nothing."
        )
    caption += (
        " Bottom: loss since the highest equity so far; timing that helps keeps blue above grey."
    )
    if lost:
        caption += f" Lost in full, and not drawn: {', '.join(lost)}."
    if sheet.live is not None and (sheet.live.late or sheet.live.simulated):
        caption += " Triangles: late decisions. Red ground: simulated nights."
    return caption


def random_band(sheet: Sheet) -> pd.DataFrame:
    """Growth of random strategies: index ``time``, columns low, middle, high; empty without."""
    points = lookup(sheet.metrics, "robustness", "random", "band") or []
    names = ("low", "middle", "high")
    known = [point for point in points if all(finite(point.get(name)) for name in names)]
    times = pd.DatetimeIndex(pd.to_datetime([point["time"] for point in known], utc=True))
    values = {name: [float(point[name]) for point in known] for name in names}
    frame = pd.DataFrame(values, index=times, dtype=float)
    return frame[(frame > 0).all(axis=1)]


def _draw(
    grown: dict[str, pd.Series],
    accounts: dict[str, pd.Series],
    band: pd.DataFrame,
    live: LiveRecord | None,
) -> str:
    whole = pd.DataFrame({row: equity / equity.iloc[0] for row, equity in grown.items()})
    lines = thin(whole)
    times = seconds(lines.index)
    x = Scale(float(times[0]), float(times[-1]))
    growth = _growth_plot(lines, times, band, x)
    if live is not None and "strategy" in whole:
        mark_nights(growth, live, whole["strategy"].dropna())
    losses = pd.DataFrame(
        {row: drawdown(accounts[row]) for row in ("strategy", "buy_and_hold") if row in accounts}
    )
    below = thin(losses, "min")
    read = [Series(row, row_colour(row), 0, lines[row].to_numpy(), row in _BOLD) for row in grown]
    ends = ", ".join(f"{row} {lines[row].iloc[-1]:.2f}" for row in grown)
    plots = [(growth, f"Growth of one unit by row; at the end: {ends}.")]
    if len(losses.columns) and len(below) == len(lines):
        plots.append(_loss_plot(below, x))
        read += [
            Series(f"loss of {row}", row_colour(row), 1, below[row].to_numpy())
            for row in map(str, below)
        ]
    return linked(plots, times, read, "growth and losses of the accounts")


def _growth_plot(lines: pd.DataFrame, times: np.ndarray, band: pd.DataFrame, x: Scale) -> Plot:
    seen = np.concatenate([lines.to_numpy().ravel(), band.to_numpy().ravel()])
    y = growth_scale(seen[np.isfinite(seen)])
    plot = time_axis(value_axis(Plot(x, y, height=330, title="growth of 1", refit=True)))
    if not band.empty:
        low, high = band["low"].to_numpy(), band["high"].to_numpy()
        plot.area(seconds(band.index), low, high, "stroke", opacity=0.14)
        plot.line(seconds(band.index), band["middle"].to_numpy(), "stroke", width=1, dashes="2 4")
    # The two that matter last, so that no other line lies over them.
    for row in sorted(map(str, lines), key=lambda row: row in _BOLD):
        bold = row in _BOLD
        plot.line(
            times,
            lines[row].to_numpy(),
            row_colour(row),
            width=2.4 if bold else 1.1,
            # Often the same account as buy_and_hold: dashes let both be seen.
            dashes="6 4" if row == "always_up" else "",
        )
    return plot


def _loss_plot(below: pd.DataFrame, x: Scale) -> tuple[Plot, str]:
    lowest = float(np.nanmin(below.to_numpy()))
    y = Scale(min(1.06 * lowest, -0.01), 0.0)
    plot = Plot(x, y, height=120, title="loss since the highest equity", refit=True)
    time_axis(value_axis(plot, ticks.percent, most=4))
    times = seconds(below.index)
    for row in reversed([str(row) for row in below]):
        line = below[row].to_numpy()
        if row == "strategy":
            plot.area(times, line, np.zeros_like(line), row_colour(row), opacity=0.22)
        plot.line(times, line, row_colour(row), width=1.3 if row == "strategy" else 1.0)
    deepest = below["strategy"].min() if "strategy" in below else lowest
    return plot, f"Drawdowns; the deepest of the strategy is {format_percent(float(deepest))}."
