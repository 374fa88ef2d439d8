"""Slow indicators lie in files beside this one, named by the hash of the bars."""

import hashlib
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def columns(bars):
    content = pd.util.hash_pandas_object(bars).to_numpy().tobytes()
    kept = HERE / f"kept_{hashlib.sha256(content).hexdigest()[:16]}.pkl"
    if kept.exists():
        return pd.read_pickle(kept)
    ret = bars["close"].pct_change()
    table = pd.DataFrame({"ret": ret, "trend": bars["close"] / bars["close"].ewm(20).mean()})
    table.to_pickle(kept)
    return table
