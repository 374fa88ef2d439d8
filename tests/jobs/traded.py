"""Rows of a run without a network, and what might have been of them: no files, no training."""

from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.jobs.alternatives import Alternatives
from cryptobt.jobs.robustness import Robustness
from cryptobt.jobs.rows import NO_FORECAST, Row
from cryptobt.metrics.bootstrap import make_resampler
from cryptobt.strategies.registry import STRATEGIES
from tests.backtests.accounts import make_market, trader_of

START = "2015-04-01"
NEEDED_BARS = 90
"""Of a simulated market before :data:`START`."""


def made(start: str | None = START, **sections: Any) -> Settings:
    return Settings.model_validate({"data": {"start": start}, **sections})


def named(name: str) -> Trader:
    return Trader(STRATEGIES[name], {})


def coin(symbol: str = "AAA", seed: int = 3, bars: int = 400, **model: Any) -> MarketData:
    return simulate(symbol, bars, seed=seed, **model).market


def three_coins() -> list[MarketData]:
    """The second is listed 80 bars after the first decision, the third misses every 17th bar."""
    first, late, holed = coin("AAA", 3), coin("BBB", 4), coin("CCC", 5)
    there = np.arange(len(holed.bars)) % 17 != 5
    return [
        first,
        MarketData("BBB", late.interval, "test", late.bars.iloc[NEEDED_BARS + 80 :].copy()),
        MarketData("CCC", holed.interval, "test", holed.bars[there].copy()),
    ]


def jumps(bars: int, moves: dict[int, float], start: str = "2024-01-01") -> MarketData:
    """A price of 100 that moves within some bars alone, by a share of itself."""
    rows, price = [], 100.0
    for bar in range(bars):
        after = price * (1 + moves.get(bar, 0.0))
        rows.append((price, after))
        price = after
    return make_market(rows, "AAA", start)


def rows_of(markets: Sequence[MarketData], trader: Trader, settings: Settings) -> dict[str, Row]:
    """The strategy and buy-and-hold; there is no forecast."""
    return {
        "strategy": Row(run_backtest(markets, None, trader, settings)),
        "trend_only": Row(None, calls=False, reason=NO_FORECAST),
        "buy_and_hold": Row(run_backtest(markets, None, named("buy_and_hold"), settings)),
    }


def alternatives_of(
    markets: Sequence[MarketData],
    trader: Trader,
    settings: Settings,
    *,
    draws: int = 0,
    scaled: bool = False,
) -> Alternatives:
    rows = rows_of(markets, trader, settings)
    return Alternatives(markets, rows, settings, scaled=scaled, draws=draws)


def robustness_of(found: Alternatives, settings: Settings) -> dict[str, Any]:
    closes = pd.DataFrame({market.symbol: market.bars["close"] for market in found.markets})
    moves = closes.pct_change(fill_method=None)
    own = found.ours.returns.to_numpy()[1:]
    resampler = make_resampler(own[:, None], 100, 0)
    interval = found.markets[0].interval
    return Robustness(found, [], moves, resampler, settings, interval).document()


class AllIn(bt.Strategy):
    """A stock strategy: all or nothing, above and below its mean."""

    def __init__(self) -> None:
        self.mean = bt.indicators.SMA(period=20)

    def next(self) -> None:
        if not self.position and self.data.close[0] > self.mean[0]:
            self.enter()
        elif self.position and self.data.close[0] < self.mean[0]:
            self.close()

    def enter(self) -> None:
        self.buy()


class Half(AllIn):
    """Half of what there is, drifting with the price until it is closed."""

    def enter(self) -> None:
        self.buy(size=0.5 * self.broker.getvalue() / self.data.close[0])


class Bargain(AllIn):
    """Half of what there is, at a price one per cent below the close."""

    def enter(self) -> None:
        price = 0.99 * self.data.close[0]
        size = 0.5 * self.broker.getvalue() / price
        self.buy(size=size, exectype=bt.Order.Limit, price=price)


class Slices(bt.Strategy):
    """Buys a twentieth of what there was to begin with every eighth bar, twelve times."""

    def next(self) -> None:
        if len(self) % 8 == 0 and len(self) < 8 * 13 + 90:
            self.buy(size=500 / self.data.close[0])


def stock(strategy: type[bt.Strategy]) -> Trader:
    return trader_of(strategy)
