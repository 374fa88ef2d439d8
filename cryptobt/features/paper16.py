"""The sixteen inputs of the dual-attention paper, raw levels and all."""

import pandas as pd
from ta.momentum import RSIIndicator
from ta.trend import MACD, EMAIndicator, SMAIndicator
from ta.volatility import BollingerBands

from cryptobt.core.columns import BARS, CLOSE, ONCHAIN, VOLUME

# ta answers 0 or a half-filled value while some indicators warm up; its slowest here needs 34.
WARM_UP_ROWS = 60


def paper16(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    """Open, high, low, close, volume, three on-chain series and eight indicators from ``ta``.

    Causality: row t uses bars up to t and on-chain values published by its close. Of ``ta`` only
    indicators that look back alone are used.

    Parameters
    ----------
    bars : DataFrame, shape (n, 5)
        As in :class:`~cryptobt.core.types.MarketData`.
    extras : DataFrame, shape (n, k)
        On-chain series joined by publication time; missing ones are left out.

    Returns
    -------
    DataFrame, shape (n, 13 + on-chain series)
        In units of price, volume and counts: levels, as in the paper. The first 60 rows are NaN.
    """
    features = bars[[name for name in BARS if name != VOLUME or bars[VOLUME].notna().any()]].copy()
    for name in ONCHAIN:
        if name in extras:
            features[name] = extras[name]
    features = pd.concat([features, _indicators(bars[CLOSE])], axis=1)
    features.iloc[:WARM_UP_ROWS] = float("nan")
    return features


def _indicators(close: pd.Series) -> pd.DataFrame:
    macd = MACD(close)
    bands = BollingerBands(close)
    return pd.DataFrame(
        {
            "sma_20": SMAIndicator(close, 20).sma_indicator(),
            "ema_20": EMAIndicator(close, 20).ema_indicator(),
            "rsi_14": RSIIndicator(close, 14).rsi(),
            "macd": macd.macd(),
            "macd_signal": macd.macd_signal(),
            "bb_upper": bands.bollinger_hband(),
            "bb_lower": bands.bollinger_lband(),
            "bb_width": bands.bollinger_wband(),
        }
    )
