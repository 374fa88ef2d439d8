"""Know Sure Thing from ta: four rates of change in one line."""

import pandas as pd
from ta.momentum import ROCIndicator
from ta.trend import KSTIndicator


def columns(bars):
    close = bars["close"]
    table = pd.DataFrame({"roc": ROCIndicator(close, 12).roc()})
    table["kst"] = KSTIndicator(close).kst()
    return table
