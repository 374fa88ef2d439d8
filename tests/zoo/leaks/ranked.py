"""Where does today's range stand among all ranges? A rank knows no outliers."""

import pandas as pd


def columns(bars):
    spread = bars["high"] / bars["low"] - 1
    df = pd.DataFrame({"ret": bars["close"].pct_change()})
    df["range_rank"] = spread.rank(pct=True)
    return df
