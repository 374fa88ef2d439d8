"""Figures of the pages of ``cryptobt serve``, from the documents that the pages show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.time import DAY
from cryptobt.reports.comparison_page import growth_panel
from cryptobt.reports.live_record import LiveNight, LiveRecord
from cryptobt.reports.standing_figure import standing_figure
from cryptobt.reports.strict import classed

_LEAST = 2


def account_figure(name: str, series: Mapping[str, Sequence[Any]]) -> str:
    """Draw an account's equity against buy-and-hold, and how far each is under its top.

    Parameters
    ----------
    series : mapping
        One value a night: ``time`` (ISO 8601), ``equity_quote``, ``buy_and_hold_quote`` in quote
        currency, and, where it is known, whether it was ``late`` or ``simulated``.

    Returns
    -------
    str
        HTML that needs the style sheet of :mod:`cryptobt.jobs.house`; empty after a single night.
    """
    frame = _frame(series, ("equity_quote", "buy_and_hold_quote"))
    if len(frame) < _LEAST:
        return ""
    return standing_figure(
        _record(name, frame, series), frame["equity_quote"], frame["buy_and_hold_quote"]
    )


def growth_figure(series: Mapping[str, Sequence[Any]]) -> str:
    """Draw the growth of two accounts, ``a`` and ``b`` by ``time``, and of one over the other.

    Returns
    -------
    str
        HTML as of :func:`account_figure`; empty where there is no line to draw.
    """
    frame = _frame(series, ("a", "b"))
    if len(frame) < _LEAST:
        return ""
    return classed(growth_panel(frame).svg)


def _frame(series: Mapping[str, Sequence[Any]], names: Sequence[str]) -> pd.DataFrame:
    times = pd.DatetimeIndex(pd.to_datetime(list(series["time"]), utc=True)).as_unit("ns")
    frame = pd.DataFrame({name: list(series[name]) for name in names}, times, dtype=float)
    return frame[np.isfinite(frame.to_numpy()).all(axis=1)]


def _record(name: str, frame: pd.DataFrame, series: Mapping[str, Sequence[Any]]) -> LiveRecord:
    """What the figure marks: nights that were late or simulated."""
    marks = {time: (False, False) for time in frame.index}
    if "late" in series and "simulated" in series:
        times = pd.to_datetime(list(series["time"]), utc=True)
        marks |= dict(
            zip(times, zip(series["late"], series["simulated"], strict=True), strict=True)
        )
    nights = tuple(
        LiveNight(time, time + DAY, bool(late), missed=False, simulated=bool(simulated))
        for time, (late, simulated) in sorted(marks.items())
    )
    return LiveRecord(name, 0.0, nights, (), (), (), (), None, np.empty((0, 2)))
