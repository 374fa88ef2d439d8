"""The one door for bars of every source: what may pass, what is said, what is refused."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.time import epoch_ns, interval_label, iso
from cryptobt.core.types import QualityReport

BadRow = Literal["refuse", "quarantine"]
DEFECT = "defect"
_TOLERANCE = 1e-9
_ADVICE = 'mend the row, or set data.on_bad_row="quarantine" to leave such rows out'


@dataclass(frozen=True)
class _Rows:
    """Rows under test: instants (ns, NaT as the smallest int64), numbers (n, 5), their places."""

    label: str
    times: pd.DatetimeIndex
    numbers: np.ndarray
    lines: pd.Index | None

    def place(self, row: int) -> str:
        if self.lines is not None:
            return f"line {self.lines[row]}"
        return self.time(row)

    def time(self, row: int) -> str:
        instant = self.times[row]
        return "" if pd.isna(instant) else iso(instant)


def check_bars(
    raw: pd.DataFrame,
    *,
    label: str,
    interval: pd.Timedelta,
    on_bad_row: BadRow,
    now: pd.Timestamp,
    numbered: bool = False,
) -> tuple[pd.DataFrame, QualityReport]:
    """Turn raw rows into bars, or refuse them; nothing is repaired.

    A row without any value is a gap. Bars not complete at ``now`` are left out and said. Rows
    that repeat another row exactly are dropped and said. A row that cannot be true (text, empty,
    infinite or non-positive price, high or low inside open and close by more than 1e-9, negative
    volume, a time in the future or impossible, one time with two sets of values, a bar that opens
    before another closes) is refused, or taken out with ``"quarantine"``: then it becomes a gap,
    as do all rows of a contradicted time. Of two bars that overlap, the one off the grid is bad.

    Causality: no bar's close lies after the open of the next one.

    Parameters
    ----------
    raw : DataFrame
        Columns ``time`` (aware UTC or NaT), open, high, low, close, volume (numbers or text), and
        ``defect`` where the reader has found a row wrong: its reason, else missing.
    label : str
        File or vendor; it opens every message.
    interval : Timedelta
        Spacing of the bars.
    now : Timestamp
        A bar is complete when its open + ``interval`` is not after it.
    numbered : bool
        Whether the index of ``raw`` holds line numbers of a file.

    Returns
    -------
    bars : DataFrame
        As documented in :class:`cryptobt.core.types.MarketData`.
    report : QualityReport

    Raises
    ------
    DataInvalidError
        Naming the first bad row, its column, value and what to do; or too few rows; or most of
        them off the grid.
    """
    rows, reasons = _read(raw, label, numbered)
    opens = epoch_ns(rows.times)
    forming = (opens <= now.value) & (opens + interval.value > now.value) & rows.times.notna()
    blank = _is_blank(rows.numbers) & ~_marks(len(raw), reasons)
    tested = ~(blank | forming)
    reasons = _impossible(rows, now) | reasons
    reasons = {row: reason for row, reason in reasons.items() if tested[row]}
    order, repeated, contradicted = _unique(rows, tested & ~_marks(len(raw), reasons))
    reasons |= contradicted
    # what overlaps is told by an interval that rows without a time may have distorted
    if reasons and on_bad_row == "refuse":
        raise DataInvalidError(_refusal(rows, reasons))
    _refuse_uneven(rows, order, interval)
    order, overlapping = _without_overlaps(rows, order, interval)
    reasons |= overlapping
    if reasons and on_bad_row == "refuse":
        raise DataInvalidError(_refusal(rows, reasons))
    notes = [
        *_note(rows.times[blank & rows.times.notna()], "row(s) without values left as gaps"),
        *_note(rows.times[forming], f"{interval_label(interval)} bar(s) still forming left out"),
        *([f"{repeated} repeated row(s) dropped"] if repeated else []),
        *_disorder(opens[tested & ~_marks(len(raw), reasons)]),
    ]
    return _finish(rows, order, reasons, interval, notes)


def _disorder(opens: np.ndarray) -> list[str]:
    """Say how often a row opens before the one above it, but for rows that run backwards."""
    back = np.count_nonzero(np.diff(opens) < 0)
    forward = np.count_nonzero(np.diff(opens) > 0)
    return [f"{back} row(s) open before the row above them: sorted"] if back and forward else []


def count_gaps(times: pd.DatetimeIndex, interval: pd.Timedelta) -> int:
    """Count the bars missing between the first and the last."""
    slots = _slots(times, interval)[0]
    taken = 1 + np.count_nonzero(np.diff(slots))
    return int(slots[-1] - slots[0] + 1 - taken)


def _read(raw: pd.DataFrame, label: str, numbered: bool) -> tuple[_Rows, dict[int, str]]:
    # column by column, as they are tested and as a frame keeps them
    numbers = np.empty((len(raw), len(columns.BARS)), order="F")
    reasons: dict[int, str] = {}
    for place, name in enumerate(columns.BARS):
        numbers[:, place], wrong = _numbers(raw[name])
        for row in wrong:
            text = f"column '{name}' is '{raw[name].iloc[row]}', which is not a number"
            reasons.setdefault(int(row), text)
    if DEFECT in raw:
        stated = np.flatnonzero(raw[DEFECT].notna())
        reasons |= {int(row): str(raw[DEFECT].iloc[row]) for row in stated}
    times = pd.DatetimeIndex(raw[columns.TIME])
    return _Rows(label, times, numbers, raw.index if numbered else None), reasons


def _numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Read a column as float64; the second array lists the rows that hold something else."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return np.full(len(column), np.nan), np.arange(len(column))
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float), np.empty(0, dtype=int)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    return numbers, np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())


def _is_blank(numbers: np.ndarray) -> np.ndarray:
    volume = numbers[:, 4]
    # a vendor's client writes volume 0 beside prices that are not there
    blank: np.ndarray = np.isnan(numbers[:, :4]).all(axis=1) & (np.isnan(volume) | (volume == 0))
    return blank


def _marks(count: int, positions: Mapping[int, str]) -> np.ndarray:
    marks = np.zeros(count, dtype=bool)
    marks[list(positions)] = True
    return marks


def _impossible(rows: _Rows, now: pd.Timestamp) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for mask, text, cells in _tests(rows, now):
        for row in np.flatnonzero(mask):
            values = [float(rows.numbers[row, cell]) for cell in cells]
            reasons.setdefault(int(row), text.format(*values, time=rows.time(int(row))))
    return reasons


def _tests(rows: _Rows, now: pd.Timestamp) -> Iterator[tuple[np.ndarray, str, tuple[int, ...]]]:
    """Yield what cannot be true: rows, the words, and the cells whose values the words show."""
    yield np.asarray(rows.times.isna()), "there are values but no time", ()
    yield epoch_ns(rows.times) > now.value, f"time {{time}} is after now, {iso(now)}", ()
    for cell, name in enumerate(columns.BARS):
        values = rows.numbers[:, cell]
        yield np.isinf(values), f"column '{name}' is {{}}, which is not finite", (cell,)
        if name == columns.VOLUME:
            yield values < 0, f"column '{name}' is {{}}, below zero", (cell,)
        else:
            yield np.isnan(values), f"column '{name}' is empty", ()
            yield values <= 0, f"column '{name}' is {{}}, not above zero", (cell,)
    for upper, lower in ((1, 2), (1, 0), (1, 3), (0, 2), (3, 2)):
        below = rows.numbers[:, upper] < rows.numbers[:, lower] * (1 - _TOLERANCE)
        words = f"column '{columns.BARS[upper]}' is {{}}, below {columns.BARS[lower]} {{}}"
        yield below, words, (upper, lower)


def _unique(rows: _Rows, kept: np.ndarray) -> tuple[np.ndarray, int, dict[int, str]]:
    """Order rows by time; count exact repetitions, and find times with several sets of values."""
    opens = epoch_ns(rows.times)
    order = np.flatnonzero(kept)
    if len(order) > 1 and (np.diff(opens[order]) > 0).all():
        return order, 0, {}
    order = order[np.argsort(opens[order], kind="stable")]
    again = np.flatnonzero(np.diff(opens[order]) == 0) + 1
    drop = np.zeros(len(order), dtype=bool)
    reasons: dict[int, str] = {}
    for instant in np.unique(opens[order[again]]):
        places = np.flatnonzero(opens[order] == instant)
        group = order[places]
        same = np.array_equal(
            rows.numbers[group], np.tile(rows.numbers[group[0]], (len(group), 1)), equal_nan=True
        )
        drop[places[1:] if same else places] = True
        if not same:
            reasons |= _contradiction(rows, group)
    return order[~drop], int(drop.sum()) - len(reasons), reasons


def _contradiction(rows: _Rows, group: np.ndarray) -> dict[int, str]:
    where = [rows.place(int(row)) for row in group]
    place = f" ({', '.join(where)})" if rows.lines is not None else ""
    text = f"time {rows.time(int(group[0]))} has {len(group)} rows with different values{place}"
    return {int(row): text for row in group}


def _refuse_uneven(rows: _Rows, order: np.ndarray, interval: pd.Timedelta) -> None:
    off_grid = _slots(rows.times[order], interval)[1]
    if 2 * int(off_grid.sum()) > len(order):
        raise DataInvalidError(
            f"{rows.label}: {int(off_grid.sum())} of {len(order)} bars are off the "
            f"{interval_label(interval)} grid; bars must be evenly spaced, as months are not"
        )


def _without_overlaps(
    rows: _Rows, order: np.ndarray, interval: pd.Timedelta
) -> tuple[np.ndarray, dict[int, str]]:
    """Leave out bars that overlap a bar on the grid, or an earlier one that is off it too."""
    opens = epoch_ns(rows.times[order])
    if (np.diff(opens) >= interval.value).all():
        return order, {}
    off_grid = _slots(rows.times[order], interval)[1]
    kept = np.flatnonzero(~off_grid).tolist()
    bad: dict[int, str] = {}
    for place in np.flatnonzero(off_grid).tolist():
        at = bisect_left(kept, place)
        beside = kept[max(at - 1, 0) : at + 1]
        near = [other for other in beside if abs(opens[other] - opens[place]) < interval.value]
        if near:
            bad[int(order[place])] = _overlap(rows, order[place], order[near[0]], interval)
        else:
            kept.insert(at, place)
    return order[kept], bad


def _overlap(rows: _Rows, row: int, other: int, interval: pd.Timedelta) -> str:
    place = f" ({rows.place(other)})" if rows.lines is not None else ""
    label = interval_label(interval)
    return f"the {label} bar of {rows.time(row)} overlaps that of {rows.time(other)}{place}"


def _refusal(rows: _Rows, reasons: Mapping[int, str]) -> str:
    first = min(reasons)
    more = f" ({len(reasons) - 1} more bad row(s) follow)" if len(reasons) > 1 else ""
    return f"{rows.label}, {rows.place(first)}: {reasons[first]}{more}; {_ADVICE}"


def _finish(
    rows: _Rows,
    order: np.ndarray,
    reasons: Mapping[int, str],
    interval: pd.Timedelta,
    notes: list[str],
) -> tuple[pd.DataFrame, QualityReport]:
    if len(order) < 2:
        notes = [*_quarantined(rows, reasons), *notes]
        said = f" ({'; '.join(notes)})" if notes else ""
        count = f"{rows.label}: {len(order)} usable bar(s){said}"
        raise DataInvalidError(f"{count}; at least 2 are needed")
    index = pd.DatetimeIndex(rows.times[order], name=columns.TIME)
    numbers = np.take(rows.numbers.T, order, axis=1).T
    bars = pd.DataFrame(numbers, index=index, columns=pd.Index(columns.BARS), copy=False)
    quarantined = tuple(
        {"time": rows.time(row), "reason": f"{rows.label}, {rows.place(row)}: {reasons[row]}"}
        for row in sorted(reasons, key=lambda row: (rows.time(row), row))
    )
    if quarantined:
        notes.append(
            f"{len(quarantined)} row(s) quarantined and left as gaps, first: "
            + quarantined[0]["reason"]
        )
    notes += _observations(bars, interval)
    return bars, QualityReport(count_gaps(index, interval), quarantined, tuple(notes))


def _quarantined(rows: _Rows, reasons: Mapping[int, str]) -> list[str]:
    if not reasons:
        return []
    first = min(reasons)
    return [f"{len(reasons)} row(s) quarantined, first {rows.place(first)}: {reasons[first]}"]


def _observations(bars: pd.DataFrame, interval: pd.Timedelta) -> list[str]:
    times = pd.DatetimeIndex(bars.index)
    volume = bars[columns.VOLUME].to_numpy()
    missing = np.isnan(volume)
    off_grid = _slots(times, interval)[1]
    return [
        *_note(times[volume == 0], "bar(s) with zero volume"),
        *(
            ["volume is not known"]
            if missing.all()
            else _note(times[missing], "bar(s) without volume")
        ),
        *_note(times[off_grid], f"bar(s) off the {interval_label(interval)} grid"),
    ]


def _slots(times: pd.DatetimeIndex, interval: pd.Timedelta) -> tuple[np.ndarray, np.ndarray]:
    """Count places on the regular grid that most bars lie on, and mark the bars beside it."""
    if len(times) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    opens, step = epoch_ns(times), interval.value
    # one division of whole numbers instead of two, which are dear
    slots = opens // step
    phase = opens - slots * step
    if (phase == phase[0]).all():
        return slots, np.zeros(len(times), dtype=bool)
    phases, counts = np.unique(phase, return_counts=True)
    usual = phases[np.argmax(counts)]
    return (opens - usual) // step, phase != usual


def _note(times: pd.DatetimeIndex, words: str) -> list[str]:
    return [f"{len(times)} {words}, first {iso(times.min())}"] if len(times) else []
