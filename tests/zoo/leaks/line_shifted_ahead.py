"""Compares the close with the line one step on, by calling the line."""

import backtrader as bt


class LineShiftedAhead(bt.Strategy):
    def __init__(self):
        self.coming = self.data.close(1)

    def next(self):
        if self.coming[0] > self.data.close[0] and not self.position:
            self.buy()
        elif self.coming[0] < self.data.close[0] and self.position:
            self.close()
