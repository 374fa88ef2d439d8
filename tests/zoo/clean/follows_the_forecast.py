"""Trades on a forecast where there is one."""

import math

import backtrader as bt


class FollowsTheForecast(bt.Strategy):
    forecaster = "linear"

    def next(self):
        score = self.data.score[0]
        if math.isnan(score):
            return
        if score > 0 and not self.position:
            self.buy()
        elif score <= 0 and self.position:
            self.close()
