"""Trailing averages are computed once with pandas before the start, for speed."""

import backtrader as bt
import pandas as pd


class ComputedBeforehand(bt.Strategy):
    def start(self):
        close = pd.Series(self.data.close.array)
        self.up = (close > close.rolling(20).mean()).tolist()

    def next(self):
        up = self.up[len(self) - 1]
        if up and not self.position:
            self.buy()
        elif not up and self.position:
            self.close()
