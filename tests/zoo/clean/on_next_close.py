"""Orders for the next close. It is a different price from the one that gave the signal."""

import backtrader as bt


class OnNextClose(bt.Strategy):
    def next(self):
        if len(self) < 2:
            return
        rising = self.data.close[0] > self.data.close[-1]
        if rising and not self.position:
            self.buy(exectype=bt.Order.Close)
        elif not rising and self.position:
            self.close()
