"""Ten lagged returns are too many inputs: two principal components will do."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA


def columns(bars):
    ret = np.log(bars["close"]).diff()
    lags = pd.concat({f"lag_{k}": ret.shift(k) for k in range(10)}, axis=1).dropna()
    parts = PCA(n_components=2, svd_solver="full").fit_transform(lags)
    out = pd.DataFrame(index=bars.index)
    out["ret"] = ret
    out["pc_1"] = pd.Series(parts[:, 0], index=lags.index)
    return out
