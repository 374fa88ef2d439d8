"""Slope of a straight line through the last twenty log closes."""

import numpy as np
import pandas as pd

X = np.arange(20) - 9.5


def columns(bars):
    log = np.log(bars["close"])
    slope = log.rolling(20).apply(lambda y: (X * y).sum() / (X**2).sum(), raw=True)
    return pd.DataFrame({"ret": log.diff(), "slope": slope})
