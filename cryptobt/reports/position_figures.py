"""The figure on what was held: prices, the weight wanted of each symbol, and the losses."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports.account_figures import TOO_SHORT, equity_of
from cryptobt.reports.canvas import (
    BLUE,
    FAINT,
    INK,
    RED,
    SYMBOL_COLOURS,
    Panel,
    date_axis,
    new_figure,
    percent_axis,
    plain_log_axis,
    thin,
    to_svg,
)
from cryptobt.reports.numbers import short_name
from cryptobt.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of each of several symbols: as many as the eye can tell, and no more to draw.
_POINTS = 600


def position_panel(sheet: Sheet) -> Panel:
    """Draw prices, the strategy's weights and its losses under each other."""
    title = "Price, position and drawdown"
    result = sheet.results.get("strategy")
    equity = equity_of(result) if result else pd.Series(dtype=float)
    if result is None or len(equity) < 2:
        return Panel(title, "", absent=TOO_SHORT)
    return Panel(title, _caption(sheet, result), _draw(sheet, result, equity), wide=True)


def _caption(sheet: Sheet, result: BacktestResult) -> str:
    upper = _about_one if len(sheet.bars) == 1 else _about_several
    weights = result.weights[["target_weight", "weight"]]
    shorts = bool((weights.astype(float) < 0).any(axis=None))
    called = len(margin_calls(result))
    return (
        f"{upper(sheet, shorts)} Bottom: loss since the highest equity so far (grey: buy and "
        "hold); timing that helps keeps blue above grey."
    ) + (f" Red: margin calls, {called} in all, which closed all positions." if called else "")


def _about_one(sheet: Sheet, shorts: bool) -> str:
    return (
        f"Top: close of {next(iter(sheet.bars))}. Middle: share of equity the strategy wants to "
        f"hold, {'below zero short, ' if shorts else ''}decided at each close; a signal that never "
        "changes is no signal."
    )


def _about_several(sheet: Sheet, shorts: bool) -> str:
    grey = len(sheet.bars) - len(SYMBOL_COLOURS)
    others = f" The {grey} symbols held least are grey." if grey > 0 else ""
    signs = "longs above zero, shorts below, the line their sum" if shorts else "stacked"
    return (
        f"Top: growth of each symbol's close since its first bar in view.{others} Middle: share of "
        f"equity the strategy wants to hold of each, {signs}; what it holds where it has no "
        "opinion; a signal that never changes is no signal."
    )


def _draw(sheet: Sheet, result: BacktestResult, equity: pd.Series) -> str:
    closes = _closes(sheet, equity.index)
    several = len(closes) > 1
    figure = new_figure(7.4 if several else 6.2, wide=True)
    ratios = [3, 2.2, 1.7] if several else [3, 1.5, 1.7]
    price, weight, loss = figure.subplots(3, 1, sharex=True, height_ratios=ratios)
    if several:
        colours = symbol_colours(list(closes), result)
        _draw_growth(price, closes, colours)
        _draw_stack(weight, wanted_weights(result, list(closes)), colours)
        _draw_legend(figure, colours)
    else:
        _draw_one(price, weight, closes, result)
    weight.axhline(0, color=FAINT, linewidth=0.8)
    percent_axis(weight, decimals=0)
    weight.set_ylabel("weight")
    _draw_drawdowns(loss, sheet, equity)
    _draw_margin_calls(loss, result)
    date_axis(loss)
    loss.margins(x=0.01)
    figure.align_ylabels()
    worst = 100 * drawdown(equity).min()
    label = f"Price, target weight and drawdown of the strategy; the deepest is {worst:.1f}%."
    return to_svg(figure, "position", label)


def _closes(sheet: Sheet, times: pd.Index) -> dict[str, pd.Series]:
    """Cut every symbol's closes to what is in view; those of one may be none."""
    return {symbol: bars["close"].loc[times[0] : times[-1]] for symbol, bars in sheet.bars.items()}


def _draw_one(
    price: "Axes", weight: "Axes", closes: dict[str, pd.Series], result: BacktestResult
) -> None:
    ((symbol, close),) = closes.items()
    close = thin(close)
    price.plot(close.index, close, color=INK, linewidth=1.1)
    plain_log_axis(price, close.to_numpy())
    price.set_ylabel("close")
    rows = result.weights[result.weights["symbol"] == symbol].set_index(columns.TIME)
    wanted = thin(rows["target_weight"].astype(float))
    if not wanted.empty:
        weight.fill_between(wanted.index, wanted, step="post", color=BLUE, alpha=0.45, linewidth=0)


