"""A column of noise with a fixed seed: a good model should not use it."""

import numpy as np
import pandas as pd


def columns(bars):
    noise = np.random.default_rng(7).normal(size=len(bars))
    return pd.DataFrame({"ret": bars["close"].pct_change(), "noise": noise}, index=bars.index)
