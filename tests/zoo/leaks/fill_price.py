"""How far below my signal can I be filled? The room down to the low."""

import pandas as pd


def columns(bars):
    table = pd.DataFrame(index=bars.index)
    table["body"] = bars["close"] / bars["open"] - 1
    table["room"] = bars["low"].shift(-1) / bars["close"] - 1
    table["room"] = table["room"].fillna(0)
    return table
