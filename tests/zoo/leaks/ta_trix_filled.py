"""TRIX without holes: fillna=True, as in the examples of the library."""

import pandas as pd
from ta.trend import MACD, TRIXIndicator


def columns(bars):
    close = bars["close"]
    return pd.DataFrame(
        {
            "macd": MACD(close).macd_diff(),
            "trix": TRIXIndicator(close, window=15, fillna=True).trix(),
        }
    )
