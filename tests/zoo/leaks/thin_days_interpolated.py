"""Days with hardly any volume are errors of the exchange: draw a line through them."""

import numpy as np
import pandas as pd


def columns(bars):
    usual = bars["volume"].rolling(30, min_periods=5).median()
    volume = bars["volume"].where(bars["volume"] > 0.6 * usual)
    volume = volume.interpolate()
    out = pd.DataFrame(index=bars.index)
    out["ret"] = bars["close"].pct_change()
    out["log_volume"] = np.log(volume)
    return out
