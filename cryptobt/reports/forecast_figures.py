"""Figures on the forecasts: whether they say anything about what the price did next."""

import numpy as np
import pandas as pd

from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel, thin
from cryptobt.reports.linked import Series, key, linked
from cryptobt.reports.numbers import format_percent
from cryptobt.reports.plot import Plot, Scale, seconds, time_axis, value_axis
from cryptobt.reports.sheet import Sheet

MIN_FORECASTS = 30
LATEST = 250
_READ = ("mean", "score", "p_up", "q05", "q95")
_BINS = 10
_CELLS = (36, 20)
_DEPENDENT = (
    "All symbols in one line. They move together, so luck carries it further than the grey, which "
    "takes every call for independent; the interval of the accuracy in the table does not."
)


def matched_forecasts(sheet: Sheet) -> pd.DataFrame:
    """Put each forecast of the strategy's forecaster beside what the price did.

    Returns
    -------
    DataFrame
        Index ``time`` of the last bar used, of all symbols together; columns ``mean`` (log return,
        may be NaN), ``score``, ``p_up``, ``q05``, ``q95`` (may be NaN) and ``realised`` (log return
        over the forecast's horizon). Forecasts
        whose target is not known yet, or lies in a gap, are left out.
    """
    if sheet.forecasts is None or sheet.forecaster is None:
        return pd.DataFrame(columns=[*_READ, "realised"], dtype=float)
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
    matched = rows[list(_READ)].astype(float).assign(realised=realised)
    return matched[np.isfinite(matched["realised"]) & np.isfinite(matched["score"])]


def forecast_panels(sheet: Sheet, matched: pd.DataFrame) -> list[Panel]:
    """Draw forecasts against returns, and the returns within the ranges that were forecast."""
    several = len(sheet.bars) > 1
    return [_scatter(matched, several), _ranges(sheet, matched)]


def missing(matched: pd.DataFrame) -> str:
    """Say why too few forecasts are no figure."""
    if matched.empty:
        return "Not drawn: this strategy trades without a forecaster."
    return f"Not drawn: {len(matched)} forecasts are too few; {MIN_FORECASTS} are needed."


def _scatter(matched: pd.DataFrame, several: bool) -> Panel:
    title = "Forecast against what happened"
    if len(matched) < MIN_FORECASTS:
        return Panel(title, "", absent=missing(matched))
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
    return Panel(title, caption, _draw_scatter(known[column], known["realised"], unit))


def _draw_scatter(said: pd.Series, realised: pd.Series, unit: str) -> str:
    x = said.clip(*said.quantile([0.005, 0.995])).to_numpy()
    y = realised.clip(*realised.quantile([0.01, 0.99])).to_numpy()
    plot = Plot(
        Scale(*ticks.padded(x)), Scale(*ticks.padded(y)), height=250,
        title="log return that followed", x_title=unit,
    )  # fmt: skip
    value_axis(plot, ticks.percent)
    written = ticks.percent if unit.startswith("expected") else ticks.plain
    plot.x_ticks = ticks.linear_ticks(plot.x.low, plot.x.high, written, 6)
    _draw_cells(plot, x, y)
    plot.level(float(realised.mean()), "stroke")
    low, high = _draw_tenths(plot, said, realised)
    names = [("forecasts", "blue"), ("mean of a tenth", "orange"), ("without skill", "stroke")]
    return key(names) + plot.html(
        "Forecasts against the log returns that followed them: after the lowest tenth they were "
        f"{format_percent(low, 2)} on average, after the highest {format_percent(high, 2)}."
    )


def _draw_cells(plot: Plot, x: np.ndarray, y: np.ndarray) -> None:
    """Shade cells by how many points they hold; four shades, each of four times as many."""
    ends = ((plot.x.low, plot.x.high), (plot.y.low, plot.y.high))
    counts, across, up = np.histogram2d(x, y, bins=_CELLS, range=ends)
    most = counts.max()
    for least, opacity in ((1.0, 0.22), (most / 16, 0.42), (most / 4, 0.68), (most / 2, 0.95)):
        column, row = np.nonzero(counts >= max(least, 1.0))
        plot.bars(across[column], across[column + 1], up[row], up[row + 1], "blue", opacity=opacity)


def _draw_tenths(plot: Plot, said: pd.Series, realised: pd.Series) -> tuple[float, float]:
    """Draw the mean return of each tenth; give those of the lowest and of the highest."""
    bins = _tenths(said)
    grouped = realised.groupby(bins)
    counts = grouped.count().to_numpy()
    spread = 1.96 * np.nan_to_num(grouped.std(ddof=1).to_numpy()) / np.sqrt(counts)
    middle, mean = said.groupby(bins).mean().to_numpy(), grouped.mean().to_numpy()
    plot.whiskers(middle, mean - spread, mean + spread, "orange")
    plot.dots(middle, mean, "orange")
    return float(mean[0]), float(mean[-1])


def _tenths(said: pd.Series) -> np.ndarray:
    """Find the tenth of each forecast; few distinct values, as of a sign, are kept apart."""
    if said.nunique() <= _BINS:
        return said.to_numpy()
    return pd.qcut(said, _BINS, labels=False, duplicates="drop").to_numpy()


