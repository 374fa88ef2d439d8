"""Strategies that trade a forecast."""

from typing import Any, ClassVar

from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.rules import volatility_scale


class ScoreSignal(SignalStrategy):
    """Half invested when undecided, more with a higher score, scaled to the volatility target.

    Weight = clip(base + gain·score, 0, 1) × min(1, target volatility / volatility); clipped at −1
    in place of 0 in a margin account. A bar without a forecast changes nothing.
    """

    params: ClassVar[Any] = (("base", 0.5), ("gain", 0.5))
    volatility_scaled: ClassVar[bool] = True

    def score(self, data: Any) -> float:
        """Read the forecast's score at this bar."""
        return float(data.score[0])

    def target_weight(self, data: Any, score: float) -> float:
        """Map the score to a share of equity."""
        lowest = -1.0 if self.rules.sizing.allow_short else 0.0
        exposure = min(max(self.p.base + self.p.gain * score, lowest), 1.0)
        return exposure * volatility_scale(self, data)


class AttnSignal(ScoreSignal):
    """Trades the dual-attention CNN-LSTM."""


class BilstmSignal(ScoreSignal):
    """Trades the attention BiLSTM."""
