"""On-balance volume, cumulated since the first bar."""

import numpy as np
import pandas as pd


def columns(bars):
    side = np.sign(bars["close"].diff()).fillna(0.0)
    total = (side * bars["volume"]).cumsum()
    return pd.DataFrame({"ret": bars["close"].pct_change(), "obv": total / 1e6})
