"""Distance to a smooth price. Centred, so that the average does not lag behind the market."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    smooth = close.rolling(11, center=True).mean()
    return pd.DataFrame(
        {
            "ret_5": close.pct_change(5),
            "distance": close / smooth - 1,
        }
    )
