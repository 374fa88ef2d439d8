"""A flag for wild markets: volatility above its median."""

import pandas as pd


def columns(bars):
    volatility = bars["close"].pct_change().rolling(20).std()
    usual = volatility.median()
    out = pd.DataFrame({"volatility": volatility})
    out["wild"] = (volatility > usual).astype(float).where(volatility.notna())
    return out
