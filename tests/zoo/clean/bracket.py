"""Entry with stop and target at once."""

import backtrader as bt


class Bracket(bt.Strategy):
    def __init__(self):
        self.orders = []

    def notify_order(self, order):
        if not order.alive():
            self.orders = [other for other in self.orders if other.alive()]

    def next(self):
        if self.position or self.orders:
            return
        close = self.data.close[0]
        if close > self.data.open[0]:
            size = 0.5 * self.broker.getcash() / close
            self.orders = self.buy_bracket(
                size=size,
                exectype=bt.Order.Market,
                stopprice=close * 0.95,
                limitprice=close * 1.08,
            )
