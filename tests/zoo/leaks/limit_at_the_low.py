"""Patient buying: bid a little above where the day will bottom."""

import backtrader as bt


class LimitAtTheLow(bt.Strategy):
    def next(self):
        if len(self.data) == self.data.buflen():
            return
        if not self.position:
            bid = self.data.low[1] * 1.001
            self.buy(exectype=bt.Order.Limit, price=bid, valid=self.data.datetime.date(1))
        else:
            self.close()
