"""Keeps the whole close array for speed and steps through it."""

import backtrader as bt


class ArrayOfAll(bt.Strategy):
    def __init__(self):
        self.closes = self.data.close.array

    def next(self):
        i = len(self)
        if i < len(self.closes):
            rising = self.closes[i] > self.closes[i - 1]
            if rising and not self.position:
                self.buy()
            elif not rising and self.position:
                self.close()
