"""Figures of an evaluation: forecast beside price, predicted beside realised change, losses."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core.time import naive_utc
from cryptobt.core.types import Explanation
from cryptobt.reports.canvas import (
    BLUE,
    INK,
    MAX_POINTS,
    ORANGE,
    Panel,
    date_axis,
    new_figure,
    percent_axis,
    plain_log_axis,
    thin,
    to_svg,
)
from cryptobt.reports.evaluation_sheet import BASE, EvaluationSheet, names, of
from cryptobt.reports.numbers import format_percent, format_ratio, symbols

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_DRAWN = 6
LATEST_BARS = 90
MIN_PAIRS = 10


def nearest_rows(sheet: EvaluationSheet) -> pd.DataFrame:
    """Predictions of the nearest horizon with a predicted number and a known outcome."""
    frame = sheet.frame
    rows = frame[frame["horizon_bars"] == sheet.document["horizons"][0]]
    return rows[rows["predicted_return"].notna() & rows["actual_return"].notna()]


def drawn(sheet: EvaluationSheet) -> tuple[list[str], list[str]]:
    """Forecasters whose numbers are drawn, persistence last, and those left out for length."""
    having = set(nearest_rows(sheet)["forecaster"])
    found = [name for name in names(sheet.document) if name in having and name != BASE]
    shown = found[: MAX_DRAWN - 1]
    return [*shown, *([BASE] if BASE in having else [])], found[MAX_DRAWN - 1 :]


def forecast_panels(sheet: EvaluationSheet) -> list[Panel]:
    """Draw each forecaster's price beside the price that came, and its change beside the real."""
    rows, panels = nearest_rows(sheet), []
    first = symbols(sheet.document)[0]
    shown, left = drawn(sheet)
    for number, name in enumerate(shown):
        own = rows[rows["forecaster"] == name]
        panels += [
            _price(sheet, own[own["symbol"] == first], name, f"price{number}"),
            _change(own, name, f"change{number}"),
        ]
    if left:
        said = f"Not drawn, to keep the page short: {', '.join(left)}."
        panels.append(Panel("Other forecasters", "", absent=said, wide=True))
    return panels


def _price(sheet: EvaluationSheet, rows: pd.DataFrame, name: str, mark: str) -> Panel:
    title = f"{name}: forecast against price"
    if len(rows) < MIN_PAIRS:
        return Panel(title, "", absent=f"Not drawn: {len(rows)} forecasts are too few.")
    symbol, horizon = str(rows["symbol"].iloc[0]), str(sheet.document["horizons"][0])
    several = len(symbols(sheet.document)) > 1
    path = (*(("per_symbol", symbol) if several else ()), "price", "r2")
    r2 = format_ratio(of(sheet.document, name, horizon, *path).value, 4)
    still = format_ratio(of(sheet.document, BASE, horizon, *path).value, 4)
    unit = str(rows["unit"].iloc[0])
    caption = (
        f"{symbol} in {unit}: above all dates, below the last {min(LATEST_BARS, len(rows))} bars. "
        f"R² {r2}, persistence {still}: a forecast that repeats the last close looks as near."
    )
    return Panel(title, caption, _draw_price(rows, name, unit, mark))


def _draw_price(rows: pd.DataFrame, name: str, unit: str, mark: str) -> str:
    figure = new_figure(4.4)
    above, below = figure.subplots(2, 1)
    index = naive_utc(pd.DatetimeIndex(rows["time"]))
    actual = pd.Series(rows["actual"].to_numpy(), index)
    predicted = pd.Series(rows["predicted"].to_numpy(), index)
    for axes, part in ((above, slice(None)), (below, slice(-LATEST_BARS, None))):
        for series, colour, label in ((actual, INK, "actual"), (predicted, ORANGE, "predicted")):
            line = thin(series.iloc[part])
            axes.plot(line.index, line, color=colour, linewidth=1.1, label=label)
        plain_log_axis(axes, np.concatenate([actual.iloc[part], predicted.iloc[part]]))
        axes.set_ylabel(unit)
        axes.margins(x=0.01)
        date_axis(axes)
    above.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    return to_svg(figure, mark, f"Prices predicted by {name} and those that came.")


