"""The one volatility that features, targets, calibration and sizing share."""

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.time import bars_per_year

SPAN, MIN_ROWS, FLOOR = 30, 20, 0.005


def log_returns(bars: pd.DataFrame) -> pd.Series:
    """Log return of each bar against the bar before it; NaN in the first row."""
    return np.log(bars[CLOSE]).diff()


def ewma_volatility(bars: pd.DataFrame) -> pd.Series:
    """Exponentially weighted deviation of log returns, per bar.

    Causality: row t uses closes up to t.

    Parameters
    ----------
    bars : DataFrame
        As in :class:`~cryptobt.core.types.MarketData`.

    Returns
    -------
    Series
        Standard deviation of one bar's log return, span 30, at least 20 returns (NaN before),
        never under 0.005 so that a quiet market does not blow up what is divided by it.
    """
    deviation = log_returns(bars).ewm(span=SPAN, min_periods=MIN_ROWS).std()
    return deviation.clip(lower=FLOOR)


def annualised_volatility(bars: pd.DataFrame, interval: pd.Timedelta) -> pd.Series:
    """:func:`ewma_volatility` scaled to a year of 365 days."""
    return ewma_volatility(bars) * np.sqrt(bars_per_year(interval))
