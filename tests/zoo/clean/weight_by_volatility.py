"""A target weight from today's range: less money in wild markets."""

from cryptobt.strategies.base import SignalStrategy


class CalmNow(SignalStrategy):
    def score(self, data):
        return 1.0

    def target_weight(self, data, score):
        spread = data.high[0] / data.low[0] - 1
        return 1.0 if spread < 0.04 else 0.5
