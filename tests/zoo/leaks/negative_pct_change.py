"""Returns over one and five bars."""

import pandas as pd


def columns(bars):
    close = bars["close"]
    return pd.DataFrame(
        {
            "five": close.pct_change(5),
            "one": close.pct_change(-1),
        }
    )
