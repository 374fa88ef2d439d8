"""Weekly bars named by their Monday, one week late: then they are over."""

import pandas as pd


def columns(bars):
    weekly = bars["close"].resample("W-MON", label="left", closed="left").last().shift(1)
    weekly = weekly.reindex(bars.index, method="ffill")
    return pd.DataFrame({"day": bars["close"].pct_change(), "to_week": bars["close"] / weekly - 1})
