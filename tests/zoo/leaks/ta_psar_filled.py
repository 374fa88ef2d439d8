"""Parabolic SAR: where my stop would be, in percent of the price."""

import pandas as pd
from ta.trend import PSARIndicator


def columns(bars):
    psar = PSARIndicator(bars["high"], bars["low"], bars["close"], fillna=True)
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "stop_below": psar.psar_up() / bars["close"] - 1,
        }
    )
