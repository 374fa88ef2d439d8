"""The figure on what was held: prices, and the weight wanted of each symbol."""

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports import ticks
from cryptobt.reports.account_figures import TOO_SHORT, equity_of
from cryptobt.reports.canvas import FAINT, SYMBOL_COLOURS, Panel, thin
from cryptobt.reports.linked import Series, key, linked
from cryptobt.reports.numbers import short_name
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds, time_axis, value_axis
from cryptobt.reports.sheet import Sheet

# Of each of several symbols: as many as the eye can tell, and no more to draw.
_POINTS = 600


def position_panel(sheet: Sheet) -> Panel:
    """Draw prices and the strategy's weights under each other."""
    title = "Price and position"
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
    red = f" Red: margin calls, {called} in all, which closed all positions." if called else ""
    return upper(sheet, shorts) + red


def _about_one(sheet: Sheet, shorts: bool) -> str:
    return (
        f"Top: close of {next(iter(sheet.bars))}. Bottom: share of equity the strategy wants to "
        f"hold, {'below zero short, ' if shorts else ''}decided at each close; a signal that never "
        "changes is no signal."
    )


def _about_several(sheet: Sheet, shorts: bool) -> str:
    grey = len(sheet.bars) - len(SYMBOL_COLOURS)
    others = f" The {grey} symbols held least are grey." if grey > 0 else ""
    signs = "longs above zero, shorts below, the line their sum" if shorts else "stacked"
    return (
        f"Top: growth of each symbol's close since its first bar in view.{others} Bottom: share of "
        f"equity the strategy wants to hold of each, {signs}; what it holds where it has no "
        "opinion; a signal that never changes is no signal."
    )


def _draw(sheet: Sheet, result: BacktestResult, equity: pd.Series) -> str:
    closes = _closes(sheet, equity.index)
    ends = seconds(equity.index[[0, -1]])
    x = Scale(float(ends[0]), float(ends[-1]))
    wanted = wanted_weights(result, list(closes))
    if len(closes) == 1:
        return _draw_one(closes, wanted, result, x)
    colours = symbol_colours(list(closes), result)
    price = _growth_plot(closes, colours, x)
    weight = _weight_plot(wanted, x)
    _draw_stack(weight, wanted, colours)
    _mark_margin_calls(weight, result)
    drawn = price.html("Growth of each symbol's close.") + weight.html(_held(wanted))
    return key(_names(colours)) + drawn


def _held(wanted: pd.DataFrame) -> str:
    mean = wanted.abs().sum(axis=1).mean() if len(wanted) else 0.0
    return f"Weights that the strategy wants; {100 * mean:.0f}% of equity on average."


def _closes(sheet: Sheet, times: pd.Index) -> dict[str, pd.Series]:
    """Cut every symbol's closes to what is in view; those of one may be none."""
    return {symbol: bars["close"].loc[times[0] : times[-1]] for symbol, bars in sheet.bars.items()}


def _draw_one(
    closes: dict[str, pd.Series], wanted: pd.DataFrame, result: BacktestResult, x: Scale
) -> str:
    ((symbol, close),) = closes.items()
    both = thin(pd.DataFrame({"close": close, "weight": wanted[symbol]}).dropna(subset=["close"]))
    times, prices = seconds(both.index), both["close"].to_numpy(dtype=float)
    price = Plot(x, growth_scale(prices), height=220, left=58, title="close", refit=True)
    time_axis(value_axis(price)).line(times, prices, "stroke")
    weight = _weight_plot(wanted, x, left=58)
    weights = both["weight"].to_numpy(dtype=float)
    weight.area(times, 0.0, weights, "blue", opacity=0.45, step=True)
    _mark_margin_calls(weight, result)
    read = [Series("close", "stroke", 0, prices), Series("weight wanted", "blue", 1, weights)]
    said = f"Close of {symbol}, {prices[0]:,.6g} at first and {prices[-1]:,.6g} at last."
    return linked([(price, said), (weight, _held(wanted))], times, read, "price and position")


def symbol_colours(symbols: list[str], result: BacktestResult) -> dict[str, str]:
    """Give a colour of its own to each of the symbols held most; the others are grey."""
    held = result.weights["weight"].abs().groupby(result.weights["symbol"]).sum()
    ranked = sorted(symbols, key=lambda symbol: -held.get(symbol, 0.0))
    chosen = ranked[: len(SYMBOL_COLOURS)]
    free = iter(SYMBOL_COLOURS)
    return {symbol: next(free) if symbol in chosen else FAINT for symbol in symbols}


