"""Takes the closes up to the current bar as a numpy array."""

import backtrader as bt
import numpy as np


class ArrayUpToNow(bt.Strategy):
    def next(self):
        n = len(self)
        closes = np.asarray(self.data.close.array[:n])
        if n < 21:
            return
        above = closes[-1] > closes[-20:].mean()
        if above and not self.position:
            self.buy()
        elif not above and self.position:
            self.close()
