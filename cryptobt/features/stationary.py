"""Features without a price level: ratios, ranks and z-scores that mean the same in any year."""

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE, HIGH, LOW, ONCHAIN, VOLUME
from cryptobt.features.volatility import ewma_volatility, log_returns

MOMENTUM_BARS = (5, 10, 20, 60, 120)
MEAN_BARS = (20, 50, 100)
_STILL = 1e-8  # below this a deviation is rounding, not movement


def stationary(bars: pd.DataFrame, _extras: pd.DataFrame) -> pd.DataFrame:
    """Seventeen features of price and volume.

    Causality: row t uses bars up to t. Windows count bars, so "365" is a year of daily bars.

    Parameters
    ----------
    bars : DataFrame, shape (n, 5)
        As in :class:`~cryptobt.core.types.MarketData`.
    _extras : DataFrame
        Not used: this set needs no series beside the bars.

    Returns
    -------
    DataFrame, shape (n, 17)
        Unitless; NaN while a window is filling; ``volume_z`` is left out where there is no volume.
    """
    volatility = ewma_volatility(bars)
    parts = [
        _returns(bars, volatility),
        _oscillators(bars, volatility),
        _volatility_state(bars, volatility),
        _day_shape(bars, volatility),
    ]
    return pd.concat(parts, axis=1)


def stationary_onchain(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    """:func:`stationary` and two features for each on-chain series that is there.

    Causality: the on-chain values are those published by the close of bar t.

    Parameters
    ----------
    bars : DataFrame, shape (n, 5)
        As in :class:`~cryptobt.core.types.MarketData`.
    extras : DataFrame, shape (n, k)
        On-chain series joined by publication time; see :func:`cryptobt.features.sets.compute`.
    """
    columns = [stationary(bars, extras)]
    for name in ONCHAIN:
        if name in extras:
            columns.append(_activity(extras[name], name))
    return pd.concat(columns, axis=1)


def stationary_extras(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    """:func:`stationary` and two features for every further series, whatever it measures.

    Causality: the values are those published by the close of bar t.

    Parameters
    ----------
    bars : DataFrame, shape (n, 5)
        As in :class:`~cryptobt.core.types.MarketData`.
    extras : DataFrame, shape (n, k)
        Series joined by publication time; see :func:`cryptobt.features.sets.compute`.
    """
    return pd.concat([stationary(bars, extras), *(_level(extras[name]) for name in extras)], axis=1)


def _returns(bars: pd.DataFrame, volatility: pd.Series) -> pd.DataFrame:
    log_close = np.log(bars[CLOSE])
    features = {"return_1": log_returns(bars) / volatility}
    for span in MOMENTUM_BARS:
        features[f"momentum_{span}"] = log_close.diff(span) / (volatility * np.sqrt(span))
    for span in MEAN_BARS:
        distance = log_close - np.log(bars[CLOSE].rolling(span).mean())
        features[f"mean_distance_{span}"] = distance / (volatility * np.sqrt(span))
    return pd.DataFrame(features)


def _oscillators(bars: pd.DataFrame, volatility: pd.Series) -> pd.DataFrame:
    close = bars[CLOSE]
    change = close.diff()
    # Wilder (1978) smooths with weight 1/14. RSI/100 − 1/2 = 1/2 − 1/(1 + gains/losses).
    gains = change.clip(lower=0).ewm(alpha=1 / 14, min_periods=14).mean()
    losses = (-change.clip(upper=0)).ewm(alpha=1 / 14, min_periods=14).mean()
    strength = (gains / (gains + losses)).where(gains + losses > 0, 0.5)
    macd = close.ewm(span=12, min_periods=26).mean() - close.ewm(span=26, min_periods=26).mean()
    histogram = macd - macd.ewm(span=9, min_periods=9).mean()
    return pd.DataFrame(
        {
            "rsi_14": strength.where(losses.notna()) - 0.5,
            "macd_histogram": histogram / (close * volatility),
        }
    )


def _volatility_state(bars: pd.DataFrame, volatility: pd.Series) -> pd.DataFrame:
    returns = log_returns(bars)
    fast = returns.ewm(span=10, min_periods=10).std()
    slow = returns.ewm(span=100, min_periods=100).std()
    log_volatility = np.log(volatility)
    year = log_volatility.rolling(365)
    ratio = pd.Series(np.log((fast / slow).where((fast > _STILL) & (slow > _STILL), 1.0)))
    return pd.DataFrame(
        {
            "volatility_ratio": ratio.where(slow.notna()),
            "volatility_z": _z(log_volatility, year.mean(), year.std()),
        }
    )


def _day_shape(bars: pd.DataFrame, volatility: pd.Series) -> pd.DataFrame:
    high, low, close = bars[HIGH], bars[LOW], bars[CLOSE]
    span = high - low
    features = {
        "range": np.log(high / low) / volatility,
        # A bar without range closed nowhere in particular: the middle.
        "close_place": ((close - low) / span.where(span > 0)).fillna(0.5) - 0.5,
        "high_distance_90": np.log(close / high.rolling(90).max()) / (10 * volatility),
    }
    if bars[VOLUME].notna().any():
        features["volume_z"] = _log_z(bars[VOLUME])
    return pd.DataFrame(features)


def _activity(series: pd.Series, name: str) -> pd.DataFrame:
    logs = np.log1p(series.where(series > -1))  # a count that is negative has no logarithm
    growth = logs.rolling(7).mean() - logs.rolling(90).mean()
    return pd.DataFrame({f"{name}_z": _log_z(series), f"{name}_growth": growth})


def _level(series: pd.Series) -> pd.DataFrame:
    # Differences, not logs: a further series may be negative, or an index from 0 to 100.
    quarter, change = series.rolling(90), series.diff(5)
    z = _z(series, quarter.mean(), quarter.std())
    moved = _z(change, pd.Series(0.0, index=series.index), change.rolling(90).std())
    return pd.DataFrame({f"{series.name}_level_z": z, f"{series.name}_change_z": moved})


def _log_z(series: pd.Series) -> pd.Series:
    logs = np.log1p(series.where(series > -1))
    return _z(logs, logs.rolling(30).mean(), logs.rolling(60).std())


def _z(values: pd.Series, mean: pd.Series, deviation: pd.Series) -> pd.Series:
    # A constant stretch has no deviation: it is exactly average, not infinitely far from it.
    z = (values - mean) / deviation.where(deviation > 1e-12)
    return z.where(~(deviation <= 1e-12), 0.0)
