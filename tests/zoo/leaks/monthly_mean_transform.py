"""How far is the price from its monthly average?"""

import pandas as pd


def columns(bars):
    month = bars.index.year * 100 + bars.index.month
    average = bars["close"].groupby(month).transform("mean")
    out = pd.DataFrame({"ret_3": bars["close"].pct_change(3)})
    out["from_month"] = bars["close"] / average - 1
    return out
