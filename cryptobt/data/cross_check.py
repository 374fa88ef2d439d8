"""Two sources of one market beside each other: how far their closes are apart, and when."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import MarketData

_SHOWN = 5


@dataclass(frozen=True)
class Apart:
    """One bar whose closes are further apart than the threshold.

    Attributes
    ----------
    difference : float
        |ours / other - 1|.
    """

    time: pd.Timestamp
    ours: float
    other: float
    difference: float


@dataclass(frozen=True)
class Agreement:
    """How two sources of one market agree.

    Attributes
    ----------
    ours, other : str
        The two, as ``symbol (source)``.
    common : int
        Bars that both have.
    median, largest : float
        Of the relative differences of closes, |ours / other - 1|.
    largest_at : Timestamp
        When they are furthest apart.
    apart : tuple of Apart
        Bars apart by more than ``threshold``, in order of time.
    only_ours, only_other : tuple of Timestamp
        Bars that one has and the other lacks, within the span that both cover.
    """

    ours: str
    other: str
    interval: pd.Timedelta
    threshold: float
    common: int
    first: pd.Timestamp
    last: pd.Timestamp
    median: float
    largest: float
    largest_at: pd.Timestamp
    apart: tuple[Apart, ...]
    only_ours: tuple[pd.Timestamp, ...]
    only_other: tuple[pd.Timestamp, ...]

    def lines(self) -> list[str]:
        """Say it to a person, the widest differences first."""
        label = interval_label(self.interval)
        widest = sorted(self.apart, key=lambda bar: -bar.difference)[:_SHOWN]
        shown = f", the widest {_SHOWN}:" if len(self.apart) > _SHOWN else ""
        return [
            f"{self.ours} against {self.other}: {self.common} {label} bars in common, "
            f"{iso(self.first)} to {iso(self.last)}",
            f"closes apart by {self.median:.2%} in the median, at most {self.largest:.2%} "
            f"({iso(self.largest_at)})",
            f"{len(self.apart)} bar(s) apart by more than {self.threshold:.2%}{shown}",
            *(
                f"  {iso(bar.time)}: {bar.ours:.10g} against {bar.other:.10g}, {bar.difference:.2%}"
                for bar in widest
            ),
            *_missing(self.only_ours, self.other),
            *_missing(self.only_other, self.ours),
        ]

    def warning(self) -> str:
        """Say in one line how many closes are apart, and which are furthest."""
        return (
            f"closes of {self.ours} and {self.other} are apart by more than {self.threshold:.2%} "
            f"on {len(self.apart)} of {self.common:,} bars, at most {self.largest:.2%} "
            f"({iso(self.largest_at)})"
        )

    def to_json(self) -> dict[str, Any]:
        """Give everything, times as ISO 8601 text, for a JSON document."""
        return {
            "ours": self.ours,
            "other": self.other,
            "interval": interval_label(self.interval),
            "threshold": self.threshold,
            "common": self.common,
            "first": iso(self.first),
            "last": iso(self.last),
            "median": self.median,
            "largest": self.largest,
            "largest_at": iso(self.largest_at),
            "apart": [
                {
                    "time": iso(bar.time),
                    "ours": bar.ours,
                    "other": bar.other,
                    "difference": bar.difference,
                }
                for bar in self.apart
            ],
            "only_ours": [iso(time) for time in self.only_ours],
            "only_other": [iso(time) for time in self.only_other],
        }


def compare(ours: MarketData, other: MarketData, threshold: float) -> Agreement:
    """Compare the closes of two sources at the times that both have.

    Causality: none; this judges data as a whole and feeds no forecast.

    Parameters
    ----------
    threshold : float
        Relative difference of closes, above zero, from which a bar is listed; 0.02 is 2 %.

    Raises
    ------
    UsageError
        If the threshold is not above zero, or the intervals differ.
    DataInvalidError
        If the two have no time in common.
    """
    if not 0 < threshold < np.inf:
        raise UsageError(f"the threshold is {threshold:g}; expected a share above zero, like 0.02")
    if ours.interval != other.interval:
        raise UsageError(
            f"{_name(ours)} has bars of {interval_label(ours.interval)}, {_name(other)} of "
            f"{interval_label(other.interval)}; resample the shorter ones first"
        )
    times = ours.times.intersection(other.times).sort_values()
    if times.empty:
        raise DataInvalidError(
            f"{_name(ours)} and {_name(other)} have no time in common: "
            f"{_span(ours)}, {_span(other)}"
        )
    closes = [market.bars[columns.CLOSE].reindex(times).to_numpy() for market in (ours, other)]
    difference = np.abs(closes[0] / closes[1] - 1)
    widest = int(np.argmax(difference))
    return Agreement(
        ours=_name(ours),
        other=_name(other),
        interval=ours.interval,
        threshold=threshold,
        common=len(times),
        first=times[0],
        last=times[-1],
        median=float(np.median(difference)),
        largest=float(difference[widest]),
        largest_at=times[widest],
        apart=tuple(
            Apart(times[i], float(closes[0][i]), float(closes[1][i]), float(difference[i]))
            for i in np.flatnonzero(difference > threshold).tolist()
        ),
        only_ours=_lacking(ours, other),
        only_other=_lacking(other, ours),
    )


def _name(market: MarketData) -> str:
    return f"{market.symbol} ({market.source})"


def _span(market: MarketData) -> str:
    return f"{iso(market.times[0])} to {iso(market.times[-1])}"


def _lacking(having: MarketData, lacking: MarketData) -> tuple[pd.Timestamp, ...]:
    times = having.times
    inside = times[(times >= lacking.times[0]) & (times <= lacking.times[-1])]
    return tuple(inside.difference(lacking.times))


def _missing(times: tuple[pd.Timestamp, ...], name: str) -> list[str]:
    return [f"{len(times)} bar(s) that {name} lacks, first {iso(times[0])}"] if times else []
