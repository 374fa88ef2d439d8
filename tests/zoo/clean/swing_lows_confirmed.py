"""Swing lows, marked on the bar that confirms them: five later."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    lowest = close.rolling(11).min()
    confirmed = (close.shift(5) == lowest).astype(float).where(lowest.notna())
    return pd.DataFrame({"ret": close.pct_change(), "swing_low": confirmed})
