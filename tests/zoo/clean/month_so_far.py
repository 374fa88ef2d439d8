"""Distance to the high and low of the month so far."""

import pandas as pd


def columns(bars):
    groups = bars.groupby(bars.index.tz_localize(None).to_period("M"))
    top, bottom = groups["high"].cummax(), groups["low"].cummin()
    place = (bars["close"] - bottom) / (top - bottom)
    return pd.DataFrame({"ret": bars["close"].pct_change(), "place_in_month": place})
