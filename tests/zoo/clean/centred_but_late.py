"""A centred average, used five bars later, when all of it has happened."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    centred = close.rolling(11, center=True).mean()
    return pd.DataFrame({"distance": close / centred.shift(5) - 1})
