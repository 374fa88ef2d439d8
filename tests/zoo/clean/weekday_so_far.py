"""Average return of each weekday up to last week."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    by_day = ret.groupby(bars.index.day_of_week)
    effect = by_day.transform(lambda r: r.expanding().mean().shift(1))
    return pd.DataFrame({"ret": ret, "weekday_effect": effect})
