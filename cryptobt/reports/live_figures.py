"""Figures of a paper account: the backtest before it going on into it, and its marks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.time import DAY
from cryptobt.core.types import BacktestResult
from cryptobt.reports.canvas import Panel, thin
from cryptobt.reports.linked import key
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds, time_axis, value_axis

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
    expected = _expected(record) * live.iloc[0]
    marks = seconds(pd.DatetimeIndex([*before.index[:1], live.index[0], live.index[-1]]))
    room = 0.02 * (marks[-1] - marks[0]) or 43_200.0
    x = Scale(float(marks[0] - room), float(marks[-1] + room))
    y = growth_scale(np.concatenate([before, live, expected.ravel()]))
    plot = time_axis(value_axis(Plot(x, y, height=260, left=58, title="equity, quote currency")))
    if len(expected) > 1:
        low, high = expected.T
        plot.area(seconds(live.index[: len(expected)]), low, high, "stroke")
    line = thin(before)
    plot.line(seconds(line.index), line.to_numpy(), "stroke", width=1.2)
    line = thin(live)
    plot.line(seconds(line.index), line.to_numpy(), "blue", width=2.2)
    if len(line) < 3:
        plot.dots(seconds(line.index), line.to_numpy(), "blue")
    mark_nights(plot, record, live)
    began = float(seconds(pd.DatetimeIndex([record.first]))[0])
    plot.upright([began], "red", dashes="6 4")
    plot.say(began, y.high, "live from here", "red", "end" if len(before) else "start")
    said = f"Equity of the record, from {live.iloc[0]:,.0f} to {live.iloc[-1]:,.0f}"
    names = [("backtest before", "stroke")] if len(before) else []
    drawn = plot.html(f"{said}, after that of a backtest of the time before.")
    return key([*names, ("live", "blue"), *_marked(record)]) + drawn


def _marked(record: LiveRecord) -> list[tuple[str, str]]:
    late = [("late decision", "orange")] if record.late else []
    return [*late, ("simulated nights", "red")] if record.simulated else late


def _expected(record: LiveRecord) -> np.ndarray:
    """The part of the expected range that is known."""
    known = record.expected
    return known[np.isfinite(known).all(axis=1)] if len(known) else np.empty((0, 2))


def mark_nights(plot: Plot, record: LiveRecord, line: pd.Series) -> None:
    """Mark late decisions on a line, and the ground of simulated nights.

    Parameters
    ----------
    line : Series
        By time, where the marks of late decisions stand.
    """
    if runs := _runs(record):
        first, last = (seconds(pd.DatetimeIndex(ends)) for ends in zip(*runs, strict=True))
        plot.bars(first, last, plot.y.low, plot.y.high, "red", opacity=0.1)
    late = line[line.index.isin(record.late)]
    for time, value in zip(seconds(late.index), late, strict=True):
        plot.say(float(time), float(value), "▼", "orange")


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
