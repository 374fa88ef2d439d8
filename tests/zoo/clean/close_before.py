"""Buy after a rise, sell after a fall: close[-1] is the bar before."""

import backtrader as bt


class CloseBefore(bt.Strategy):
    def next(self):
        if len(self) < 2:
            return
        rising = self.data.close[0] > self.data.close[-1]
        if rising and not self.position:
            self.buy()
        elif not rising and self.position:
            self.close()
