"""Hold for a year and a half after each halving. The dates were known beforehand."""

import datetime

import backtrader as bt

HALVINGS = [datetime.date(2016, 7, 9), datetime.date(2020, 5, 11), datetime.date(2024, 4, 20)]


class AfterTheHalving(bt.Strategy):
    def next(self):
        today = self.data.datetime.date(0)
        hot = any(0 <= (today - halving).days < 730 for halving in HALVINGS)
        if hot and not self.position:
            self.buy()
        elif not hot and self.position:
            self.close()
