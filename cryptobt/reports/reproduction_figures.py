"""Figures of a reproduction: forecasts against what came, and how the networks learnt."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.time import naive_utc
from cryptobt.reports.canvas import (
    BLUE,
    ORANGE,
    SYMBOL_COLOURS,
    Panel,
    date_axis,
    new_figure,
    plain_log_axis,
    to_svg,
)

COLUMN_WORDS = {"own": "own recipe", "twin": "honest twin"}
_COLOURS = {"own": ORANGE, "twin": BLUE}
_STILL = SYMBOL_COLOURS[2]


@dataclass(frozen=True)
class Curves:
    """Losses of one network by epoch.

    Attributes
    ----------
    losses : DataFrame
        Columns epoch, train, validation; in ``unit``.
    """

    title: str
    unit: str
    losses: pd.DataFrame


@dataclass(frozen=True)
class Figures:
    """What the page draws.

    Attributes
    ----------
    times : DatetimeIndex
        Bars at which the forecasts were made.
    actual, last_close : ndarray, shape (n,)
        Price that came, and the price at the forecast.
    predicted : dict
        ``own`` and ``twin`` to predicted prices, shape (n,).
    """

    times: pd.DatetimeIndex
    actual: np.ndarray
    last_close: np.ndarray
    predicted: Mapping[str, np.ndarray]
    curves: tuple[Curves, ...]


def forecast_panel(figures: Figures, unit: str) -> Panel:
    """Draw what was forecast for each test bar beside what came."""
    caption = (
        "The price one bar ahead, dated by the bar at which it was forecast. The dotted line is no "
        "forecast at all: the last close. A line that only follows it knows nothing; the distance "
        "of a line from the black one is its error. Of several seeds the one in the middle is "
        "drawn."
    )
    figure = new_figure(3.6, wide=True)
    axes = figure.subplots()
    times = naive_utc(figures.times)
    axes.plot(times, figures.actual, color="#1d2730", linewidth=1.5, label="what came")
    for column, predicted in figures.predicted.items():
        axes.plot(times, predicted, color=_COLOURS[column], label=COLUMN_WORDS[column])
    # On top: an honest forecast may lie on it for weeks.
    axes.plot(times, figures.last_close, color=_STILL, linestyle=":", label="no change")
    date_axis(axes)
    axes.yaxis.set_major_formatter("{x:,.6g}")
    axes.set_ylabel(unit)
    axes.legend(loc="best")
    label = f"Forecasts of both columns beside the price that came, {len(times)} test bars."
    return Panel("Forecast against actual", caption, to_svg(figure, "repro", label), wide=True)


def error_panel(figures: Figures, unit: str) -> Panel:
    """Draw how far off each forecast was, beside no change."""
    caption = (
        "Size of the error of each test bar, sorted: a curve below the dotted one is better than "
        "no change at that share of the bars."
    )
    figure = new_figure(2.9)
    axes = figure.subplots()
    share = (np.arange(len(figures.actual)) + 1) / len(figures.actual)
    still = np.sort(np.abs(figures.last_close - figures.actual))
    for column, predicted in figures.predicted.items():
        size = np.sort(np.abs(predicted - figures.actual))
        axes.plot(share, size, color=_COLOURS[column], label=COLUMN_WORDS[column])
    axes.plot(share, still, color=_STILL, linestyle=":", label="no change")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:,.6g}")
    axes.set_xlabel("share of the test bars")
    axes.set_ylabel(f"size of the error, {unit}")
    axes.legend(loc="best")
    return Panel("Errors, sorted", caption, to_svg(figure, "sorted", "Sorted sizes of errors."))


def loss_panel(curves: Curves, number: int) -> Panel:
    """Draw training and validation loss by epoch."""
    caption = f"{curves.unit}. Training stops where the validation loss does not fall."
    figure = new_figure(2.9)
    axes = figure.subplots()
    losses = curves.losses
    axes.plot(losses["epoch"], losses["train"], color=BLUE, label="training")
    axes.plot(losses["epoch"], losses["validation"], color=ORANGE, label="validation")
    plain_log_axis(axes, losses[["train", "validation"]].to_numpy())
    axes.set_xlabel("epoch")
    axes.legend(loc="best")
    label = f"Loss by epoch of {curves.title}, {len(losses)} epochs."
    return Panel(f"How it learnt: {curves.title}", caption, to_svg(figure, f"loss{number}", label))


def panels(figures: Figures, unit: str) -> list[Panel]:
    """Draw everything."""
    return [
        forecast_panel(figures, unit),
        error_panel(figures, unit),
        *(loss_panel(curves, number) for number, curves in enumerate(figures.curves)),
    ]
