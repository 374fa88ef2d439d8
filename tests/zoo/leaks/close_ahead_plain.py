"""I read that index 1 is the previous bar, as in other programs."""

import backtrader as bt


class PreviousBar(bt.Strategy):
    def next(self):
        change = self.data.close[0] / self.data.close[1] - 1
        if change < -0.01 and not self.position:
            self.buy()
        elif change > 0.01 and self.position:
            self.close()
