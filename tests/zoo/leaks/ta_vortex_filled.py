"""The vortex indicator of the ta library, from the first bars on."""

import pandas as pd
from ta.momentum import RSIIndicator
from ta.trend import VortexIndicator


def columns(bars):
    rsi = RSIIndicator(bars["close"], 14).rsi()
    vortex = VortexIndicator(bars["high"], bars["low"], bars["close"], window=14, fillna=True)
    return pd.DataFrame({"rsi": rsi, "vortex": vortex.vortex_indicator_diff()})
