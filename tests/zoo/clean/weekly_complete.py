"""The close of the last complete week, beside the daily bars."""

import pandas as pd


def columns(bars):
    weekly = bars["close"].resample("W-SUN").last()
    weekly = weekly.reindex(bars.index, method="ffill")
    return pd.DataFrame({"day": bars["close"].pct_change(), "to_week": bars["close"] / weekly - 1})
