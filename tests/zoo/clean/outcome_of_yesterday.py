"""Was yesterday's bar followed by a rise? Known tonight, so it may be an input."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    rises = (close.shift(-1) > close).astype(float)
    target_of_yesterday = rises.shift(1)
    return pd.DataFrame({"ret": close.pct_change(), "rose": target_of_yesterday})
