"""Holds the coin on the days after the closes of a JSON file rose."""

import json
from pathlib import Path

import backtrader as bt

CLOSES = Path(__file__).parent / "closes.json"


class ClosesSoFar(bt.Strategy):
    def __init__(self):
        self.closes = json.loads(CLOSES.read_text())

    def next(self):
        today = self.data.datetime.date(0)
        now = self.closes.get(str(today), 0.0)
        before = self.closes.get(str(today.fromordinal(today.toordinal() - 1)), 0.0)
        if now > before and not self.position:
            self.buy()
        elif now < before and self.position:
            self.close()
