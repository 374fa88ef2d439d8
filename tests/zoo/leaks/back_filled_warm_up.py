"""Volatility, and no empty rows at the start: I want every bar I paid for."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    df = pd.DataFrame(index=bars.index)
    df["ret"] = ret.fillna(0.0)
    df["vol_30"] = ret.rolling(30).std()
    df["vol_30"] = df["vol_30"].bfill()
    return df
