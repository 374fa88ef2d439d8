"""Figures on the network: which features it lets in, which bars it looks at, how it learnt."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core.time import epoch_ns, naive_utc
from cryptobt.core.types import Explanation
from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel, date_axis
from cryptobt.reports.linked import key
from cryptobt.reports.numbers import short_name
from cryptobt.reports.picture import shaded_picture
from cryptobt.reports.plot import Plot, Scale, seconds, time_axis, value_axis
from cryptobt.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 400
MAX_NETWORKS = 4
_DENSE = (43, 122, 186)
_NOT_KEPT = "Not drawn: a ledger keeps forecasts, and nothing of what made them."
_NO_NETWORK = "Not drawn: no network that explains itself took part in this run."


def network_panels(sheet: Sheet) -> list[Panel]:
    """Draw gates, attention and loss curves of the networks behind the forecasts.

    Each symbol has networks of its own: of several symbols the first few are drawn, and the others
    named.
    """
    found = sheet.forecasts.explanations if sheet.forecasts else {}
    named = [symbol for symbol in sheet.bars if symbol in found]
    if sheet.live is not None and not named:
        return [Panel("The network behind them", "", absent=_NOT_KEPT)]
    if len(sheet.bars) == 1 or not named:
        return _network(found[named[0]] if named else None)
    panels = []
    for number, symbol in enumerate(named[:MAX_NETWORKS]):
        for panel in _network(found[symbol]):
            caption = f"Read as that of {named[0]}." if number and panel.caption else panel.caption
            panels.append(replace(panel, title=f"{panel.title}: {symbol}", caption=caption))
    return panels + _not_drawn(sheet, named)


def _not_drawn(sheet: Sheet, named: list[str]) -> list[Panel]:
    left = named[MAX_NETWORKS:]
    without = [symbol for symbol in sheet.bars if symbol not in named]
    said = f"Not drawn, to keep the page short: {', '.join(left)}." if left else ""
    if without:
        said += f" Without a network that explains itself: {', '.join(without)}."
    return [Panel("Other symbols", "", absent=said.strip(), wide=True)] if said else []


def _network(explanation: Explanation | None) -> list[Panel]:
    """Draw one network."""
    return [_gates(explanation), attention_panel(explanation), _losses(explanation)]


def _gates(explanation: Explanation | None) -> Panel:
    title = "Which features the network lets in"
    if explanation is None:
        return Panel(title, "", absent=_NO_NETWORK)
    if not np.isfinite(explanation.gates).any():
        return Panel(title, "", absent="Not drawn: this network has no feature gates.")
    caption = (
        "Mean gate of each feature over all forecasts, with the range from the 5th to the 95th "
        "percentile. At 1.0, dashed, a feature passes unchanged; above it is amplified, below it "
        "is damped (a gate without the factor 2 cannot exceed 1 and starts at 0.5). A network that "
        "prefers nothing leaves every bar at its start."
    )
    return Panel(title, caption, _draw_gates(explanation))


def _draw_gates(explanation: Explanation) -> str:
    known = np.isfinite(explanation.gates).any(axis=0)
    gates, names = explanation.gates[:, known], np.array(explanation.feature_names)[known]
    mean = np.nanmean(gates, axis=0)
    low, high = np.nanquantile(gates, [0.05, 0.95], axis=0)
    order = np.argsort(mean, kind="stable")
    rows = np.arange(len(order), dtype=float)
    x = Scale(0.0, max(1.1, 1.05 * float(high.max())))
    plot = Plot(x, Scale(-0.7, len(rows) - 0.3), height=24 + 19 * len(rows), left=178)
    plot.y_ticks = [
        (row, short_name(str(name))) for row, name in zip(rows, names[order], strict=True)
    ]
    plot.x_ticks = ticks.linear_ticks(x.low, x.high, ticks.plain, 6)
    plot.bars(np.zeros(len(rows)), mean[order], rows - 0.34, rows + 0.34, "blue", opacity=0.55)
    plot.spans(rows, low[order], high[order], "stroke")
    plot.upright([1.0], "orange", dashes="5 4")
    top = ", ".join(short_name(str(name)) for name in names[order][::-1][:3])
    names_of = [
        ("mean gate", "blue"),
        ("5th to 95th percentile", "stroke"),
        ("unchanged", "orange"),
    ]
    return key(names_of) + plot.html(f"Feature gates; the largest are {top}.")


def attention_panel(explanation: Explanation | None, _: str = "") -> Panel:
    """Draw attention over time, or say why there is none."""
    title = "Which bars the network looks at"
    if explanation is None:
        return Panel(title, "", absent=_NO_NETWORK)
    if not np.isfinite(explanation.attention).any() or len(explanation.times) < 2:
        return Panel(title, "", absent="Not drawn: this network has no attention over time.")
    window = explanation.attention.shape[2]
    caption = (
        "Attention over the input window, mean of the heads: time across, age of the bar up "
        "(0 is the newest). "
        f"Attention that prefers no bar would be {100 / window:.1f}% everywhere, one flat shade; "
        "read the scale, the shades span what there is. Vertical edges are refits."
    )
    return Panel(title, caption, _draw_attention(explanation))


def attention_columns(times: pd.DatetimeIndex, attention: np.ndarray) -> np.ndarray:
    """Average attention over the heads and over stretches of equal time.

    Parameters
    ----------
    times : DatetimeIndex
        Of the n forecasts, increasing.
    attention : ndarray, shape (n, heads, T)
        Weights, oldest bar first.

    Returns
    -------
    ndarray, shape (T, k)
        k at most 400; row 0 is the newest bar; NaN where a stretch holds no forecast.
    """
    return stretches_of_time(times, attention.mean(axis=1))[::-1]


def stretches_of_time(times: pd.DatetimeIndex, values: np.ndarray) -> np.ndarray:
    """Average values, shape (n, m), over at most 400 stretches of equal time, shape (m, k).

    NaN where a stretch holds no forecast. There have to be two times at least.
    """
    stamps = epoch_ns(times)
    k = min(MAX_COLUMNS, len(times))
    place = ((stamps - stamps[0]) / (stamps[-1] - stamps[0]) * k).astype(int).clip(max=k - 1)
    counts = np.bincount(place, minlength=k)
    sums = np.zeros((k, values.shape[1]))
    np.add.at(sums, place, values)
    means = np.full_like(sums, np.nan)
    np.divide(sums, counts[:, None], out=means, where=counts[:, None] > 0)
    return means.T


def draw_over_time(
    figure: "Figure",
    times: pd.DatetimeIndex,
    shown: np.ndarray,
    span: tuple[float, float],
    colours: str,
    written: Callable[[float, float], str],
) -> "Axes":
    """Draw stretches of time, shape (m, k), as colours between the two values of ``span``.

    Parameters
    ----------
    colours : str
        matplotlib's name of the scale.
    written : callable
        Writes a value of the scale.
    """
    from matplotlib.dates import date2num

    first, last = date2num(naive_utc(times[[0, -1]]).to_pydatetime())
    axes = figure.subplots()
    image = axes.imshow(
        shown,
        origin="lower",
        aspect="auto",
        interpolation="none",
        cmap=colours,
        vmin=span[0],
        vmax=span[1],
        extent=(first, last, -0.5, shown.shape[0] - 0.5),
    )
    axes.xaxis_date()
    date_axis(axes)
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.ax.yaxis.set_major_formatter(written)
    bar.outline.set_visible(False)
    return axes


def _draw_attention(explanation: Explanation) -> str:
    shown = attention_columns(explanation.times, explanation.attention)
    low, high = float(np.nanquantile(shown, 0.005)), float(np.nanquantile(shown, 0.995))
    window = shown.shape[0]
    ends = seconds(explanation.times[[0, -1]])
    x, y = Scale(float(ends[0]), float(ends[1])), Scale(-0.5, window - 0.5)
    plot = time_axis(Plot(x, y, height=250, title="age of the bar"))
    plot.y_ticks = ticks.linear_ticks(0.0, window - 1.0, ticks.plain, 6)
    shares = 0.06 + 0.94 * (shown[::-1] - low) / ((high - low) or 1.0)
    plot.picture(shaded_picture(shares, _DENSE), (x.low, x.high), (y.low, y.high))
    age = int(np.nanargmax(np.nanmean(shown, axis=1)))
    label = f"Attention by age; on average largest at age {age}."
    scale = (
        f'<p class="ramp"><span>{100 * low:.2f}%</span><i></i><span>{100 * high:.2f}%</span></p>'
    )
    return scale + plot.html(label)


def _losses(explanation: Explanation | None) -> Panel:
    title = "How each fold learnt"
    if explanation is None:
        return Panel(title, "", absent=_NO_NETWORK)
    curves = {kind: _curves(explanation, kind) for kind in ("train", "validation")}
    if all(frame.empty for frame in curves.values()):
        return Panel(title, "", absent="Not drawn: there are no loss curves.")
    caption = (
        "One thin line a fold, mean of its seeds; bold orange is the median while at least "
        "half of the folds still train. Where the training loss falls and the validation loss does "
        "not, the network learns its past by heart."
    )
    return Panel(title, caption, _draw_losses(curves), wide=True)


def _curves(explanation: Explanation, kind: str) -> pd.DataFrame:
    by_fold = {
        fold: frame.groupby("epoch")[kind].mean() for fold, frame in explanation.losses.items()
    }
    return pd.DataFrame(by_fold).sort_index().dropna(how="all")


def _draw_losses(curves: dict[str, pd.DataFrame]) -> str:
    seen = np.concatenate([frame.to_numpy(dtype=float).ravel() for frame in curves.values()])
    last = max(float(frame.index.max()) for frame in curves.values() if len(frame))
    x, y = Scale(0.5, last + 0.5), Scale(*ticks.padded(seen))
    folds = curves["train"].shape[1]
    drawn = "".join(
        f"<div>{_draw_curves(frame, kind, x, y).html(_said(frame, kind, folds))}</div>"
        for kind, frame in curves.items()
    )
    return key([("a fold", "blue"), ("median", "orange")]) + f'<div class="panels">{drawn}</div>'


def _said(frame: pd.DataFrame, kind: str, folds: int) -> str:
    median = frame.median(axis=1)
    ends = f", {median.iloc[0]:.3g} at first, {median.iloc[-1]:.3g} at last" if len(median) else ""
    return f"The {kind} loss by epoch of {folds} folds; median{ends}."


def _draw_curves(frame: pd.DataFrame, kind: str, x: Scale, y: Scale) -> Plot:
    plot = value_axis(Plot(x, y, height=210, title=f"{kind} loss", x_title="epoch"))
    found = ticks.linear_ticks(1.0, x.high, ticks.plain, 8)
    plot.x_ticks = [tick for tick in found if tick[0].is_integer()]
    epochs = frame.index.to_numpy(dtype=float)
    for fold in frame.columns:
        losses = frame[fold].to_numpy(dtype=float)
        plot.line(epochs, losses, "blue", width=0.9, opacity=0.35)
        if len(frame) == 1:  # one epoch draws no line
            plot.dots(epochs, losses, "blue", size=4)
    enough = frame.notna().sum(axis=1) * 2 >= frame.shape[1]
    median = frame[enough].median(axis=1)
    plot.line(median.index.to_numpy(dtype=float), median.to_numpy(), "orange", width=2.2)
    return plot
