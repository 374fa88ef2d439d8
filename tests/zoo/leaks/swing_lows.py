"""Swing lows: a close below its five neighbours on both sides. I buy there."""

import numpy as np
import pandas as pd
from scipy.signal import argrelextrema


def columns(bars):
    close = bars["close"].to_numpy()
    pivots = argrelextrema(close, np.less, order=5)[0]
    out = pd.DataFrame({"ret": bars["close"].pct_change()})
    out["swing_low"] = 0.0
    out.iloc[pivots, out.columns.get_loc("swing_low")] = 1.0
    return out
