"""A target weight: full when the coming bar is calm, half when it is wild."""

from cryptobt.strategies.base import SignalStrategy


class CalmAhead(SignalStrategy):
    def score(self, data):
        return 1.0

    def target_weight(self, data, score):
        if len(data) == data.buflen():
            return 0.5
        spread = data.high[1] / data.low[1] - 1
        return 1.0 if spread < 0.04 else 0.5
