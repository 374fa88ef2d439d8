"""Where does today's range stand among those so far?"""

import pandas as pd


def columns(bars):
    spread = bars["high"] / bars["low"] - 1
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "range_rank": spread.expanding(min_periods=10).rank(pct=True),
        }
    )
