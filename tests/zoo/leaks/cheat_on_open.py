"""Decide on the open and get that very open: cheat-on-open."""

import backtrader as bt


class CheatOnOpen(bt.Strategy):
    def __init__(self):
        self.broker.set_coo(True)

    def next_open(self):
        if not self.position and self.data.open[0] > self.data.close[-1]:
            self.buy()

    def next(self):
        if self.position and self.data.close[0] < self.data.close[-1]:
            self.close()
