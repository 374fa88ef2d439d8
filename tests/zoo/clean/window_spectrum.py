"""Strength of the slow waves in the last 32 returns, by FFT within the window."""

import numpy as np
import pandas as pd


def slow_share(window):
    power = np.abs(np.fft.rfft(window - window.mean())) ** 2
    return power[1:4].sum() / power.sum()


def columns(bars):
    ret = np.log(bars["close"]).diff()
    return pd.DataFrame({"ret": ret, "slow_share": ret.rolling(32).apply(slow_share, raw=True)})
