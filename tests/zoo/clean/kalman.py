"""A Kalman filter for the level of the log price, one step a bar."""

import numpy as np
import pandas as pd


def columns(bars):
    log = np.log(bars["close"].to_numpy())
    level, variance, levels = log[0], 1.0, []
    for value in log:
        variance += 1e-5
        gain = variance / (variance + 1e-3)
        level += gain * (value - level)
        variance *= 1 - gain
        levels.append(level)
    return pd.DataFrame({"off_level": log - np.array(levels)}, index=bars.index)