def _change(rows: pd.DataFrame, name: str, mark: str) -> Panel:
    title = f"{name}: predicted against realised change"
    if len(rows) < MIN_PAIRS:
        return Panel(title, "", absent=f"Not drawn: {len(rows)} forecasts are too few.")
    predicted = np.expm1(rows["predicted_return"].to_numpy())
    actual = np.expm1(rows["actual_return"].to_numpy())
    if not predicted.any():
        return Panel(title, "", absent="Not drawn: it predicts no change, always.")
    ratio = predicted.std() / actual.std() if actual.std() > 0 else np.nan
    caption = (
        "One point a forecast, the 1% at the edges left out of view. On the dashed line the "
        "forecast is exact. Its changes vary "
        f"{format_percent(ratio, 0)} as much as the real ones; points that fill a cloud "
        "without a slope know nothing."
    )
    return Panel(title, caption, _draw_change(predicted, actual, name, mark))


def _draw_change(predicted: np.ndarray, actual: np.ndarray, name: str, mark: str) -> str:
    figure = new_figure(4.4)
    axes = figure.subplots()
    kept = slice(None, None, -(-len(actual) // MAX_POINTS))
    axes.scatter(predicted[kept], actual[kept], s=5, color=BLUE, alpha=0.4, linewidths=0)
    wide, tall = _span(predicted), _span(actual)
    reach = max(tall, wide)
    axes.plot([-reach, reach], [-reach, reach], color=ORANGE, linestyle="--", linewidth=1)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_xlim(-wide, wide)
    axes.set_ylim(-tall, tall)
    percent_axis(axes)
    percent_axis(axes, "x")
    axes.set_xlabel("predicted change")
    axes.set_ylabel("change that came")
    return to_svg(figure, mark, f"Changes predicted by {name} against those that came.")


def _span(values: np.ndarray) -> float:
    span = float(np.quantile(np.abs(values), 0.99))
    return span if span > 0 else 0.01


def loss_panels(sheet: EvaluationSheet) -> list[Panel]:
    """Draw the training and validation loss of every net, median of its folds."""
    found = [
        (name, symbol, explanation)
        for (name, symbol), explanation in sheet.explanations.items()
        if symbol == symbols(sheet.document)[0]
    ]
    if not found:
        return [Panel("How the nets learnt", "", absent="Not drawn: there is no net among them.")]
    several = len(symbols(sheet.document)) > 1
    return [
        _losses(f"{name}, {symbol}" if several else name, explanation, f"losses{number}")
        for number, (name, symbol, explanation) in enumerate(found)
    ]


def _losses(name: str, explanation: Explanation, mark: str) -> Panel:
    caption = (
        "Median of the folds by epoch, while at least half of them still learn; thin: each fold. "
        "Where training falls and validation does not, the net learns its past by heart."
    )
    return Panel(f"{name}: loss", caption, _draw_losses(explanation, name, mark))


def _draw_losses(explanation: Explanation, name: str, mark: str) -> str:
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(3.0)
    axes = figure.subplots()
    for kind, colour in (("train", BLUE), ("validation", ORANGE)):
        _draw_loss(axes, explanation, kind, colour)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper right", ncols=2)
    return to_svg(figure, mark, f"Training and validation loss of {name} by epoch.")


def _draw_loss(axes: "Axes", explanation: Explanation, kind: str, colour: str) -> None:
    by_fold = pd.DataFrame(
        {fold: frame.groupby("epoch")[kind].mean() for fold, frame in explanation.losses.items()}
    ).sort_index()
    for fold in by_fold.columns:
        axes.plot(by_fold.index, by_fold[fold], color=colour, alpha=0.18, linewidth=0.6)
    enough = by_fold.notna().sum(axis=1) * 2 >= by_fold.shape[1]
    median = by_fold[enough].median(axis=1)
    marker = "o" if len(median) == 1 else None  # one epoch draws no line
    axes.plot(median.index, median, color=colour, linewidth=2, label=kind, marker=marker)
