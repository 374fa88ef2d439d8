"""Savitzky-Golay smoothing: keeps the turns that a moving average washes out."""

import numpy as np
import pandas as pd
from scipy.signal import savgol_filter


def columns(bars):
    log = np.log(bars["close"].to_numpy())
    smooth = savgol_filter(log, window_length=21, polyorder=3)
    return pd.DataFrame(
        {"ret": np.r_[np.nan, np.diff(log)], "off_smooth": log - smooth}, index=bars.index
    )
