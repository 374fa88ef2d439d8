"""Speed and acceleration of the price, like in physics."""

import numpy as np
import pandas as pd


def columns(bars):
    log = np.log(bars["close"].to_numpy())
    volatility = pd.Series(log, bars.index).diff().rolling(20).std()
    speed = np.gradient(log)
    return pd.DataFrame({"volatility": volatility, "speed": speed}, index=bars.index)
