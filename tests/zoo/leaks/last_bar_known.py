"""Moving averages, and everything is sold on the last bar so that the result is in cash."""

import backtrader as bt


class SellsAtTheEnd(bt.Strategy):
    def __init__(self):
        self.average = bt.indicators.SMA(self.data.close, period=20)

    def next(self):
        if len(self.data) == self.data.buflen() - 1:
            self.close()
        elif self.data.close[0] > self.average[0] and not self.position:
            self.buy()
        elif self.data.close[0] < self.average[0] and self.position:
            self.close()
