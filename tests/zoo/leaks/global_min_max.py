"""Scale close and volume to 0..1 before the network sees them."""

import numpy as np
import pandas as pd


def columns(bars):
    out = pd.DataFrame(index=bars.index)
    out["ret"] = np.log(bars["close"]).diff()
    out["range"] = (bars["high"] - bars["low"]) / bars["close"]
    lowest, highest = bars["close"].min(), bars["close"].max()
    out["close_01"] = (bars["close"] - lowest) / (highest - lowest)
    return out
