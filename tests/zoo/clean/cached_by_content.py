"""Slow indicators are kept in memory, by the content that they were computed from."""

import hashlib

import pandas as pd

_kept = {}


def columns(bars):
    key = hashlib.sha256(pd.util.hash_pandas_object(bars).to_numpy().tobytes()).hexdigest()
    if key not in _kept:
        ret = bars["close"].pct_change()
        _kept[key] = pd.DataFrame({"ret": ret, "vol": ret.rolling(10).std()})
    return _kept[key].copy()
