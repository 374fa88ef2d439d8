"""A five-day moving average by convolution, as long as the series itself."""

import numpy as np
import pandas as pd


def columns(bars):
    close = bars["close"].to_numpy()
    average = np.convolve(close, np.ones(5) / 5, mode="same")
    out = pd.DataFrame(index=bars.index)
    out["ret"] = bars["close"].pct_change()
    out["to_average"] = close / average - 1
    return out
