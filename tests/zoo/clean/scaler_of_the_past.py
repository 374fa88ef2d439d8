"""Z-scores by the mean and deviation of the past, today included."""

import pandas as pd


def columns(bars):
    spread = bars["high"] / bars["low"] - 1
    past = spread.expanding(min_periods=20)
    return pd.DataFrame({"range_z": (spread - past.mean()) / past.std()})
