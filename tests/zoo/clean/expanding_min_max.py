"""Where the price stands between the lowest and highest seen so far."""

import pandas as pd


def columns(bars):
    lowest, highest = bars["close"].expanding().min(), bars["close"].expanding().max()
    out = pd.DataFrame({"ret": bars["close"].pct_change()})
    out["close_01"] = (bars["close"] - lowest) / (highest - lowest)
    return out
