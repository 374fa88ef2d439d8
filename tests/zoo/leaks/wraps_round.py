"""Buy after a month's rise, sell after a month's fall. There is always a bar thirty days ago."""

import backtrader as bt


class MonthAgo(bt.Strategy):
    def next(self):
        rising = self.data.close[0] > self.data.close[-30]
        if rising and not self.position:
            self.buy()
        elif not rising and self.position:
            self.close()