def _ranges(sheet: Sheet, matched: pd.DataFrame) -> Panel:
    title = "Returns, and the ranges that were forecast"
    known = matched.dropna(subset=["q05", "q95"])
    if len(matched) < MIN_FORECASTS:
        return Panel(title, "", absent=missing(matched))
    if len(known) < MIN_FORECASTS:
        return Panel(title, "", absent="Not drawn: no range of returns was calibrated.")
    first = next(iter(sheet.bars))
    of_first = known if len(sheet.bars) == 1 else _of_symbol(sheet, first)
    below, above = (known["realised"] < known["q05"]), (known["realised"] > known["q95"])
    symbol = "" if len(sheet.bars) == 1 else f" of {first}"
    caption = (
        f"The last {min(LATEST, len(of_first))} forecasts{symbol}: the 90% range that each gave "
        "(blue), and the return that came; orange ones lie outside. A range that knows something "
        "of risk is wide when returns are. Of all forecasts "
        f"{format_percent(below.mean())} of the returns lie below their range and "
        f"{format_percent(above.mean())} above; 5% each would be right."
    )
    return Panel(title, caption, _draw_ranges(of_first.iloc[-LATEST:]))


def _of_symbol(sheet: Sheet, symbol: str) -> pd.DataFrame:
    assert sheet.forecasts is not None
    assert sheet.forecaster is not None
    rows = sheet.forecasts.of(sheet.forecaster, symbol)
    return _matched(rows, sheet.bars[symbol]["close"], sheet.interval).dropna(subset=["q05", "q95"])


def _draw_ranges(rows: pd.DataFrame) -> str:
    times = seconds(rows.index)
    low, high, came = (rows[name].to_numpy() for name in ("q05", "q95", "realised"))
    y = Scale(*ticks.padded(np.concatenate([low, high, came])))
    x = Scale(float(times[0]), float(times[-1]))
    plot = time_axis(value_axis(Plot(x, y, height=250, title="log return"), ticks.percent))
    plot.area(times, low, high, "blue", opacity=0.2)
    plot.level(0.0, "faint", dashes="", width=0.8)
    outside = (came < low) | (came > high)
    plot.dots(times[~outside], came[~outside], "stroke", size=3.5)
    plot.dots(times[outside], came[outside], "orange", size=5.5)
    read = [
        Series("return", "stroke", 0, came),
        Series("from", "blue", 0, low),
        Series("to", "blue", 0, high),
    ]
    said = f"Returns and their forecast ranges; {int(outside.sum())} of {len(rows)} lie outside."
    return linked([(plot, said)], times, read, "returns and their forecast ranges")


def calls_of(matched: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Signs that were called and signs that came, of the forecasts that called one."""
    called = np.sign(matched["mean"].fillna(matched["score"]))
    came = np.sign(matched["realised"])
    decided = (called != 0) & (came != 0)
    return called[decided], came[decided]


def hit_rate_panel(sheet: Sheet, matched: pd.DataFrame) -> Panel:
    """Draw the share of directions that were called right, as it grew."""
    title = "Share of directions called right, as it grew"
    called, came = calls_of(matched)
    if len(called) < MIN_FORECASTS:
        return Panel(title, "", absent=missing(called.to_frame()))
    caption = (
        "All calls of the forecaster up to each date. Grey: the 95% range that pure luck gives a "
        "caller who is right as often as always saying up; dotted: a coin's 50%. "
    ) + (_DEPENDENT if len(sheet.bars) > 1 else "Without skill the line ends inside the grey.")
    return Panel(title, caption, _draw_hit_rate(called, came))


def _draw_hit_rate(called: pd.Series, came: pd.Series) -> str:
    n = pd.Series(np.arange(1, len(called) + 1), index=called.index, dtype=float)
    rate, up = (called == came).cumsum() / n, (came > 0).cumsum() / n
    band = 1.96 * np.sqrt(up * (1 - up) / n)
    dates = np.flatnonzero(~called.index.duplicated(keep="last"))
    settled = dates[min(len(dates) // 10, 2 * MIN_FORECASTS) :]
    lines = thin(pd.DataFrame({"rate": rate, "up": up, "band": band}).iloc[settled])
    said = (
        f"Cumulative hit rate of the forecaster. It ends at {100 * lines['rate'].iloc[-1]:.1f}%, "
        f"always up at {100 * lines['up'].iloc[-1]:.1f}%."
    )
    return accuracy_drawing(lines, said, "share of directions called right")


def accuracy_drawing(lines: pd.DataFrame, said: str, title: str) -> str:
    """Draw a hit rate within the band of luck.

    Parameters
    ----------
    lines : DataFrame
        Index ``time``; columns rate, up (share of rises) and band (half its width).
    """
    times = seconds(lines.index)
    rate, up, band = (lines[name].to_numpy() for name in ("rate", "up", "band"))
    seen = np.concatenate([rate, up - band, up + band, [0.5]])
    x = Scale(float(times[0]), float(times[-1]))
    plot = Plot(x, Scale(*ticks.padded(seen)), height=230)
    time_axis(value_axis(plot, ticks.percent))
    plot.area(times, up - band, up + band, "stroke")
    plot.level(0.5, "stroke", dashes="2 4")
    plot.line(times, up, "stroke", dashes="6 4", width=1.1)
    plot.line(times, rate, "blue", width=2)
    read = [
        Series("the forecaster", "blue", 0, rate, bold=True),
        Series("always up", "stroke", 0, up),
    ]
    return linked([(plot, said)], times, read, title)
