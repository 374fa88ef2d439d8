"""Figures on the forecasts: whether they say anything about what the price did next."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.reports.canvas import (
    BLUE,
    INK,
    ORANGE,
    Panel,
    date_axis,
    new_figure,
    percent_axis,
    thin,
    to_svg,
)
from cryptobt.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_FORECASTS = 30
_BINS = 10
_DEPENDENT = (
    "All symbols in one line. They move together, so luck carries it further than the grey, which "
    "takes every call for independent; the interval of the accuracy in the table does not."
)
_SHADES = ["#c9dbe8", "#8db5d3", "#4a89b8", "#1d5f93"]


def matched_forecasts(sheet: Sheet) -> pd.DataFrame:
    """Put each forecast of the strategy's forecaster beside what the price did.

    Returns
    -------
    DataFrame
        Index ``time`` of the last bar used, of all symbols together; columns ``mean`` (log return,
        may be NaN), ``score`` and ``realised`` (log return over the forecast's horizon). Forecasts
        whose target is not known yet, or lies in a gap, are left out.
    """
    if sheet.forecasts is None or sheet.forecaster is None:
        return pd.DataFrame(columns=["mean", "score", "realised"], dtype=float)
    matched = [
        _matched(sheet.forecasts.of(sheet.forecaster, symbol), bars["close"], sheet.interval)
        for symbol, bars in sheet.bars.items()
    ]
    return pd.concat(matched).sort_index(kind="stable")


def _matched(rows: pd.DataFrame, close: pd.Series, interval: pd.Timedelta) -> pd.DataFrame:
    rows = rows[rows["horizon_bars"] == rows["horizon_bars"].min()]
    rows = rows[~rows.index.duplicated()].sort_index()
    close = np.log(close)
    targets = rows.index + rows["horizon_bars"].to_numpy() * interval
    later = close.reindex(targets).to_numpy()
    realised = later - close.reindex(rows.index).to_numpy()
    matched = rows[["mean", "score"]].astype(float).assign(realised=realised)
    return matched[np.isfinite(matched["realised"]) & np.isfinite(matched["score"])]


def forecast_panels(sheet: Sheet) -> list[Panel]:
    """Draw forecasts against returns, and the hit rate as it grew."""
    matched = matched_forecasts(sheet)
    several = len(sheet.bars) > 1
    return [_scatter(matched, several), _hit_rate(matched, several)]


def _missing(matched: pd.DataFrame) -> str:
    if matched.empty:
        return "Not drawn: this strategy trades without a forecaster."
    return f"Not drawn: {len(matched)} forecasts are too few; {MIN_FORECASTS} are needed."


def _scatter(matched: pd.DataFrame, several: bool) -> Panel:
    title = "Forecast against what happened"
    if len(matched) < MIN_FORECASTS:
        return Panel(title, "", absent=_missing(matched))
    column = "mean" if matched["mean"].notna().sum() >= MIN_FORECASTS else "score"
    known = matched[matched[column].notna()]
    unit = (
        "expected log return" if column == "mean" else "score (no expected return was calibrated)"
    )
    caption = (
        f"Each cell counts forecasts: across their {unit}, up the log return that followed "
        "(extremes lie at the edge). "
        "Orange: mean return within tenths of the forecasts, with its 95% range. Without skill the "
        "orange points lie along the dashed line, the average return; with skill they rise to the "
        "right."
    )
    if several:
        caption = f"All symbols together. {caption}"
    if known[column].nunique() < 2:
        return Panel(title, "", absent="Not drawn: every forecast is the same.")
    return Panel(title, caption, _draw_scatter(known[column], known["realised"], column))


def _draw_scatter(said: pd.Series, realised: pd.Series, column: str) -> str:
    from matplotlib.colors import ListedColormap, LogNorm

    figure = new_figure(3.5)
    axes = figure.subplots()
    x, y = (
        said.clip(*said.quantile([0.005, 0.995])),
        realised.clip(*realised.quantile([0.01, 0.99])),
    )
    shades = ListedColormap(_SHADES)
    axes.hexbin(x, y, gridsize=(32, 18), mincnt=1, cmap=shades, norm=LogNorm(), linewidths=0.2)
    axes.axhline(realised.mean(), color=INK, linestyle="--", linewidth=1, label="without skill")
    _binned_means(axes, said, realised)
    axes.set_xlabel("expected log return" if column == "mean" else "score")
    axes.set_ylabel("log return that followed")
    percent_axis(axes)
    if column == "mean":
        percent_axis(axes, "x")
    axes.legend(loc="upper left", ncols=2)
    axes.margins(y=0.12)
    return to_svg(figure, "scatter", "Forecasts against the log returns that followed them.")


def _binned_means(axes: "Axes", said: pd.Series, realised: pd.Series) -> None:
    bins = _tenths(said)
    grouped = realised.groupby(bins)
    spread: pd.Series = 1.96 * grouped.std(ddof=1) / np.sqrt(grouped.count())
    axes.errorbar(
        said.groupby(bins).mean(),
        grouped.mean(),
        yerr=spread.fillna(0.0),
        fmt="o",
        color=ORANGE,
        markersize=4,
        linewidth=1.4,
        label="mean of a tenth",
    )


def _tenths(said: pd.Series) -> np.ndarray:
    """Find the tenth of each forecast; few distinct values, as of a sign, are kept apart."""
    if said.nunique() <= _BINS:
        return said.to_numpy()
    return pd.qcut(said, _BINS, labels=False, duplicates="drop").to_numpy()


def _hit_rate(matched: pd.DataFrame, several: bool) -> Panel:
    title = "Share of directions called right, as it grew"
    called = np.sign(matched["mean"].fillna(matched["score"]))
    came = np.sign(matched["realised"])
    decided = (called != 0) & (came != 0)
    if decided.sum() < MIN_FORECASTS:
        return Panel(title, "", absent=_missing(matched[decided]))
    caption = (
        "All calls of the forecaster up to each date. Grey: the 95% range that pure luck gives a "
        "caller who is right as often as always saying up; dotted: a coin's 50%. "
    ) + (_DEPENDENT if several else "Without skill the line ends inside the grey.")
    return Panel(title, caption, _draw_hit_rate(called[decided], came[decided]))


def _draw_hit_rate(called: pd.Series, came: pd.Series) -> str:
    n = pd.Series(np.arange(1, len(called) + 1), index=called.index, dtype=float)
    rate, up = (called == came).cumsum() / n, (came > 0).cumsum() / n
    band = 1.96 * np.sqrt(up * (1 - up) / n)
    dates = np.flatnonzero(~called.index.duplicated(keep="last"))
    settled = dates[min(len(dates) // 10, 2 * MIN_FORECASTS) :]
    rate, up, band = (thin(line.iloc[settled]) for line in (rate, up, band))
    figure = new_figure(3.5)
    axes = figure.subplots()
    axes.fill_between(rate.index, up - band, up + band, color=INK, alpha=0.16, linewidth=0)
    axes.axhline(0.5, color=INK, linestyle=":", linewidth=1.1, label="a coin")
    axes.plot(up.index, up, color=INK, linestyle="--", linewidth=1, label="always up")
    axes.plot(rate.index, rate, color=BLUE, linewidth=1.9, label="the forecaster")
    percent_axis(axes, decimals=0)
    date_axis(axes)
    axes.legend(loc="upper right", ncols=3)
    axes.margins(x=0.01, y=0.15)
    last = f"It ends at {100 * rate.iloc[-1]:.1f}%, always up at {100 * up.iloc[-1]:.1f}%."
    return to_svg(figure, "hits", f"Cumulative hit rate of the forecaster. {last}")
