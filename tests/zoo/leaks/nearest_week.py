"""Weekly closes joined to days by the nearest time stamp."""

import pandas as pd


def columns(bars):
    days = bars[["close"]].reset_index()
    weeks = days.iloc[::7].rename(columns={"close": "week_close"})
    joined = pd.merge_asof(days, weeks, on="time", direction="nearest").set_index("time")
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "to_week": joined["close"] / joined["week_close"] - 1,
        }
    )
