"""Where figures are drawn: one style, no global state, the same bytes every time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from cryptobt.reports.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HALF_INCHES = 5.2
WIDE_INCHES = 10.0
INK, FAINT, BLUE, ORANGE, RED = "#5f6b76", "#98a2ab", "#1b6ca8", "#d9731a", "#a9322a"
ROW_COLOURS = {
    "strategy": BLUE,
    "network_only": "#7d5ba6",
    "trend_only": ORANGE,
    "buy_and_hold": "#6f7780",
    "buy_and_hold_vol_target": "#aab1b8",
    "sma_trend": "#4d9a6a",
    "momentum": "#c0507a",
    "always_up": "#9a8c2c",
}
# Apart from each other also for the colour-blind, and dark enough for a line on white.
SYMBOL_COLOURS = (
    BLUE, "#d55e00", "#0e9c74", "#c46a9e", "#26262e", "#dd9800", "#53ade3", "#6d1f5e",
)  # fmt: skip
VARIABLES = {
    **{shade: f"row-{row.replace('_', '-')}" for row, shade in ROW_COLOURS.items()},
    **{shade: f"symbol-{number}" for number, shade in enumerate(SYMBOL_COLOURS)},
    INK: "stroke",
    FAINT: "faint",
    BLUE: "blue",
    ORANGE: "orange",
    RED: "red",
}
"""The variable of the page's style sheet for each colour: a dark page has colours of its own."""
MAX_POINTS = 1500

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "grid.alpha": 0.28,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.3,
    "path.simplify_threshold": 0.5,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "cryptobt",
    "text.color": INK,
    # Names of features come from files: a dollar sign in one is no formula.
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True)
class Panel:
    """One figure of the page with its words, or the sentence that stands in its place.

    Attributes
    ----------
    title, caption : str
        What it is, and how to read it.
    svg : str
        The drawing; empty where it cannot be drawn.
    absent : str
        Why it cannot be drawn; empty where it is.
    """

    title: str
    caption: str
    svg: str = ""
    absent: str = ""
    wide: bool = False


@contextmanager
def style() -> Iterator[None]:
    """Draw in the page's style, whatever other libraries did to matplotlib's settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(height_inches: float, wide: bool = False) -> "Figure":
    """Open an empty figure, half or whole page wide."""
    from matplotlib.figure import Figure

    width = WIDE_INCHES if wide else HALF_INCHES
    return Figure(figsize=(width, height_inches), layout="constrained")


def to_svg(figure: "Figure", prefix: str, label: str) -> str:
    """Write a figure as an inline SVG element with a text for those who cannot see it."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return inline_svg(file.getvalue(), prefix, label, VARIABLES)


def percent_axis(axes: "Axes", which: str = "y", decimals: int | None = None) -> None:
    """Label an axis of fractions in per cent."""
    from matplotlib.ticker import PercentFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


def date_axis(axes: "Axes") -> None:
    """Label the time axis with as few words as the span needs."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def plain_log_axis(axes: "Axes", values: np.ndarray) -> None:
    """Make a logarithmic price axis labelled in plain numbers.

    A span of less than a factor of two stays linear: it holds no tick of a logarithmic axis.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if values.size and values.max() > 2 * values.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


Values = TypeVar("Values", pd.Series, pd.DataFrame)


def thin(series: Values, how: str = "last", most: int = MAX_POINTS) -> Values:
    """Keep at most ``most`` points, each the ``last`` or ``min`` of its stretch."""
    step = -(-len(series) // most)
    if step <= 1:
        return series
    stretches = np.arange(len(series)) // step
    kept = series.groupby(stretches).agg(how)
    kept.index = series.index[np.append(np.flatnonzero(np.diff(stretches)), len(series) - 1)]
    return kept
