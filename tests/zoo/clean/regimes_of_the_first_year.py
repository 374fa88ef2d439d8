"""Market regimes by k-means: learnt from the first 150 bars, which I then do not use."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

LEARNT = 150


def columns(bars):
    ret = bars["close"].pct_change()
    points = pd.DataFrame({"ret": ret, "vol": ret.rolling(20).std()})
    regime = np.full(len(bars), np.nan)
    if len(bars) > LEARNT:
        model = KMeans(n_clusters=3, n_init=3, random_state=0)
        model.fit(points.iloc[20:LEARNT])
        regime[LEARNT:] = model.predict(points.iloc[LEARNT:])
    return pd.DataFrame({"ret": ret, "regime": regime})