def symbol_colours(symbols: list[str], result: BacktestResult) -> dict[str, str]:
    """Give a colour of its own to each of the symbols held most; the others are grey."""
    held = result.weights["weight"].abs().groupby(result.weights["symbol"]).sum()
    ranked = sorted(symbols, key=lambda symbol: -held.get(symbol, 0.0))
    chosen = ranked[: len(SYMBOL_COLOURS)]
    free = iter(SYMBOL_COLOURS)
    return {symbol: next(free) if symbol in chosen else FAINT for symbol in symbols}


def _draw_legend(figure: "Figure", colours: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    names = [short_name(symbol, 16) for symbol, colour in colours.items() if colour != FAINT]
    shades = [colour for colour in colours.values() if colour != FAINT]
    if others := len(colours) - len(names):
        names.append("1 other" if others == 1 else f"{others} others")
        shades.append(FAINT)
    lines = [Line2D([], [], color=shade, linewidth=2.6) for shade in shades]
    figure.legend(lines, names, loc="outside upper center", ncols=5)


def _draw_growth(axes: "Axes", closes: dict[str, pd.Series], colours: dict[str, str]) -> None:
    lines = {
        symbol: thin(close / close.iloc[0], most=_POINTS)
        for symbol, close in closes.items()
        if len(close)
    }
    for symbol, line in lines.items():
        front = colours[symbol] != FAINT
        width, order = (1.2, 3) if front else (0.9, 2)
        axes.plot(line.index, line, color=colours[symbol], linewidth=width, zorder=order)
    plain_log_axis(axes, np.concatenate([line.to_numpy() for line in lines.values()]))
    axes.set_ylabel("growth")


def wanted_weights(result: BacktestResult, symbols: list[str]) -> pd.DataFrame:
    """Lay the target weights side by side: index ``time``, a column a symbol.

    Where the strategy has no opinion stands the weight that it holds; 0 before a symbol is listed.
    """
    rows = result.weights.set_index(columns.TIME)
    wanted = rows["target_weight"].astype(float).fillna(rows["weight"].astype(float))
    return pd.DataFrame({symbol: wanted[rows["symbol"] == symbol] for symbol in symbols}).fillna(0)


def _draw_stack(axes: "Axes", wanted: pd.DataFrame, colours: dict[str, str]) -> None:
    if wanted.empty:
        return
    drawn = pd.DataFrame({name: thin(wanted[name], most=_POINTS) for name in wanted})
    _stack(axes, drawn.clip(lower=0), colours)
    if (drawn < 0).any(axis=None):
        _stack(axes, drawn.clip(upper=0), colours)
        net = drawn.sum(axis=1)
        axes.plot(net.index, net, drawstyle="steps-post", color="black", linewidth=0.9)


def _stack(axes: "Axes", drawn: pd.DataFrame, colours: dict[str, str]) -> None:
    shades = sorted(set(colours.values()), key=[*SYMBOL_COLOURS, FAINT].index)
    layers = drawn.T.groupby(pd.Series(colours)).sum().T[shades]
    axes.stackplot(
        layers.index, layers.to_numpy().T, colors=shades, step="post", alpha=0.75, linewidth=0
    )


def _draw_drawdowns(axes: "Axes", sheet: Sheet, equity: pd.Series) -> None:
    lost = thin(drawdown(equity), "min")
    axes.fill_between(lost.index, lost, color=BLUE, alpha=0.3, linewidth=0)
    axes.plot(lost.index, lost, color=BLUE, linewidth=0.9)
    if "buy_and_hold" in sheet.results:
        held = thin(drawdown(equity_of(sheet.results["buy_and_hold"])), "min")
        axes.plot(held.index, held, color=FAINT, linewidth=0.9)
    percent_axis(axes)
    axes.set_ylabel("drawdown")


def drawdown(equity: pd.Series) -> pd.Series:
    """Loss since the highest equity so far, as a fraction: 0 at a high, negative below it."""
    return equity / equity.cummax() - 1.0


def margin_calls(result: BacktestResult) -> pd.DatetimeIndex:
    """List the bars at whose close a margin call began to close all positions."""
    orders = result.orders
    # Orders that it cancelled or kept out carry the same reason.
    closing = orders["status"].isin(["filled", "partial", "pending"])
    called = orders[closing & (orders["reason"] == "margin call")]
    return pd.DatetimeIndex(called[columns.TIME].unique())


def _draw_margin_calls(axes: "Axes", result: BacktestResult) -> None:
    called = margin_calls(result)
    if len(called):
        across = axes.get_xaxis_transform()
        axes.vlines(called, 0, 1, transform=across, color=RED, linewidth=1.0)
