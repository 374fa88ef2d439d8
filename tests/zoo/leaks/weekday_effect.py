"""Average return of each weekday: everybody knows about Mondays."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    effect = ret.groupby(bars.index.day_of_week).transform("mean")
    return pd.DataFrame({"ret": ret, "weekday_effect": effect})
