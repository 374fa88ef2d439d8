"""Cut returns at the quantiles of the last hundred bars."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    window = ret.rolling(100, min_periods=20)
    clipped = ret.clip(window.quantile(0.02), window.quantile(0.98))
    return pd.DataFrame({"ret": clipped})
