"""Denoise the price: keep the slow waves of its spectrum, drop the rest."""

import numpy as np
import pandas as pd


def denoise(x, keep=0.05):
    spectrum = np.fft.rfft(x)
    spectrum[int(len(spectrum) * keep) + 1 :] = 0
    return np.fft.irfft(spectrum, n=len(x))


def columns(bars):
    log = np.log(bars["close"].to_numpy())
    out = pd.DataFrame(index=bars.index)
    out["volatility"] = bars["close"].pct_change().rolling(10).std()
    out["slow"] = log - denoise(log)
    return out
