"""Buys on the first of the month and sells on the fifteenth."""

import backtrader as bt


class FirstOfTheMonth(bt.Strategy):
    def next(self):
        day = self.data.datetime.date(0).day
        if day == 1 and not self.position:
            self.buy()
        elif day == 15 and self.position:
            self.close()
