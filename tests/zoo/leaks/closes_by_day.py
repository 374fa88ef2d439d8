"""Holds the coin on the days before the closes of a JSON file rise."""

import json
from pathlib import Path

import backtrader as bt

CLOSES = Path(__file__).parent / "closes.json"


class ClosesByDay(bt.Strategy):
    def __init__(self):
        self.closes = json.loads(CLOSES.read_text())

    def next(self):
        today = self.data.datetime.date(0)
        coming = self.closes.get(str(today.fromordinal(today.toordinal() + 1)), 0.0)
        rising = coming > self.data.close[0]
        if rising and not self.position:
            self.buy()
        elif not rising and self.position:
            self.close()
