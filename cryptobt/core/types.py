"""What rooms pass to each other: documented frames inside small frozen dataclasses."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.hashing import hash_arrays, hash_frame
from cryptobt.core.time import epoch_ns


@dataclass(frozen=True)
class QualityReport:
    """What was found in the data and what was taken out of it, in words a person can read.

    Attributes
    ----------
    gaps : int
        Bars missing between the first and the last.
    quarantined : tuple of dict
        Rows taken out: ``{"time", "reason"}``.
    warnings : tuple of str
        One line each.
    unanswered : str
        How the source failed where these are the bars stored before; empty where it answered.
    """

    gaps: int = 0
    quarantined: tuple[dict[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    unanswered: str = ""


@dataclass(frozen=True)
class MarketData:
    """The complete bars of one symbol, and where they came from.

    Attributes
    ----------
    bars : DataFrame
        Index ``time``: each bar's open, aware UTC, unique and increasing. Columns open, high,
        low, close, volume, float64; prices positive and finite; volume may be NaN. Gaps are
        left visible: a missing bar is a missing row.
    interval : Timedelta
        Spacing of the bars; bar t is known at ``t + interval``.
    fetched_at : Timestamp or None
        When a vendor gave the bars; None for a file or the sample market.
    """

    symbol: str
    interval: pd.Timedelta
    source: str
    bars: pd.DataFrame
    simulated: bool = False
    fetched_at: pd.Timestamp | None = None
    quality: QualityReport = field(default_factory=QualityReport)

    @property
    def times(self) -> pd.DatetimeIndex:
        """Open times of the bars."""
        return pd.DatetimeIndex(self.bars.index)

    @cached_property
    def hash(self) -> str:
        """Content hash of the bars, equal for equal content."""
        return hash_frame(self.bars)


@dataclass(frozen=True)
class ExtraSeries:
    """A series beside the bars (on-chain, sentiment), with the instant each row was published.

    Attributes
    ----------
    frame : DataFrame
        Index ``time``: start of the row's period, aware UTC, unique and increasing; float64
        columns, and ``available_at``: the first instant at which the row may be used.
    lag_hours : float
        Publication lag that is contained in ``available_at``.
    warnings : tuple of str
        What a person should know of how it was loaded, one line each.
    """

    name: str
    source: str
    frame: pd.DataFrame
    lag_hours: float
    warnings: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Content hash of values and publication times."""
        values = self.frame.drop(columns=columns.AVAILABLE_AT)
        published = epoch_ns(pd.DatetimeIndex(self.frame[columns.AVAILABLE_AT]))
        return hash_arrays(
            {"": np.frombuffer(hash_frame(values).encode(), dtype=np.uint8), "at": published}
        )


@dataclass(frozen=True)
class Explanation:
    """What one forecaster looked at, per forecast, and how its folds learnt.

    Attributes
    ----------
    times : DatetimeIndex
        Last bar used by each forecast, length n.
    feature_names : tuple of str
        Length F.
    gates : ndarray, shape (n, F)
        Feature gates, mean over the window and the ensemble; all-NaN where a net has none.
    attention : ndarray, shape (n, heads, T)
        Temporal attention, mean over the ensemble; sums to 1 over T.
    losses : dict
        Fold name to a frame with columns seed, epoch, train, validation.
    """

    times: pd.DatetimeIndex
    feature_names: tuple[str, ...]
    gates: np.ndarray
    attention: np.ndarray
    losses: dict[str, pd.DataFrame]

    def since(self, start: pd.Timestamp) -> "Explanation":
        """Keep the forecasts from a bar on."""
        kept = np.asarray(self.times >= start)
        return replace(
            self, times=self.times[kept], gates=self.gates[kept], attention=self.attention[kept]
        )


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of one or more forecasters, columns as in :data:`columns.FORECASTS`.

    Attributes
    ----------
    frame : DataFrame
        Sorted by (time, symbol, model_id); times aware UTC. ``score`` is never NaN; ``mean`` (log
        return), ``p_up`` and the quantiles are NaN until enough past forecasts can calibrate them.
    explanations : dict
        Symbol to what its network looked at; empty where no network explains itself.
    members : DataFrame or None
        The same rows by each seed of the ensemble alone, the forecaster named
        ``<name>_seed<number>``; None where there is one seed, or nothing random.
    """

    frame: pd.DataFrame
    explanations: dict[str, Explanation] = field(default_factory=dict)
    members: pd.DataFrame | None = None

    def of(self, forecaster: str, symbol: str) -> pd.DataFrame:
        """Select one forecaster's rows of one symbol and its nearest horizon, by ``time``."""
        rows = self.frame
        chosen = rows[(rows["forecaster"] == forecaster) & (rows["symbol"] == symbol)]
        nearest = chosen[chosen["horizon_bars"] == chosen["horizon_bars"].min()]
        return nearest.set_index(columns.TIME)


@dataclass(frozen=True)
class BacktestResult:
    """The account that one strategy would have had. Metrics are functions of it.

    Attributes
    ----------
    equity, weights, orders, fills, trades : DataFrame
        Columns as in :mod:`cryptobt.core.columns`, ``time`` aware UTC; values at the bar's close.
    scores : DataFrame
        Columns time, symbol, score: the strategy's own opinion at each decision, positive for up,
        NaN where it has none.
    pending : list of dict
        Orders for the bar after the last one, as in ``orders.csv``.
    """

    equity: pd.DataFrame
    weights: pd.DataFrame
    orders: pd.DataFrame
    fills: pd.DataFrame
    trades: pd.DataFrame
    scores: pd.DataFrame
    pending: list[dict[str, Any]]

    @property
    def times(self) -> pd.DatetimeIndex:
        """Deciding bars: every time from the first decision on at which some symbol has one."""
        return pd.DatetimeIndex(self.equity[columns.TIME], name=columns.TIME)

    @property
    def returns(self) -> pd.Series:
        """Simple returns per bar, indexed by ``time``."""
        return self.equity.set_index(columns.TIME)["return"]
