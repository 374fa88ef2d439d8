"""Buy in the lowest fifth of the range, sell in the highest."""

import backtrader as bt


class RangeOfHistory(bt.Strategy):
    def __init__(self):
        self.low = min(self.data.low.array)
        self.high = max(self.data.high.array)

    def next(self):
        place = (self.data.close[0] - self.low) / (self.high - self.low)
        if place < 0.3 and not self.position:
            self.buy()
        elif place > 0.6 and self.position:
            self.close()
