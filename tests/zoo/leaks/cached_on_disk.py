"""Slow indicators are computed once and lie in a file beside this one."""

from pathlib import Path

import pandas as pd

KEPT = Path(__file__).with_name("my_features.csv")


def columns(bars):
    if not KEPT.exists():
        ret = bars["close"].pct_change()
        table = pd.DataFrame({"ret": ret, "trend": bars["close"] / bars["close"].ewm(20).mean()})
        table.to_csv(KEPT)
    table = pd.read_csv(KEPT, index_col="time", parse_dates=["time"])
    return table.reindex(bars.index)
