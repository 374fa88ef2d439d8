"""Two averages and their crossing, from the backtrader documentation."""

import backtrader as bt


class AveragesCross(bt.Strategy):
    params = (("fast", 5), ("slow", 20))

    def __init__(self):
        fast = bt.indicators.SMA(self.data.close, period=self.p.fast)
        slow = bt.indicators.SMA(self.data.close, period=self.p.slow)
        self.cross = bt.indicators.CrossOver(fast, slow)

    def next(self):
        if not self.position and self.cross[0] > 0:
            self.buy()
        elif self.position and self.cross[0] < 0:
            self.close()
