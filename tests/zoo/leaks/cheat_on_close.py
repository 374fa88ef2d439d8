"""Trade at the close that gave the signal: cheat-on-close, from the backtrader docs."""

import backtrader as bt


class CheatOnClose(bt.Strategy):
    def __init__(self):
        self.fast = bt.indicators.SMA(self.data.close, period=5)
        self.slow = bt.indicators.SMA(self.data.close, period=20)

    def start(self):
        self.broker.set_coc(True)

    def next(self):
        if self.fast[0] > self.slow[0] and not self.position:
            self.buy()
        elif self.fast[0] < self.slow[0] and self.position:
            self.close()
