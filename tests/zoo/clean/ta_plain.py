"""The usual indicators of ta: RSI, ADX, MACD and true range."""

import pandas as pd
from ta.momentum import RSIIndicator
from ta.trend import MACD, ADXIndicator
from ta.volatility import AverageTrueRange


def columns(bars):
    high, low, close = bars["high"], bars["low"], bars["close"]
    out = pd.DataFrame(index=bars.index)
    out["rsi"] = RSIIndicator(close).rsi() / 100
    out["macd"] = MACD(close).macd_diff() / close
    out["adx"] = ADXIndicator(high, low, close).adx() / 100
    out["atr"] = AverageTrueRange(high, low, close).average_true_range() / close
    return out
