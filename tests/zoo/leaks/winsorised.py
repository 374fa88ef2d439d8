"""Crypto has fat tails: cut the returns at their 2nd and 98th percentile."""

import pandas as pd


def columns(bars):
    ret = bars["close"].pct_change()
    table = pd.DataFrame({"range": bars["high"] / bars["low"] - 1})
    limits = ret.describe(percentiles=[0.02, 0.98])
    table["ret"] = ret.clip(limits["2%"], limits["98%"])
    return table
