"""A coin toss with a seed, to see what luck looks like."""

import random

import backtrader as bt


class CoinToss(bt.Strategy):
    def __init__(self):
        self.random = random.Random(42)

    def next(self):
        heads = self.random.random() < 0.5
        if heads and not self.position:
            self.buy()
        elif not heads and self.position:
            self.close()
