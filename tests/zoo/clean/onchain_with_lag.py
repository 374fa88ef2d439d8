"""On-chain series as they are handed to me: published by the close of the bar."""

import numpy as np
import pandas as pd


def columns(bars, extras):
    active = np.log(extras["adractcnt"])
    return pd.DataFrame(
        {"ret": bars["close"].pct_change(), "active": active - active.rolling(30).mean()}
    )
