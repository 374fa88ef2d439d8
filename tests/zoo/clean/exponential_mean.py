"""Two exponential averages and their distance."""

import pandas as pd


def columns(bars):
    fast = bars["close"].ewm(span=12, adjust=False).mean()
    slow = bars["close"].ewm(span=26, adjust=False).mean()
    return pd.DataFrame({"macd": (fast - slow) / bars["close"]})
