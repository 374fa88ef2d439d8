"""Small markets and scripted strategies, so that every account can be worked out by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import StrategySpec

FEE, SLIP = 10 / 10_000, 5 / 10_000
CASH = 10_000.0


def make_market(
    rows: Sequence[tuple[float, float]],
    symbol: str = "COIN",
    start: str = "2024-01-01",
    interval: str = "1D",
) -> MarketData:
    """Bars from (open, close); high and low are the two, so that equal prices make a flat bar."""
    times = pd.date_range(start, periods=len(rows), freq=interval, tz="UTC", name="time")
    bars = pd.DataFrame(
        {
            "open": [o for o, _ in rows],
            "high": [max(row) for row in rows],
            "low": [min(row) for row in rows],
            "close": [c for _, c in rows],
            "volume": 1.0,
        },
        index=pd.DatetimeIndex(times.to_numpy(), tz="UTC", name="time"),
        dtype=float,
    )
    return MarketData(symbol, pd.Timedelta(interval), "test", bars)


def flat_market(price: float, bars: int) -> MarketData:
    """A market that never moves: open = high = low = close."""
    return make_market([(price, price)] * bars)


def scripted(weights: Sequence[float] | Mapping[str, Sequence[float]]) -> Trader:
    """A strategy that wants these weights, one a bar from the first on; NaN is no opinion."""

    class Scripted(SignalStrategy):
        def score(self, data: Any) -> float:
            script = weights[data._name] if isinstance(weights, Mapping) else weights
            return script[len(data) - 1]

        def target_weight(self, _data: Any, score: float) -> float:
            return score

    return trader_of(Scripted)


def acting(act: Any) -> Trader:
    """A strategy that does ``act(strategy, bar number)`` at each close."""

    class Acting(SignalStrategy):
        def next(self) -> None:
            act(self, len(self.data) - 1)

    return trader_of(Acting)


def trader_of(strategy: type[SignalStrategy], **params: Any) -> Trader:
    return Trader(StrategySpec("tested", "a strategy of the tests", strategy), params)


def make_settings(**sections: Mapping[str, Any]) -> Settings:
    """Defaults with some sections changed, checked like a user's."""
    return Settings.model_validate(sections)


FREE: dict[str, Any] = {"fee_bps": 0.0, "slippage_bps": 0.0}
