"""Weekly trend beside the daily bars. Weeks run from Monday to Sunday."""

import pandas as pd


def columns(bars):
    weekly = bars["close"].resample("W-MON", label="left", closed="left").last()
    weekly = weekly.reindex(bars.index, method="ffill")
    return pd.DataFrame(
        {
            "day": bars["close"].pct_change(),
            "to_week": bars["close"] / weekly - 1,
        }
    )
