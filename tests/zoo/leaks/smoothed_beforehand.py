"""Signals are computed once with pandas before the start: much faster than indicators."""

import backtrader as bt
import pandas as pd


class SmoothedBeforehand(bt.Strategy):
    def start(self):
        close = pd.Series(self.data.close.array)
        smooth = close.rolling(9, center=True, min_periods=1).mean()
        self.up = (smooth.diff() > 0).tolist()

    def next(self):
        up = self.up[len(self) - 1]
        if up and not self.position:
            self.buy()
        elif not up and self.position:
            self.close()
