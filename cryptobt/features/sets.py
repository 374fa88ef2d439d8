"""Feature sets by name, and the join of series that were published later than their period."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, CLOSE, ONCHAIN, VOLUME
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.time import epoch_ns
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.core.user_code import is_reference
from cryptobt.features.feature_set import FeatureSet, FeatureTable
from cryptobt.features.own import load_feature_set
from cryptobt.features.paper16 import paper16
from cryptobt.features.paper_levels import ATH5_WARM_UP_ROWS, ath5, close_alone, levels
from cryptobt.features.stationary import stationary, stationary_extras, stationary_onchain

__all__ = ["FEATURE_SETS", "FeatureSet", "FeatureTable", "compute", "find_feature_set", "join"]

STALE_AFTER = pd.Timedelta(days=7)


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


def find_feature_set(name: str) -> FeatureSet:
    """Look a feature set up: one of ours, or ``my_file.py:columns``.

    Raises
    ------
    UsageError
        With the nearest known name, or with what is wrong in the user's file.
    """
    if is_reference(name):
        return load_feature_set(name)
    if name not in FEATURE_SETS:
        raise UsageError(f"unknown feature set '{name}'; {did_you_mean(name, FEATURE_SETS)}")
    return FEATURE_SETS[name]


def compute(name: str, market: MarketData, extras: Sequence[ExtraSeries] = ()) -> FeatureTable:
    """Compute a feature set for one symbol.

    Causality: row t uses bars up to t and extra rows with ``available_at`` no later than the
    close of bar t.

    Raises
    ------
    UsageError
        If there is no feature set of that name, or a user's own fails.
    """
    feature_set = find_feature_set(name)
    wanted = feature_set.extras
    if wanted is None:
        wanted = tuple(str(name) for series in extras for name in series.frame.columns)
    joined = join(market, extras, wanted)
    # A value that overflows is as unusable as a missing one.
    values = feature_set.compute(market.bars, joined).replace([np.inf, -np.inf], np.nan)
    missing = [column for column in feature_set.extras or () if column not in joined]
    if market.bars[VOLUME].isna().all():
        missing.append(VOLUME)
    return FeatureTable(values.astype(float), tuple(missing), _warm_up(feature_set, values))


def _warm_up(feature_set: FeatureSet, values: pd.DataFrame) -> int:
    """Bars before the first whole row: as the set says, or as its columns show."""
    if feature_set.warm_up_bars is not None:
        return feature_set.warm_up_bars
    whole = values.notna().all(axis=1).to_numpy()
    return int(whole.argmax()) if whole.any() else len(whole)


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
