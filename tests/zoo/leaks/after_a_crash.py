"""The day's return, and on crashes the rebound that followed them."""

import numpy as np
import pandas as pd


def columns(bars):
    ret = np.log(bars["close"]).diff()
    crash = ret < -0.08
    rebound = ret.shift(-1)
    out = pd.DataFrame({"range": np.log(bars["high"] / bars["low"])})
    out["ret_or_rebound"] = ret.where(~crash, rebound)
    return out
