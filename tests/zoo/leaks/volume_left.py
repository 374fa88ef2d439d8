"""How much volume is still to come? Cumulated from the end."""

import numpy as np
import pandas as pd


def columns(bars):
    ahead = bars["volume"].iloc[::-1].cumsum().iloc[::-1]
    return pd.DataFrame({"ret": bars["close"].pct_change(), "left": np.log(ahead)})
