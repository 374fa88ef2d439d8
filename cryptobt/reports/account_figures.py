"""Figures on the accounts: what was held, what it lost on the way, and who earned more."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports.canvas import (
    BLUE,
    FAINT,
    INK,
    ROW_COLOURS,
    Panel,
    date_axis,
    new_figure,
    percent_axis,
    plain_log_axis,
    thin,
    to_svg,
)
from cryptobt.reports.numbers import ROW_TO_BEAT, ROWS
from cryptobt.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TOO_SHORT = "Not drawn: the account has fewer than two bars."


def account_panels(sheet: Sheet) -> list[Panel]:
    """Draw all accounts on one scale, and the strategy's position under the price."""
    return [_equities(sheet), _position(sheet)]


def equity_of(result: BacktestResult) -> pd.Series:
    """Equity in quote currency by the bar's open time, finite values only."""
    equity = result.equity.set_index(columns.TIME)["equity_quote"].astype(float)
    return equity[np.isfinite(equity)]


def _equities(sheet: Sheet) -> Panel:
    title = "All accounts"
    accounts = {row: equity_of(sheet.results[row]) for row in ROWS if row in sheet.results}
    accounts = {row: equity for row, equity in accounts.items() if len(equity) > 1}
    grown = {row: equity for row, equity in accounts.items() if equity.min() > 0}
    if not grown:
        return Panel(title, "", absent=_TOO_SHORT)
    caption = (
        "Growth of one unit of the quote currency after costs, on a logarithmic scale: equal "
        "heights are equal percentages. The strategy earns its complexity only where blue stays "
        "above orange, the same sizing on the plain trend."
    )
    if lost := [row for row in accounts if row not in grown]:
        caption += f" Lost in full, and not drawn: {', '.join(lost)}."
    return Panel(title, caption, _draw_equities(grown), wide=True)


def _draw_equities(grown: dict[str, pd.Series]) -> str:
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
    plain_log_axis(axes, np.concatenate([line.to_numpy() for line in lines.values()]))
    date_axis(axes)
    axes.margins(x=0.01)
    figure.legend(loc="outside upper center", ncols=4)
    ends = ", ".join(f"{row} {line.iloc[-1]:.2f}" for row, line in lines.items())
    return to_svg(figure, "equity", f"Growth of one unit by row; at the end: {ends}.")


def _position(sheet: Sheet) -> Panel:
    title = "Price, position and drawdown"
    result = sheet.results.get("strategy")
    equity = equity_of(result) if result else pd.Series(dtype=float)
    if result is None or len(equity) < 2:
        return Panel(title, "", absent=_TOO_SHORT)
    caption = (
        f"Top: close of {sheet.symbol}. Middle: share of equity the strategy wants to hold, "
        "decided at each close; a signal that never changes is no signal. Bottom: loss since the "
        "highest equity so far (grey: buy and hold); timing that helps keeps blue above grey."
    )
    return Panel(title, caption, _draw_position(sheet, result, equity), wide=True)


def _draw_position(sheet: Sheet, result: BacktestResult, equity: pd.Series) -> str:
    figure = new_figure(6.2, wide=True)
    price, weight, loss = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.5, 1.7])
    close = thin(sheet.bars["close"].loc[equity.index[0] : equity.index[-1]])
    price.plot(close.index, close, color=INK, linewidth=1.1)
    plain_log_axis(price, close.to_numpy())
    price.set_ylabel("close")
    _draw_weights(weight, result, sheet.symbol)
    _draw_drawdowns(loss, sheet, equity)
    date_axis(loss)
    loss.margins(x=0.01)
    figure.align_ylabels()
    worst = 100 * drawdown(equity).min()
    label = f"Price, target weight and drawdown of the strategy; the deepest is {worst:.1f}%."
    return to_svg(figure, "position", label)


def _draw_weights(axes: "Axes", result: BacktestResult, symbol: str) -> None:
    rows = result.weights[result.weights["symbol"] == symbol].set_index(columns.TIME)
    wanted = thin(rows["target_weight"].astype(float))
    if not wanted.empty:
        axes.fill_between(wanted.index, wanted, step="post", color=BLUE, alpha=0.45, linewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    percent_axis(axes, decimals=0)
    axes.set_ylabel("weight")


def _draw_drawdowns(axes: "Axes", sheet: Sheet, equity: pd.Series) -> None:
    lost = thin(drawdown(equity), "min")
    axes.fill_between(lost.index, lost, color=BLUE, alpha=0.3, linewidth=0)
    axes.plot(lost.index, lost, color=BLUE, linewidth=0.9)
    if "buy_and_hold" in sheet.results:
        held = thin(drawdown(equity_of(sheet.results["buy_and_hold"])), "min")
        axes.plot(held.index, held, color=FAINT, linewidth=0.9)
    percent_axis(axes, decimals=0)
    axes.set_ylabel("drawdown")


def drawdown(equity: pd.Series) -> pd.Series:
    """Loss since the highest equity so far, as a fraction: 0 at a high, negative below it."""
    return equity / equity.cummax() - 1.0
