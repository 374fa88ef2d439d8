"""Return over seven calendar days. A missing day is drawn between its neighbours, both past."""

import pandas as pd


def columns(bars):
    every_day = bars["close"].asfreq("D").interpolate()
    week = (every_day / every_day.shift(7) - 1).reindex(bars.index)
    return pd.DataFrame({"ret": bars["close"].pct_change(), "week": week})
