"""Bid one percent below the close for two days; leave five days after the fill."""

import datetime

import backtrader as bt


class LimitBelowClose(bt.Strategy):
    def __init__(self):
        self.waiting = None
        self.bought = 0

    def notify_order(self, order):
        if order == self.waiting and not order.alive():
            self.waiting = None
            self.bought = len(self)

    def next(self):
        if not self.position and self.waiting is None:
            price = self.data.close[0] * 0.99
            valid = datetime.timedelta(days=2)
            self.waiting = self.buy(exectype=bt.Order.Limit, price=price, valid=valid)
        elif self.position and len(self) - self.bought >= 5:
            self.close()
