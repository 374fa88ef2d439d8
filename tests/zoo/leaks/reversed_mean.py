"""My data came newest first, so I turned it round for the average and back again."""

import pandas as pd


def columns(bars):
    newest_first = bars["close"][::-1]
    average = newest_first.rolling(10).mean()[::-1]
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "gap": bars["close"] / average - 1,
        }
    )
