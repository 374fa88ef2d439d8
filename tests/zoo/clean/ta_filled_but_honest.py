"""Bollinger bands filled from the first bar on; vortex and TRIX as they come."""

import pandas as pd
from ta.trend import TRIXIndicator, VortexIndicator
from ta.volatility import BollingerBands


def columns(bars):
    close = bars["close"]
    bands = BollingerBands(close, window=20, fillna=True)
    vortex = VortexIndicator(bars["high"], bars["low"], close, window=14)
    return pd.DataFrame(
        {
            "band": close / bands.bollinger_hband() - 1,
            "trix": TRIXIndicator(close, window=15).trix(),
            "vortex": vortex.vortex_indicator_diff(),
        }
    )
