"""Holds the first coin while it gains on the second."""

import backtrader as bt


class RatioOfTwo(bt.Strategy):
    def __init__(self):
        ratio = self.datas[0].close / self.datas[1].close
        self.average = bt.indicators.EMA(ratio, period=20)
        self.ratio = ratio

    def next(self):
        first = self.datas[0]
        gains = self.ratio[0] > self.average[0]
        if gains and not self.getposition(first).size:
            self.buy(data=first)
        elif not gains and self.getposition(first).size:
            self.close(data=first)
