"""Remembers its own signals in lists and prints them."""

import backtrader as bt


class KeepsADiary(bt.Strategy):
    def __init__(self):
        self.rsi = bt.indicators.RSI(self.data.close, period=14, safediv=True)
        self.diary = []

    def next(self):
        self.diary.append((self.data.datetime.date(0), self.rsi[0]))
        recent = [value for _, value in self.diary[-3:]]
        print(self.diary[-1])  # noqa: T201
        if max(recent) < 45 and not self.position:
            self.buy()
        elif min(recent) > 60 and self.position:
            self.close()
