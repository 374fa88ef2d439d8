"""The figure on the accounts: who earned more, all on one scale."""

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports.canvas import (
    ROW_COLOURS,
    Panel,
    date_axis,
    new_figure,
    plain_log_axis,
    thin,
    to_svg,
)
from cryptobt.reports.live_figures import mark_nights
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.numbers import ROW_TO_BEAT, ROWS
from cryptobt.reports.sheet import Sheet

TOO_SHORT = "Not drawn: the account has fewer than two bars."
_ALL_LOST = "Not drawn: every account was lost in full."


def equity_of(result: BacktestResult) -> pd.Series:
    """Equity in quote currency by the bar's open time, finite values only."""
    equity = result.equity.set_index(columns.TIME)["equity_quote"].astype(float)
    return equity[np.isfinite(equity)]


def equity_panel(sheet: Sheet) -> Panel:
    """Draw the growth of every account that was not lost in full."""
    title = "All accounts"
    accounts = {row: equity_of(sheet.results[row]) for row in ROWS if row in sheet.results}
    accounts = {row: equity for row, equity in accounts.items() if len(equity) > 1}
    grown = {row: equity for row, equity in accounts.items() if equity.min() > 0}
    if not grown:
        return Panel(title, "", absent=_ALL_LOST if accounts else TOO_SHORT)
    caption = (
        "Growth of one unit of the quote currency after costs, on a logarithmic scale: equal "
        "heights are equal percentages. The strategy earns its complexity only where blue stays "
        "above orange, the same sizing on the plain trend."
    )
    if lost := [row for row in accounts if row not in grown]:
        caption += f" Lost in full, and not drawn: {', '.join(lost)}."
    if sheet.live is not None and (sheet.live.late or sheet.live.simulated):
        caption += " Triangles: late decisions. Red ground: simulated nights."
    return Panel(title, caption, _draw_equities(grown, sheet.live), wide=True)


def _draw_equities(grown: dict[str, pd.Series], live: LiveRecord | None) -> str:
    figure = new_figure(4.3, wide=True)
    axes = figure.subplots()
    lines = {row: thin(equity / equity.iloc[0]) for row, equity in grown.items()}
    for row, line in lines.items():
        bold = row in ("strategy", ROW_TO_BEAT)
        axes.plot(
            line.index,
            line,
            color=ROW_COLOURS[row],
            linewidth=2.1 if bold else 1.0,
            # Often the same account as buy_and_hold: dashes let both be seen.
            linestyle="--" if row == "always_up" else "-",
            zorder=3 if bold else 2,
            label=row,
        )
    if live is not None and "strategy" in grown:
        ours = grown["strategy"]
        mark_nights(axes, live, ours / ours.iloc[0])
    plain_log_axis(axes, np.concatenate([line.to_numpy() for line in lines.values()]))
    date_axis(axes)
    axes.margins(x=0.01)
    figure.legend(loc="outside upper center", ncols=4)
    ends = ", ".join(f"{row} {line.iloc[-1]:.2f}" for row, line in lines.items())
    return to_svg(figure, "equity", f"Growth of one unit by row; at the end: {ends}.")
