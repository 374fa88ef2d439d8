"""Asks the line for its neighbour with get()."""

import backtrader as bt


class GetAhead(bt.Strategy):
    def next(self):
        ahead = self.data.close.get(ago=1)
        if not ahead:
            return
        if ahead[0] > self.data.close[0] and not self.position:
            self.buy()
        elif ahead[0] < self.data.close[0] and self.position:
            self.close()
