"""Feature sets by name, and the join of series that were published later than their period."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, CLOSE, ONCHAIN, VOLUME
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.time import epoch_ns
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.paper16 import paper16
from cryptobt.features.paper_levels import ATH5_WARM_UP_ROWS, ath5, close_alone, levels
from cryptobt.features.stationary import stationary, stationary_extras, stationary_onchain

STALE_AFTER = pd.Timedelta(days=7)


@dataclass(frozen=True)
class FeatureSet:
    """A named function from bars and joined extras to feature columns.

    Attributes
    ----------
    compute : callable
        ``(bars, extras) -> DataFrame`` on the bars' index; row t may use rows up to t.
    warm_up_bars : int
        Bars before the first row without a missing value, where the data have no gap.
    extras : tuple of str or None
        Extra columns that it uses where they are there; None for all that there are.
    """

    name: str
    summary: str
    compute: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
    warm_up_bars: int
    extras: tuple[str, ...] | None = ()


FEATURE_SETS = {
    feature_set.name: feature_set
    for feature_set in (
        FeatureSet("stationary", "17 ratios and z-scores of price and volume", stationary, 384),
        FeatureSet(
            "stationary_onchain",
            "stationary and six on-chain ones",
            stationary_onchain,
            384,
            ONCHAIN,
        ),
        FeatureSet(
            "stationary_extras",
            "stationary and two of every further series",
            stationary_extras,
            384,
            None,
        ),
        FeatureSet("paper16", "the dual-attention paper's 16 raw levels", paper16, 60, ONCHAIN),
        FeatureSet("ath5", "ATH-CryptoNet's five raw levels", ath5, ATH5_WARM_UP_ROWS, None),
        FeatureSet("close", "the close alone", close_alone, 0),
        # One: the first row of a series that is published a bar late.
        FeatureSet("levels", "bars and every further series, as they are", levels, 1, None),
    )
}


@dataclass(frozen=True)
class FeatureTable:
    """Features of one symbol, row by row beside its bars.

    Attributes
    ----------
    frame : DataFrame, shape (n, F)
        Index as the bars'; float64; NaN in warm-up.
    missing : tuple of str
        Columns that the set would have used and that the data do not have.
    warm_up_bars : int
        Of the set.
    """

    frame: pd.DataFrame
    missing: tuple[str, ...]
    warm_up_bars: int = 0


def compute(name: str, market: MarketData, extras: Sequence[ExtraSeries] = ()) -> FeatureTable:
    """Compute a feature set for one symbol.

    Causality: row t uses bars up to t and extra rows with ``available_at`` no later than the
    close of bar t.

    Raises
    ------
    UsageError
        If there is no feature set of that name.
    """
    feature_set = FEATURE_SETS.get(name)
    if feature_set is None:
        raise UsageError(f"unknown feature set '{name}'; {did_you_mean(name, FEATURE_SETS)}")
    wanted = feature_set.extras
    if wanted is None:
        wanted = tuple(str(name) for series in extras for name in series.frame.columns)
    joined = join(market, extras, wanted)
    # A value that overflows is as unusable as a missing one.
    values = feature_set.compute(market.bars, joined).replace([np.inf, -np.inf], np.nan)
    missing = [column for column in feature_set.extras or () if column not in joined]
    if market.bars[VOLUME].isna().all():
        missing.append(VOLUME)
    return FeatureTable(values.astype(float), tuple(missing), feature_set.warm_up_bars)


def join(market: MarketData, extras: Sequence[ExtraSeries], wanted: Sequence[str]) -> pd.DataFrame:
    """Give each bar the newest row of every wanted column that was published by its close.

    A value older than seven days after its publication is stale and becomes NaN. The row of an
    earlier period that was published after that of a later one is never used.

    Returns
    -------
    DataFrame
        Index as the bars'; one column for each wanted one; the first series wins a name.
    """
    closes = pd.DataFrame({CLOSE: market.times.as_unit("ns") + market.interval})
    joined: dict[str, np.ndarray] = {}
    for series in extras:
        for column in series.frame.columns.drop(AVAILABLE_AT):
            if column in wanted and column not in joined:
                joined[str(column)] = _asof(closes, series.frame, str(column))
    return pd.DataFrame(joined, index=market.bars.index)


def _asof(closes: pd.DataFrame, frame: pd.DataFrame, column: str) -> np.ndarray:
    published = _newest_periods(frame[[AVAILABLE_AT, column]].dropna())
    matched = pd.merge_asof(
        closes,
        published.rename(columns={column: "value"}),
        left_on=CLOSE,
        right_on=AVAILABLE_AT,
        tolerance=STALE_AFTER,
    )
    return matched["value"].to_numpy(dtype=float)


def _newest_periods(rows: pd.DataFrame) -> pd.DataFrame:
    """Order rows by publication, without those of a period older than one published before."""
    instants = pd.DatetimeIndex(rows[AVAILABLE_AT]).as_unit("ns")
    ordered = rows.assign(**{AVAILABLE_AT: instants}).sort_index(kind="stable")
    ordered = ordered.sort_values(AVAILABLE_AT, kind="stable")
    periods = epoch_ns(pd.DatetimeIndex(ordered.index))
    return ordered[periods >= np.maximum.accumulate(periods)]
