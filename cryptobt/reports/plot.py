"""Draw simple figures as SVG: lines, areas, bars and dots on one pair of axes.

The drawing stretches with the page while lines keep their width and words their size, so that it
can be read at any width; colours are variables of the page's style sheet, so that it turns dark
with it. matplotlib draws pictures that do neither, and takes ten times as long.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape

import numpy as np

from cryptobt.reports import ticks
from cryptobt.reports.scale import Scale, growth_scale, seconds
from cryptobt.reports.ticks import Tick

__all__ = ["Plot", "Scale", "colour", "growth_scale", "seconds", "time_axis", "value_axis"]

ACROSS = 1000.0


def colour(name: str) -> str:
    """Name a colour of the page's style sheet in SVG or CSS."""
    return f"var(--{name})"


@dataclass
class Plot:
    """One pair of axes, and what is drawn between them, in order.

    Attributes
    ----------
    x, y : Scale
        The axes.
    height : int
        In pixels.
    left : int
        Room for the words of the y axis, in pixels.
    title : str
        What the y axis measures, above it.
    """

    x: Scale
    y: Scale
    height: int = 220
    left: int = 48
    title: str = ""
    x_title: str = ""
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    written: str = "plain"
    refit: bool = False
    _ink: list[str] = field(default_factory=list)
    _over: list[str] = field(default_factory=list)

    def line(
        self,
        x: np.ndarray,
        y: np.ndarray,
        name: str,
        *,
        width: float = 1.4,
        dashes: str = "",
        step: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Draw a line, broken where a value is NaN; ``step`` holds each value until the next."""
        if step:
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        self._path(self._points(x, y), name, width, dashes, opacity)

    def area(
        self,
        x: np.ndarray,
        low: "np.ndarray | float",
        high: np.ndarray,
        name: str,
        *,
        opacity: float = 0.16,
        step: bool = False,
    ) -> None:
        """Fill between two lines; where one of them is NaN the area ends."""
        low = np.broadcast_to(np.asarray(low, dtype=float), high.shape)
        if step:
            x, low, high = np.repeat(x, 2)[1:], np.repeat(low, 2)[:-1], np.repeat(high, 2)[:-1]
        known = np.isfinite(low) & np.isfinite(high)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
        drawn = ""
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            piece = slice(first, last)
            there = self._points(x[piece], high[piece])
            back = self._points(x[piece][::-1], low[piece][::-1])
            drawn += f"{there}L{back[1:]}Z"
        self._fill(drawn, name, opacity)

    def bars(
        self,
        low_x: np.ndarray,
        high_x: np.ndarray,
        low_y: "np.ndarray | float",
        high_y: "np.ndarray | float",
        name: str,
        *,
        opacity: float = 0.7,
    ) -> None:
        """Fill one rectangle for each entry."""
        left, right = self._across(low_x), self._across(high_x)
        bottom = np.broadcast_to(self._down(low_y), left.shape)
        top = np.broadcast_to(self._down(high_y), left.shape)
        corners = zip(left, right, bottom, top, strict=True)
        drawn = "".join(
            f"M{a:.2f} {c:.1f}H{b:.2f}V{d:.1f}H{a:.2f}Z"
            for a, b, c, d in corners
            if np.isfinite(a + b + c + d)
        )
        self._fill(drawn, name, opacity)

    def dots(
        self, x: np.ndarray, y: np.ndarray, name: str, *, size: float = 7.0, opacity: float = 1.0
    ) -> None:
        """Put a dot on each point."""
        points = zip(self._across(x), self._down(y), strict=True)
        # As good as no length: browsers do not agree on whether a line of none has round ends.
        drawn = "".join(f"M{a:.2f} {b:.1f}h.01" for a, b in points if np.isfinite(a + b))
        self._path(drawn, name, size, "", opacity, "round")

    def whiskers(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, name: str) -> None:
        """Draw a vertical line between two values at each place."""
        ends = zip(self._across(x), self._down(low), self._down(high), strict=True)
        drawn = "".join(f"M{a:.2f} {b:.1f}V{c:.1f}" for a, b, c in ends)
        self._path(drawn, name, 1.6)

    def spans(self, y: np.ndarray, low: np.ndarray, high: np.ndarray, name: str) -> None:
        """Draw a horizontal line between two values at each height."""
        ends = zip(self._down(y), self._across(low), self._across(high), strict=True)
        drawn = "".join(f"M{b:.2f} {a:.1f}H{c:.2f}" for a, b, c in ends)
        self._path(drawn, name, 1.6)

    def level(self, value: float, name: str, *, dashes: str = "5 4", width: float = 1.1) -> None:
        """Draw a line across at one value."""
        self._path(f"M0 {self._down(value):.1f}H{ACROSS:g}", name, width, dashes)

    def upright(
        self, values: Iterable[float], name: str, *, dashes: str = "", width: float = 1.3
    ) -> None:
        """Draw a line from top to bottom at each value."""
        drawn = "".join(f"M{self._across(value):.2f} 0V{self.height}" for value in values)
        self._path(drawn, name, width, dashes)

    def say(
        self,
        x: float,
        y: float,
        text: str,
        name: str = "soft",
        anchor: str = "middle",
        lift: float = 0.0,
    ) -> None:
        """Write words at a point, or ``lift`` pixels above it; below one at the upper edge."""
        below = ' dy="13"' if y >= self.y.high else f' dy="{-lift:g}"' if lift else ""
        self._over.append(
            f'<text x="{100 * float(self.x.share(x)):.2f}%" y="{self._down(y):.1f}"{below} '
            f'text-anchor="{anchor}" style="fill:{colour(name)}">{escape(text)}</text>'
        )

    def picture(self, source: str, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Stretch an image, given as a data address, over a part of the axes."""
        left, right = self._across(np.array(x))
        bottom, top = self._down(np.array(y))
        self._ink.append(
            f'<image href="{source}" x="{left:.2f}" y="{top:.1f}" width="{right - left:.2f}" '
            f'height="{bottom - top:.1f}" preserveAspectRatio="none"/>'
        )

    def html(self, label: str) -> str:
        """Write the figure, with a text for those who cannot see it."""
        title = f'<p class="axis">{escape(self.title)}</p>' if self.title else ""
        under = f'<p class="axis across">{escape(self.x_title)}</p>' if self.x_title else ""
        ends = f"{self.x.low:.10g} {self.x.high:.10g} {self.y.low:.6g} {self.y.high:.6g}"
        kind = f"{int(self.y.log)} {self.written} {int(self.refit)}"
        return (
            f'{title}<div class="plot" style="height:{self.height}px;--left:{self.left}px" '
            f'data-axes="{ends} {kind}"><svg role="img" aria-label="{escape(label)}">'
            f'{self._grid()}<svg class="ink" viewBox="0 0 {ACROSS:g} {self.height}" '
            f'preserveAspectRatio="none">{"".join(self._ink)}</svg>{"".join(self._over)}'
            f"{self._labels()}</svg></div>{under}"
        )

    def _grid(self) -> str:
        heights = [float(self._down(value)) for value, _ in self.y_ticks]
        lines = "".join(f'<line x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>' for y in heights)
        return f'<g class="grid ticks" aria-hidden="true">{lines}</g>'

    def _labels(self) -> str:
        beside = "".join(
            f'<text x="-7" y="{float(self._down(value)) + 4:.1f}" text-anchor="end">'
            f"{escape(text)}</text>"
            for value, text in self.y_ticks
        )
        below = "".join(self._below(number) for number in range(len(self.x_ticks)))
        return f'<g class="ticks" aria-hidden="true">{beside}{below}</g>'

    def _below(self, number: int) -> str:
        """Write one of the words under the x axis; a narrow page leaves every other out."""
        value, text = self.x_ticks[number]
        share = float(self.x.share(value))
        anchor, kind = "end" if share > 0.97 else "middle", ' class="odd"' if number % 2 else ""
        return (
            f'<text x="{100 * share:.2f}%" y="{self.height + 16}" text-anchor="{anchor}"{kind}>'
            f"{escape(text)}</text>"
        )

    def _across(self, values: "np.ndarray | float") -> np.ndarray:
        return ACROSS * self.x.share(values)

    def _down(self, values: "np.ndarray | float") -> np.ndarray:
        return self.height * (1.0 - self.y.share(values))

    def _points(self, x: np.ndarray, y: np.ndarray) -> str:
        """Write a path through points; a NaN lifts the pen."""
        pieces, pen = [], "M"
        for across, down in zip(self._across(x).tolist(), self._down(y).tolist(), strict=True):
            if across - across == 0 == down - down:
                pieces.append(f"{pen}{across:.2f} {down:.1f}")
                pen = "L"
            else:
                pen = "M"
        return "".join(pieces)

    def _path(
        self,
        drawn: str,
        name: str,
        width: float,
        dashes: str = "",
        opacity: float = 1.0,
        cap: str = "",
    ) -> None:
        given = f' stroke-dasharray="{dashes}"' if dashes else ""
        given += f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
        given += f' stroke-linecap="{cap}"' if cap else ""
        self._ink.append(
            f'<path class="l" stroke="{colour(name)}" stroke-width="{width:g}"{given} d="{drawn}"/>'
        )

    def _fill(self, drawn: str, name: str, opacity: float) -> None:
        self._ink.append(f'<path fill="{colour(name)}" fill-opacity="{opacity:g}" d="{drawn}"/>')


def time_axis(plot: Plot) -> Plot:
    """Give a plot the dates of its x axis."""
    plot.x_ticks = ticks.date_ticks(plot.x.low, plot.x.high)
    return plot


def value_axis(plot: Plot, written: Callable[[float], str] = ticks.plain, most: int = 5) -> Plot:
    """Give a plot the round values of its y axis."""
    low, high = plot.y.low, plot.y.high
    chosen = ticks.log_ticks(low, high, written) if plot.y.log else None
    plot.y_ticks = chosen or ticks.linear_ticks(low, high, written, most)
    plot.written = "percent" if written is ticks.percent else "plain"
    return plot
