"""Distance to the average of the last eleven closes."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    smooth = close.rolling(11).mean()
    return pd.DataFrame({"ret_5": close.pct_change(5), "distance": close / smooth - 1})
