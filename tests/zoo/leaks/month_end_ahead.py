"""The day's move; at a month's end the one that opens the next month."""

import numpy as np
import pandas as pd


def columns(bars):
    log = np.log(bars["close"])
    ends = bars.index.is_month_end
    move = np.where(ends, log.shift(-1) - log, log.diff())
    return pd.DataFrame({"range": np.log(bars["high"] / bars["low"]), "move": move}, bars.index)
