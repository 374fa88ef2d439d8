"""What a person should know of a series beside the bars before trusting it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.time import DAY, epoch_ns, interval_label, iso
from cryptobt.core.types import ExtraSeries
from cryptobt.data.extra_sync import missed

_SHOWN = 5


@dataclass(frozen=True)
class Hole:
    """Rows that are missing one after another: the row before them, and how many."""

    after: pd.Timestamp
    rows: int


@dataclass(frozen=True)
class ExtraQuality:
    """What :func:`examine_extra` found.

    Attributes
    ----------
    lag_hours : float
        From the end of a row's period to its publication, as the series says.
    period : Timedelta
        Most frequent spacing of the rows.
    holes : tuple of Hole
        Where rows are missing, in order of time; a holiday of a market that rests is one, too.
    empty : dict
        Rows without a value, for each column that has such rows.
    behind : int
        Rows that should have been published by now after the last one.
    warnings : tuple of str
        What was said at loading.
    """

    name: str
    source: str
    lag_hours: float
    rows: int
    period: pd.Timedelta
    first: pd.Timestamp
    last: pd.Timestamp
    holes: tuple[Hole, ...]
    empty: dict[str, int]
    behind: int
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it to a person, the largest holes first."""
        widest = sorted(self.holes, key=lambda hole: -hole.rows)[:_SHOWN]
        shown = ", ".join(f"{hole.rows} after {iso(hole.after)}" for hole in widest)
        count = sum(hole.rows for hole in self.holes)
        return [
            f"{self.name} ({self.source}): {self.rows:,} rows of {interval_label(self.period)}, "
            f"{iso(self.first)} to {iso(self.last)}, lag {self.lag_hours:g} h",
            *([f"{self.behind} row(s) since then are not there"] if self.behind else []),
            f"{count} row(s) missing in {len(self.holes)} gap(s): {shown}" if count else "no gaps",
            *(f"{rows} row(s) without {column}" for column, rows in self.empty.items()),
            *(f"at loading: {note}" for note in self.warnings),
        ]

    def to_json(self) -> dict[str, Any]:
        """Give everything, times as ISO 8601 text, for a JSON document."""
        return {
            "name": self.name,
            "source": self.source,
            "lag_hours": self.lag_hours,
            "rows": self.rows,
            "interval": interval_label(self.period),
            "first": iso(self.first),
            "last": iso(self.last),
            "gaps": [{"after": iso(hole.after), "rows": hole.rows} for hole in self.holes],
            "missing": sum(hole.rows for hole in self.holes),
            "empty": self.empty,
            "behind": self.behind,
            "warnings": list(self.warnings),
        }


def examine_extra(series: ExtraSeries, now: pd.Timestamp) -> ExtraQuality:
    """Look at a series for what spoils its use, and change nothing.

    Causality: none; it looks at all rows at once and feeds no forecast.
    """
    frame = series.frame
    times, at = pd.DatetimeIndex(frame.index), pd.DatetimeIndex(frame[AVAILABLE_AT])
    period = _period(times)
    empty = frame.drop(columns=AVAILABLE_AT).isna().sum()
    return ExtraQuality(
        *(series.name, series.source, series.lag_hours, len(frame), period, times[0], times[-1]),
        holes=_holes(series.source, times, at, period),
        empty={str(name): int(rows) for name, rows in empty.items() if rows},
        behind=len(missed(series.source, at[-1], now, period)),
        warnings=series.warnings,
    )


def _period(times: pd.DatetimeIndex) -> pd.Timedelta:
    steps, counts = np.unique(np.diff(epoch_ns(times)), return_counts=True)
    return pd.Timedelta(int(steps[np.argmax(counts)]), unit="ns") if len(steps) else DAY


def _holes(
    source: str, times: pd.DatetimeIndex, at: pd.DatetimeIndex, period: pd.Timedelta
) -> tuple[Hole, ...]:
    # A row late by less than half a period is none that is missing: clocks change, vendors vary.
    late = np.flatnonzero(np.diff(epoch_ns(times)) > 1.5 * period.value).tolist()
    found = []
    for row in late:
        lacking = len(missed(source, at[row], at[row + 1] - period / 2, period))
        if lacking:
            found.append(Hole(times[row], lacking))
    return tuple(found)
