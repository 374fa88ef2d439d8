"""Momentum over three bars, with a try for the edges of the data."""

import backtrader as bt


class EdgeSafe(bt.Strategy):
    params = (("back", 3),)

    def next(self):
        try:
            momentum = self.data.close[self.p.back] - self.data.close[0]
        except IndexError:
            return
        if momentum > 0 and not self.position:
            self.buy()
        elif momentum <= 0 and self.position:
            self.close()
