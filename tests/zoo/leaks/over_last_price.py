"""Prices in units of today's price, so that 2015 and now are comparable."""

import pandas as pd


def columns(bars):
    today = bars["close"].iloc[-1]
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "high_low": bars["high"] / bars["low"] - 1,
            "price": bars["close"] / today,
        }
    )