def _shade(colour: str) -> str:
    """Name the colour of a symbol in the style sheet."""
    return "faint" if colour == FAINT else f"symbol-{SYMBOL_COLOURS.index(colour)}"


def _names(colours: dict[str, str]) -> list[tuple[str, str]]:
    named = [
        (short_name(symbol, 16), _shade(shade))
        for symbol, shade in colours.items()
        if shade != FAINT
    ]
    others = len(colours) - len(named)
    return named + ([("1 other" if others == 1 else f"{others} others", "faint")] if others else [])


def _growth_plot(closes: dict[str, pd.Series], colours: dict[str, str], x: Scale) -> Plot:
    lines = {
        symbol: thin(close / close.iloc[0], most=_POINTS)
        for symbol, close in closes.items()
        if len(close)
    }
    y = growth_scale(np.concatenate([line.to_numpy(dtype=float) for line in lines.values()]))
    plot = time_axis(value_axis(Plot(x, y, height=220, title="growth of the close")))
    for symbol in sorted(lines, key=lambda symbol: colours[symbol] != FAINT):
        line = lines[symbol]
        width = 1.0 if colours[symbol] == FAINT else 1.4
        plot.line(
            seconds(line.index), line.to_numpy(dtype=float), _shade(colours[symbol]), width=width
        )
    return plot


def wanted_weights(result: BacktestResult, symbols: list[str]) -> pd.DataFrame:
    """Lay the target weights side by side: index ``time``, a column a symbol.

    Where the strategy has no opinion stands the weight that it holds; 0 before a symbol is listed.
    """
    rows = result.weights.set_index(columns.TIME)
    wanted = rows["target_weight"].astype(float).fillna(rows["weight"].astype(float))
    return pd.DataFrame({symbol: wanted[rows["symbol"] == symbol] for symbol in symbols}).fillna(0)


def _weight_plot(wanted: pd.DataFrame, x: Scale, left: int = 48) -> Plot:
    long = float(wanted.clip(lower=0).sum(axis=1).max()) if len(wanted) else 1.0
    short = float(wanted.clip(upper=0).sum(axis=1).min()) if len(wanted) else 0.0
    y = Scale(1.05 * min(short, 0.0), 1.05 * max(long, 0.1 if short < 0 else 1.0, 0.0))
    plot = Plot(x, y, height=110, left=left, title="weight wanted")
    time_axis(value_axis(plot, ticks.percent, most=4)).level(0.0, "faint", dashes="", width=0.8)
    return plot


def _draw_stack(plot: Plot, wanted: pd.DataFrame, colours: dict[str, str]) -> None:
    if wanted.empty:
        return
    drawn = thin(wanted, most=_POINTS)
    times = seconds(drawn.index)
    _stack(plot, times, drawn.clip(lower=0), colours)
    if (drawn < 0).any(axis=None):
        _stack(plot, times, drawn.clip(upper=0), colours)
        plot.line(times, drawn.sum(axis=1).to_numpy(), "ink", width=1, step=True)


def _stack(plot: Plot, times: np.ndarray, drawn: pd.DataFrame, colours: dict[str, str]) -> None:
    shades = sorted(set(colours.values()), key=[*SYMBOL_COLOURS, FAINT].index)
    layers = drawn.T.groupby(pd.Series(colours)).sum().T[shades]
    top = layers.cumsum(axis=1)
    for shade in shades:
        high = top[shade].to_numpy()
        low = high - layers[shade].to_numpy()
        plot.area(times, low, high, _shade(shade), opacity=0.75, step=True)


def margin_calls(result: BacktestResult) -> pd.DatetimeIndex:
    """List the bars at whose close a margin call began to close all positions."""
    orders = result.orders
    # Orders that it cancelled or kept out carry the same reason.
    closing = orders["status"].isin(["filled", "partial", "pending"])
    called = orders[closing & (orders["reason"] == "margin call")]
    return pd.DatetimeIndex(called[columns.TIME].unique())


def _mark_margin_calls(plot: Plot, result: BacktestResult) -> None:
    called = margin_calls(result)
    if len(called):
        plot.upright(seconds(called).tolist(), "red")
