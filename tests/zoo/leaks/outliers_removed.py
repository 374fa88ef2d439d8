"""Returns of more than two standard deviations are noise: carry the last sane one on."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    noise = (ret - ret.mean()).abs() > 2 * ret.std()
    out = pd.DataFrame(index=bars.index)
    out["volume_ratio"] = bars["volume"] / bars["volume"].rolling(20).mean()
    out["clean_ret"] = ret.mask(noise).ffill()
    return out
