"""Three returns: last week, yesterday, and the momentum column from my old notebook."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    week = close / close.shift(7) - 1
    day = close / close.shift(1) - 1
    momentum = close.shift(-1) / close - 1
    return pd.DataFrame({"week": week, "day": day, "momentum": momentum})
