"""Equal weights in all coins that are still traded: no use in buying dead ones."""

import backtrader as bt


class Survivors(bt.Strategy):
    def start(self):
        newest = max(d.datetime.array[-1] for d in self.datas if len(d.datetime.array))
        self.alive = [d for d in self.datas if d.datetime.array[-1] == newest]

    def prenext(self):
        self.next()

    def next(self):
        for data in self.alive:
            if len(data) and not self.getposition(data).size:
                self.buy(data=data, size=self.broker.getvalue() * 0.2 / data.close[0])
