"""Figures over time whose values can be read date by date: plots one above the other, one key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from cryptobt.reports.numbers import DASH
from cryptobt.reports.plot import Plot, colour
from cryptobt.reports.ticks import plain

_ENDS_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


@dataclass(frozen=True)
class Series:
    """One line of a linked figure, as it is read.

    Attributes
    ----------
    name, colour : str
        What the key says, and the variable of the style sheet that it is drawn in.
    plot : int
        Number of the plot that shows it, from the top.
    values : ndarray, shape (n,)
        At the figure's times; NaN where there is none.
    bold : bool
        Whether its line is drawn to stand out.
    """

    name: str
    colour: str
    plot: int
    values: np.ndarray
    bold: bool = False


def linked(
    plots: Sequence[tuple[Plot, str]], times: np.ndarray, series: Sequence[Series], title: str
) -> str:
    """Set plots that share their x axis under one key that shows the values of a date.

    The page is complete without its script: the key shows the last values then.

    Parameters
    ----------
    plots : sequence of (Plot, str)
        From the top, each with a text for those who cannot see it.
    times : ndarray, shape (n,)
        Of the values, increasing, in seconds since 1970.
    title : str
        What the dates are read in, for those who cannot see it.
    """
    document = {
        "times": _packed(times),
        "series": [[one.name, one.plot, _rounded(one.values)] for one in series],
    }
    drawn = "".join(plot.html(label) for plot, label in plots)
    marks = "".join(_entry(one, plots[one.plot][0].written) for one in series)
    return (
        f'<div class="linked" data-title="{escape(title)}"><ul class="key">{marks}</ul>{drawn}'
        f'<script type="application/json">{safe_json(document)}</script></div>'
    )


def key(entries: Sequence[tuple[str, str]]) -> str:
    """Write the key of a plain figure: names and their colours."""
    marks = "".join(
        f'<li><i style="background:{colour(shade)}"></i>{escape(name)}</li>'
        for name, shade in entries
    )
    return f'<ul class="key">{marks}</ul>'


def safe_json(document: object) -> str:
    """Write a document as JSON that no text in it can end the script element around it with."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return "".join(_ENDS_SCRIPT.get(letter, letter) for letter in text)


def _entry(one: Series, written: str) -> str:
    known = one.values[np.isfinite(one.values)]
    last = (_percent if written == "percent" else _plain)(float(known[-1])) if len(known) else DASH
    kind = ' class="bold"' if one.bold else ""
    return (
        f'<li{kind}><i style="background:{colour(one.colour)}"></i>{escape(one.name)} '
        f"<b>{last}</b></li>"
    )


def _percent(value: float) -> str:
    return f"{100 * value:,.1f}%".replace("-", "\N{MINUS SIGN}")


def _plain(value: float) -> str:
    return plain(float(f"{value:.4g}"))


def _packed(times: np.ndarray) -> list[int]:
    """Write times as the first one and the steps to the next; equal steps as one of them."""
    whole = np.round(times).astype(np.int64)
    steps = np.diff(whole)
    if len(steps) and (steps == steps[0]).all():
        return [int(whole[0]), int(steps[0])]
    return [int(whole[0]), *steps.tolist()] if len(whole) else []


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.4g}") if value - value == 0 else None for value in values.tolist()]
