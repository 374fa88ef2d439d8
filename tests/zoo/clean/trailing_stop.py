"""A trailing stop that I keep myself: eight percent under the highest close since the purchase."""

import backtrader as bt


class TrailingStop(bt.Strategy):
    def __init__(self):
        self.top = None

    def next(self):
        close = self.data.close[0]
        if not self.position:
            if len(self) % 7 == 0:
                self.buy()
                self.top = close
            return
        self.top = max(self.top, close)
        if close < 0.92 * self.top:
            self.close()
