"""Day of the week on a circle, and the end of the month."""

import numpy as np
import pandas as pd


def columns(bars):
    angle = 2 * np.pi * bars.index.day_of_week / 7
    return pd.DataFrame(
        {
            "ret": bars["close"].pct_change(),
            "weekday_sin": np.sin(angle),
            "weekday_cos": np.cos(angle),
            "month_end": bars.index.is_month_end.astype(float),
        },
        index=bars.index,
    )
