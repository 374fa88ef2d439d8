"""Compares with my own price file: the row of the day before."""

import datetime
from pathlib import Path

import backtrader as bt
import pandas as pd

PRICES = Path(__file__).parent / "prices.csv"


class YesterdayFromFile(bt.Strategy):
    def __init__(self):
        self.prices = pd.read_csv(PRICES, index_col="date")["close"].to_dict()

    def next(self):
        yesterday = self.data.datetime.date(0) - datetime.timedelta(days=1)
        before = self.prices.get(yesterday.isoformat())
        if before is None:
            return
        rising = self.data.close[0] > before
        if rising and not self.position:
            self.buy()
        elif not rising and self.position:
            self.close()
