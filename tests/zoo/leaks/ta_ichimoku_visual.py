"""The Ichimoku cloud as it is drawn on charts, relative to price."""

import pandas as pd
from ta.trend import IchimokuIndicator


def columns(bars):
    cloud = IchimokuIndicator(bars["high"], bars["low"], visual=True)
    out = pd.DataFrame(index=bars.index)
    out["conversion"] = cloud.ichimoku_conversion_line() / bars["close"] - 1
    out["span_a"] = cloud.ichimoku_a() / bars["close"] - 1
    return out
