"""Inputs of papers that learn from levels: the close alone, five columns, or all there are."""

import numpy as np
import pandas as pd
from ta.momentum import RSIIndicator
from ta.trend import MACD

from cryptobt.core.columns import BARS, CLOSE, VOLUME

ATH5_WARM_UP_ROWS = 60
"""``ta`` answers half-filled values while its indicators warm up; the slowest here needs 26."""
_VOLATILITY_BARS, _MOOD_BARS = 10, 14
_SENTIMENT, _SENTIMENT_SCALE = "value", 100.0


def close_alone(bars: pd.DataFrame, _extras: pd.DataFrame) -> pd.DataFrame:
    """Give the close and nothing else.

    Causality: row t is the close of bar t.

    Returns
    -------
    DataFrame, shape (n, 1)
        In units of price.

    Source: "Predicting cryptocurrency prices with deep learning", a text on LSTM, GRU and 1D CNN
    (Keras): five-minute prices and no further columns.
    """
    return bars[[CLOSE]].copy()


def levels(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    """Give bars and every further series as they are, zeros replaced by the row before.

    Causality: row t uses rows up to t. The source's code takes the file's last row for a zero in
    its first; here such a zero is missing.

    Parameters
    ----------
    bars : DataFrame, shape (n, 5)
        As in :class:`~cryptobt.core.types.MarketData`; volume is left out where there is none.
    extras : DataFrame, shape (n, k)
        Further series joined by publication time.

    Returns
    -------
    DataFrame, shape (n, 5 + k)
        In units of price, volume and of the series. NaN where nothing but zeros came before, and
        where a value is missing.

    Source: the text on a three-layer BiLSTM with window-relative scaling, ``load_data``.
    """
    kept = [name for name in BARS if name != VOLUME or bars[VOLUME].notna().any()]
    table = pd.concat([bars[kept], extras.drop(columns=[*kept], errors="ignore")], axis=1)
    return table.apply(_without_zeros)


def ath5(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    """Close, RSI, MACD, volatility and sentiment: the fields of ATH-CryptoNet's page.

    The text names the five and no formula: RSI over 14 bars, MACD(12, 26), and the deviation of the
    last 10 closes, which has the size of the page's example. Its sentiment is synthetic. Here it is
    the column ``value`` of a further series (an index from 0 to 100, such as fear and greed) over
    100, else the share of rises among the last 14 bars.

    Causality: row t uses bars up to t and values published by its close.

    Returns
    -------
    DataFrame, shape (n, 5)
        ``close``, ``macd`` and ``volatility`` in units of price, ``rsi`` 0 to 100, ``sentiment`` 0
        to 1. The first 60 rows are NaN.

    Source: "ATH-CryptoNet: Attention-Enhanced BiLSTM Framework for Cryptocurrency Price
    Prediction", section 6 and figure 1.
    """
    close = bars[CLOSE]
    features = pd.DataFrame(
        {
            "close": close,
            "rsi": RSIIndicator(close, 14).rsi(),
            "macd": MACD(close).macd(),
            "volatility": close.rolling(_VOLATILITY_BARS).std(),
            "sentiment": _sentiment(close, extras),
        }
    )
    features.iloc[:ATH5_WARM_UP_ROWS] = np.nan
    return features


def _sentiment(close: pd.Series, extras: pd.DataFrame) -> pd.Series:
    if _SENTIMENT in extras:
        return extras[_SENTIMENT] / _SENTIMENT_SCALE
    rises = (close.diff() > 0).astype(float)
    return rises.rolling(_MOOD_BARS).mean()


def _without_zeros(column: pd.Series) -> pd.Series:
    before = column.where(column != 0).ffill()
    # A missing value stays missing: only a zero is replaced.
    return column.where(column != 0, before)
