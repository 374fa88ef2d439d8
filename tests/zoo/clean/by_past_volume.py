"""Every ten bars into the coin with the most turnover in the last thirty, of those listed."""

import backtrader as bt


class ByPastVolume(bt.Strategy):
    def prenext(self):
        self.next()

    def next(self):
        if len(self) % 10:
            return
        listed = [d for d in self.datas if len(d) > 30 and d.datetime[0] == self.datetime[0]]
        if not listed:
            return
        best = max(listed, key=self.turnover)
        for data in listed:
            if data is not best and self.getposition(data).size:
                self.close(data=data)
        if not self.getposition(best).size:
            self.buy(data=best, size=0.3 * self.broker.getvalue() / best.close[0])

    def turnover(self, data):
        return sum(data.close[-k] * data.volume[-k] for k in range(30))
