"""Indicators with their warm-up dropped."""


def columns(bars):
    df = bars.copy()
    df["ret"] = df["close"].pct_change()
    df["vol"] = df["ret"].rolling(20).std()
    df["trend"] = df["close"] / df["close"].rolling(50).mean() - 1
    df = df.dropna()
    return df[["ret", "vol", "trend"]].reindex(bars.index)
