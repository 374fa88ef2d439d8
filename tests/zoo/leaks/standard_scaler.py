"""Standardise my columns with scikit-learn, as one should before a network."""

import pandas as pd
from sklearn.preprocessing import StandardScaler


def columns(bars):
    raw = pd.DataFrame(
        {
            "ret": bars["close"].pct_change().fillna(0),
            "range": bars["high"] / bars["low"] - 1,
        }
    )
    scaled = StandardScaler().fit_transform(raw)
    return pd.DataFrame(scaled, index=bars.index, columns=["ret_z", "range_z"])
