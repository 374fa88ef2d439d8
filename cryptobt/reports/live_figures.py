"""Figures of a paper account: the backtest before it going on into it, and its marks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.time import DAY
from cryptobt.core.types import BacktestResult
from cryptobt.reports.canvas import (
    BLUE,
    INK,
    ORANGE,
    RED,
    Panel,
    date_axis,
    new_figure,
    plain_log_axis,
    thin,
    to_svg,
)
from cryptobt.reports.live_record import LiveRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_BEFORE = 120
_LOST = "Not drawn: the account, or the backtest before it, was lost in full."


def live_panel(record: LiveRecord, results: Mapping[str, BacktestResult]) -> Panel:
    """Draw the backtest of the time before, scaled to meet the account where it began."""
    title = "The backtest before, and the live record"
    live = _equity(results["strategy"])
    if record.before is None and len(live) < 2:
        return Panel(title, "", absent="Not drawn: one night is a point and no line.")
    if _lost(live) or (record.before is not None and _lost(_equity(record.before))):
        return Panel(title, "", absent=_LOST)
    before = _before(record, live)
    return Panel(title, _caption(record, before), _draw(record, before, live))


def _equity(result: BacktestResult) -> pd.Series:
    return result.equity.set_index(columns.TIME)["equity_quote"].astype(float)


def _lost(equity: pd.Series) -> bool:
    return bool(equity.min() <= 0)


def _before(record: LiveRecord, live: pd.Series) -> pd.Series:
    """Equity of the backtest in view, scaled to the account's at its first night."""
    if record.before is None:
        return live.iloc[:0]
    equity = _equity(record.before)
    view = equity.iloc[-max(LEAST_BEFORE, 2 * len(live)) :]
    return view * (live.iloc[0] / equity.iloc[-1])


def _caption(record: LiveRecord, before: pd.Series) -> str:
    parts = ["Equity in quote currency, after costs."]
    if len(before):
        parts.append(
            f"Grey: a backtest of the same settings, its last {len(before):,} bars, scaled to meet "
            "the account at its first night. Blue: the record."
        )
    if _expected(record).shape[0] > 1:
        parts.append(
            "Grey area: where most stretches of the whole backtest stood after as many nights; a "
            "record outside it contradicts the backtest."
        )
    if record.late:
        parts.append("Triangles: late decisions.")
    if record.simulated:
        parts.append("Red ground: simulated nights, decided in hindsight by --as-of.")
    return " ".join(parts)


def _draw(record: LiveRecord, before: pd.Series, live: pd.Series) -> str:
    figure = new_figure(3.7)
    axes = figure.subplots()
    expected = _expected(record) * live.iloc[0]
    if len(before):
        line = thin(before)
        axes.plot(line.index, line, color=INK, linewidth=1.1, label="backtest before")
    if len(expected) > 1:
        low, high = expected.T
        times = live.index[: len(expected)]
        axes.fill_between(times, low, high, color=INK, alpha=0.16, linewidth=0)
    line = thin(live)
    dot = "o" if len(line) < 3 else None
    axes.plot(line.index, line, color=BLUE, linewidth=2, marker=dot, markersize=4, label="live")
    mark_nights(axes, record, live)
    axes.axvline(record.first, color=RED, linewidth=1.1, linestyle="--")  # type: ignore[arg-type]
    plain_log_axis(axes, np.concatenate([before, live, expected.ravel()]))
    _label_beginning(axes, record, alone=not len(before))
    date_axis(axes)
    axes.margins(x=0.02)
    figure.legend(loc="outside upper center", ncols=4)
    said = f"Equity of the record, from {live.iloc[0]:,.0f} to {live.iloc[-1]:,.0f}"
    return to_svg(figure, "live", f"{said}, after that of a backtest of the time before.")


def _expected(record: LiveRecord) -> np.ndarray:
    """The part of the expected range that is known."""
    known = record.expected
    return known[np.isfinite(known).all(axis=1)] if len(known) else np.empty((0, 2))


def _label_beginning(axes: "Axes", record: LiveRecord, *, alone: bool) -> None:
    said = "live from here"
    axes.text(
        record.first,  # type: ignore[arg-type]
        0.99,
        f" {said}" if alone else f"{said} ",
        transform=axes.get_xaxis_transform(),
        ha="left" if alone else "right",
        va="top",
        color=RED,
        fontsize=8.5,
    )


def mark_nights(axes: "Axes", record: LiveRecord, line: pd.Series) -> None:
    """Mark late decisions on a line, and the ground of simulated nights.

    Parameters
    ----------
    line : Series
        By time, where the marks of late decisions stand.
    """
    simulated = "simulated nights"
    for first, last in _runs(record):
        axes.axvspan(first, last, color=RED, alpha=0.09, linewidth=0, label=simulated)  # type: ignore[arg-type]
        simulated = "_"
    late = line[line.index.isin(record.late)]
    if len(late):
        axes.plot(
            late.index, late, "v", color=ORANGE, markersize=5, zorder=4, label="late decision"
        )


def _runs(record: LiveRecord) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Simulated nights that follow each other, from half a day before to half a day after."""
    found: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    before = None
    for night in record.nights:
        if night.simulated:
            joined = before is not None and before.simulated
            first = found.pop()[0] if joined else night.bar_at - DAY / 2
            found.append((first, night.bar_at + DAY / 2))
        before = night
    return found
