"""Strategies without a forecast: what every forecast has to be compared with."""

from typing import Any, ClassVar

import backtrader as bt

from cryptobt.strategies.base import SignalStrategy


class BuyAndHold(SignalStrategy):
    """Buy equal shares of the symbols when one joins, and hold them between."""

    calls_direction: ClassVar[bool] = False

    def score(self, _data: Any) -> float:
        """Hold the market, whatever it does."""
        return 1.0

    def target_weight(self, data: Any, _score: float) -> float:
        """Want an equal share when a symbol joins; later what is held, and its part of the rest."""
        weights = {each: self.held_weight(each) for each in self.holdings}
        share = self.rules.sizing.max_gross / len(weights)
        if self.joined or not weights[data]:
            return share
        held = [weight for weight in weights.values() if weight]
        spare = self.rules.sizing.max_gross - sum(held) - share * (len(weights) - len(held))
        return weights[data] + max(spare, 0.0) / len(held)


class BuyAndHoldVolTarget(BuyAndHold):
    """Hold the market, less of it when it is wilder than the volatility target."""

    volatility_scaled: ClassVar[bool] = True

    def target_weight(self, data: Any, _score: float) -> float:
        """Target volatility over the market's, at most 1."""
        return volatility_scale(self, data)


class SmaTrend(SignalStrategy):
    """Long while the close is above its simple moving average."""

    params: ClassVar[Any] = (("window", 100),)

    def __init__(self) -> None:
        super().__init__()
        self.averages = {
            data: bt.indicators.SimpleMovingAverage(data.close, period=self.p.window)
            for data in self.datas
        }

    def score(self, data: Any) -> float:
        """Distance of the close from its average, as a share of the average."""
        return float(data.close[0] / self.averages[data][0] - 1)


class Momentum(SignalStrategy):
    """Long while the close is above the close some bars ago."""

    params: ClassVar[Any] = (("lookback", 30),)

    def __init__(self) -> None:
        super().__init__()
        # Asking for an older bar makes backtrader wait until there is one.
        self.past = {data: data.close(-self.p.lookback) for data in self.datas}

    def score(self, data: Any) -> float:
        """Simple return over the lookback."""
        return float(data.close[0] / self.past[data][0] - 1)


def volatility_scale(strategy: SignalStrategy, data: Any) -> float:
    """Target volatility over the bar's annualised volatility, at most 1.

    A NaN volatility (fewer than 20 returns yet) counts as full size.
    """
    volatility = data.volatility[0]
    target = strategy.rules.sizing.volatility_target
    return float(min(1.0, target / volatility)) if volatility > 0 else 1.0
