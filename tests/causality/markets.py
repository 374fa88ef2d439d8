"""Worlds whose future is cut away, or replaced by garbage that could have been real."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.sample import simulate


class World(NamedTuple):
    """Everything that a run is given."""

    market: MarketData
    extras: tuple[ExtraSeries, ...]

    def close_of(self, bar: int) -> pd.Timestamp:
        """Instant at which a bar is known."""
        return self.market.times[bar] + self.market.interval


def world(bars: int, seed: int) -> World:
    """A simulated coin with its on-chain and sentiment series."""
    coin = simulate("X", bars, seed=seed)
    return World(coin.market, (coin.onchain, coin.sentiment))


def cut(given: World, bar: int) -> World:
    """The world as it was known at the close of a bar."""
    at = given.close_of(bar)
    extras = tuple(
        replace(series, frame=series.frame[series.frame[AVAILABLE_AT] <= at])
        for series in given.extras
    )
    return World(replace(given.market, bars=given.market.bars.iloc[: bar + 1]), extras)


def poison(given: World, bar: int, seed: int) -> World:
    """Another future after a bar: wild, but with prices and volumes that a market could have."""
    random = np.random.default_rng([seed, bar])
    bars = given.market.bars.copy()
    bars.iloc[bar + 1 :] = _market_garbage(random, len(bars) - bar - 1)
    return World(replace(given.market, bars=bars), _poisoned_extras(given, bar, random))


def poison_freely(given: World, bar: int, seed: int) -> World:
    """Garbage that no market could have after a bar: missing, negative, infinite, huge."""
    random = np.random.default_rng([seed, bar, 1])
    bars = given.market.bars.copy()
    shape = bars.iloc[bar + 1 :].shape
    kinds = np.array([np.nan, -1.0, 0.0, np.inf, -np.inf, 1e300, 1e-300])
    bars.iloc[bar + 1 :] = random.choice(kinds, shape) * random.uniform(1, 9, shape)
    return World(replace(given.market, bars=bars), _poisoned_extras(given, bar, random))


def disturb(given: World, bar: int) -> World:
    """Change one bar by a little: the control that shows how far a change reaches."""
    bars = given.market.bars.copy()
    bars.iloc[bar] *= 1.02
    return World(replace(given.market, bars=bars), given.extras)


def _market_garbage(random: np.random.Generator, count: int) -> np.ndarray:
    open_, close = np.exp(random.uniform(-5, 15, (2, count)))
    high = np.maximum(open_, close) * np.exp(random.exponential(0.5, count))
    low = np.minimum(open_, close) * np.exp(-random.exponential(0.5, count))
    volume = np.where(random.random(count) < 0.1, 0.0, np.exp(random.uniform(-5, 25, count)))
    return np.column_stack([open_, high, low, close, volume])


def _poisoned_extras(
    given: World, bar: int, random: np.random.Generator
) -> tuple[ExtraSeries, ...]:
    at = given.close_of(bar)
    poisoned = []
    for series in given.extras:
        frame = series.frame.copy()
        unpublished = (frame[AVAILABLE_AT] > at).to_numpy()
        for column in frame.columns.drop(AVAILABLE_AT):
            garbage = np.exp(random.uniform(-5, 25, unpublished.sum()))
            frame.loc[unpublished, column] = garbage
        poisoned.append(replace(series, frame=frame))
    return tuple(poisoned)
