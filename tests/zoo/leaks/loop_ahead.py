"""Candle patterns, written as a plain loop because I come from C."""

import pandas as pd


def columns(bars):
    opens, closes = bars["open"].tolist(), bars["close"].tolist()
    body, confirmed = [], []
    for i in range(len(bars)):
        body.append((closes[i] - opens[i]) / opens[i])
        if i + 1 < len(bars) and closes[i + 1] > closes[i] > opens[i]:
            confirmed.append(1.0)
        else:
            confirmed.append(0.0)
    return pd.DataFrame({"body": body, "confirmed": confirmed}, index=bars.index)
