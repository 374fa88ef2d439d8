"""Three market regimes by k-means over return and volatility."""

import pandas as pd
from sklearn.cluster import KMeans


def columns(bars):
    ret = bars["close"].pct_change()
    points = pd.DataFrame({"ret": ret, "vol": ret.rolling(20).std()}).dropna()
    points = points / points.std()
    regime = KMeans(n_clusters=3, n_init=3, random_state=0).fit_predict(points)
    out = pd.DataFrame({"ret": ret})
    out["regime"] = pd.Series(regime, index=points.index)
    return out
