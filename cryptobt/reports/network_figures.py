"""Figures on the network: which features it lets in, which bars it looks at, how it learnt."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core.time import epoch_ns, naive_utc
from cryptobt.core.types import Explanation
from cryptobt.reports.canvas import (
    BLUE,
    INK,
    ORANGE,
    Panel,
    date_axis,
    new_figure,
    to_svg,
)
from cryptobt.reports.numbers import short_name
from cryptobt.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 400
MAX_NETWORKS = 4
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
        for panel in _network(found[symbol], f"{number}"):
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


def _network(explanation: Explanation | None, mark: str = "") -> list[Panel]:
    """Draw one network; ``mark`` keeps the ids of several apart."""
    return [
        _gates(explanation, mark),
        attention_panel(explanation, mark),
        _losses(explanation, mark),
    ]


def _gates(explanation: Explanation | None, mark: str) -> Panel:
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
    return Panel(title, caption, _draw_gates(explanation, mark))


def _draw_gates(explanation: Explanation, mark: str) -> str:
    gates = explanation.gates[:, np.isfinite(explanation.gates).any(axis=0)]
    names = np.array(explanation.feature_names)[np.isfinite(explanation.gates).any(axis=0)]
    mean = np.nanmean(gates, axis=0)
    low, high = np.nanquantile(gates, [0.05, 0.95], axis=0)
    order = np.argsort(mean, kind="stable")
    rows = np.arange(len(order))
    figure = new_figure(0.9 + 0.19 * len(order))
    axes = figure.subplots()
    axes.barh(rows, mean[order], color=BLUE, alpha=0.55, height=0.68)
    axes.hlines(rows, low[order], high[order], color=INK, linewidth=1.4)
    axes.axvline(1.0, color=ORANGE, linestyle="--", linewidth=1.2)
    axes.set_yticks(rows, [short_name(str(name)) for name in names[order]])
    axes.set_xlim(0, max(1.1, 1.05 * float(high.max())))
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("gate")
    top = ", ".join(short_name(str(name)) for name in names[order][::-1][:3])
    return to_svg(figure, f"gates{mark}", f"Feature gates; the largest are {top}.")


def attention_panel(explanation: Explanation | None, mark: str) -> Panel:
    """Draw attention over time, or say why there is none; ``mark`` keeps ids apart."""
    title = "Which bars the network looks at"
    if explanation is None:
        return Panel(title, "", absent=_NO_NETWORK)
    if not np.isfinite(explanation.attention).any() or len(explanation.times) < 2:
        return Panel(title, "", absent="Not drawn: this network has no attention over time.")
    window = explanation.attention.shape[2]
    caption = (
        "Attention over the input window, mean of the heads: time across, age of the bar up "
        "(0 is the newest). "
        f"Attention that prefers no bar would be {100 / window:.1f}% everywhere, one flat colour; "
        "read the scale, the colours span what there is. Vertical edges are refits."
    )
    return Panel(title, caption, _draw_attention(explanation, mark))


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


def _draw_attention(explanation: Explanation, mark: str) -> str:
    shown = attention_columns(explanation.times, explanation.attention)
    span = float(np.nanquantile(shown, 0.005)), float(np.nanquantile(shown, 0.995))
    figure = new_figure(3.5)
    axes = draw_over_time(
        figure, explanation.times, shown, span, "cividis", lambda share, _: f"{100 * share:.2f}%"
    )
    axes.set_ylabel("age of the bar")
    age = int(np.nanargmax(np.nanmean(shown, axis=1)))
    return to_svg(figure, f"attention{mark}", f"Attention by age; on average largest at age {age}.")


def _losses(explanation: Explanation | None, mark: str) -> Panel:
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
    return Panel(title, caption, _draw_losses(curves, mark), wide=True)


def _curves(explanation: Explanation, kind: str) -> pd.DataFrame:
    by_fold = {
        fold: frame.groupby("epoch")[kind].mean() for fold, frame in explanation.losses.items()
    }
    return pd.DataFrame(by_fold).sort_index().dropna(how="all")


def _draw_losses(curves: dict[str, pd.DataFrame], mark: str) -> str:
    figure = new_figure(3.2, wide=True)
    pair = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, (kind, frame) in zip(pair, curves.items(), strict=True):
        _draw_curves(axes, frame)
        axes.set_title(f"{kind} loss", fontsize=9.5, color=INK)
        axes.set_xlabel("epoch")
    pair[0].set_ylabel("loss")
    folds = curves["train"].shape[1]
    label = f"Training and validation loss by epoch of {folds} folds."
    return to_svg(figure, f"losses{mark}", label)


def _draw_curves(axes: "Axes", frame: pd.DataFrame) -> None:
    marker = "o" if len(frame) == 1 else None  # one epoch draws no line
    for fold in frame.columns:
        axes.plot(frame.index, frame[fold], color=BLUE, alpha=0.3, linewidth=0.8, marker=marker)
    enough = frame.notna().sum(axis=1) * 2 >= frame.shape[1]
    median = frame[enough].median(axis=1)
    axes.plot(median.index, median, color=ORANGE, linewidth=2.2)
