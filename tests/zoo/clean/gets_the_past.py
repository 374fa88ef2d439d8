"""The last ten closes by get()."""

import backtrader as bt


class GetsThePast(bt.Strategy):
    def next(self):
        last = self.data.close.get(size=10)
        if len(last) < 10:
            return
        lowest, highest = min(last), max(last)
        if self.data.close[0] == highest and not self.position:
            self.buy()
        elif self.data.close[0] == lowest and self.position:
            self.close()
