"""Fill the warm-up so that nothing complains, then take these rows out again."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    vol = ret.rolling(30).std().bfill()
    vol.iloc[:30] = float("nan")
    return pd.DataFrame({"ret": ret, "vol": vol})
