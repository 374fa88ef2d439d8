"""Worlds with another future: cut away, exchanged for one that could have been, or with holes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, BARS, CLOSE, VOLUME
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData

_HOLE_BARS = 3
_HOLE_DAYS = pd.Timedelta(days=12)
"""Longer than a published value is used for."""


@dataclass(frozen=True)
class World:
    """All that is known of one symbol.

    Attributes
    ----------
    extras : tuple of ExtraSeries
        The series beside its bars.
    """

    market: MarketData
    extras: tuple[ExtraSeries, ...] = ()

    @property
    def times(self) -> pd.DatetimeIndex:
        """Open times of the bars."""
        return self.market.times

    def known_at(self, time: pd.Timestamp) -> pd.Timestamp:
        """Instant at which the bar that opens then is known."""
        return time + self.market.interval

    def with_bars(self, bars: pd.DataFrame) -> "World":
        """The same with other bars."""
        return replace(self, market=replace(self.market, bars=bars))

    def with_extras(self, frames: Sequence[pd.DataFrame]) -> "World":
        """The same with other rows in the series beside the bars."""
        pairs = zip(self.extras, frames, strict=True)
        return replace(self, extras=tuple(replace(one, frame=frame) for one, frame in pairs))


def cut(world: World, time: pd.Timestamp) -> World:
    """The world as it was known at the close of a bar."""
    at, bars = world.known_at(time), world.market.bars
    frames = [one.frame[one.frame[AVAILABLE_AT] <= at] for one in world.extras]
    return world.with_bars(bars[bars.index <= time]).with_extras(frames)


def exchanged(world: World, time: pd.Timestamp, seed: int = 0) -> World:
    """Another future after a bar: prices, volumes and series that might have followed."""
    bars = world.market.bars.copy()
    later = (bars.index > time).nonzero()[0]
    if len(later):
        before = bars.iloc[: max(int(later[0]), 1)]  # of a symbol to be listed, its first bar
        bars.iloc[later] = _bars_after(before, len(later), _random(seed, len(before)))
    return exchanged_extras(world.with_bars(bars), time, seed)


def exchanged_extras(world: World, time: pd.Timestamp, seed: int = 0) -> World:
    """Other values in every row that was not published at the close of a bar."""
    at, random = world.known_at(time), _random(seed, 1)
    frames = []
    for series in world.extras:
        frame = series.frame.copy()
        later = (frame[AVAILABLE_AT] > at).to_numpy()
        for name in frame.columns.drop(AVAILABLE_AT):
            level = frame[name].abs().median()
            noise = np.exp(random.normal(0.0, 1.5, int(later.sum())))
            frame.loc[later, name] = (level if level > 0 else 1.0) * noise
        frames.append(frame)
    return world.with_extras(frames)


def exchanged_rows(frame: pd.DataFrame, time: pd.Timestamp, seed: int = 0) -> pd.DataFrame:
    """Other values in every row after a bar; what is missing there stays so."""
    made, later = frame.copy(), np.asarray(frame.index > time)
    noise = np.exp(_random(seed, 3).normal(0.0, 1.5, (int(later.sum()), len(frame.columns))))
    made.loc[later] = made.loc[later].to_numpy() * noise
    return made


def another(world: World, seed: int = 1) -> World:
    """Another market altogether at the same times: other prices from the first bar on."""
    bars = world.market.bars
    first = bars.iloc[:1] * 3.0
    other = pd.DataFrame(
        _bars_after(first, len(bars), _random(seed, 2)), index=bars.index, columns=list(BARS)
    )
    before = world.times[0] - pd.Timedelta(days=36_500)
    return exchanged_extras(world.with_bars(other), before, seed)


def with_holes(world: World, time: pd.Timestamp) -> World:
    """Nothing published for days up to a bar, and no volume in the last bars up to it."""
    at, bars = world.known_at(time), world.market.bars.copy()
    last = int(bars.index.searchsorted(time, side="right"))
    bars.iloc[max(last - _HOLE_BARS, 0) : last, list(BARS).index(VOLUME)] = np.nan
    frames = []
    for one in world.extras:
        published = one.frame[AVAILABLE_AT]
        frames.append(one.frame[(published <= at - _HOLE_DAYS) | (published > at)])
    return world.with_bars(bars).with_extras(frames)


def with_gap(world: World, time: pd.Timestamp) -> World:
    """No bars for a few periods after a bar."""
    bars = world.market.bars
    last = int(bars.index.searchsorted(time, side="right"))
    return world.with_bars(pd.concat([bars.iloc[:last], bars.iloc[last + _HOLE_BARS :]]))


def without_oldest(world: World, count: int) -> World:
    """The world to one who began to record it later."""
    return world.with_bars(world.market.bars.iloc[count:])


def with_other_opinions(forecasts: Forecasts | None, time: pd.Timestamp) -> Forecasts | None:
    """Other opinions in every forecast that was made after a bar."""
    if forecasts is None:
        return None
    frame = forecasts.frame.copy()
    later = (frame["time"] > time).to_numpy()
    for name in ("score", "mean", "p_up", "q05", "q50", "q95"):
        frame.loc[later, name] = -1.7 * frame.loc[later, name][::-1].to_numpy()
    return replace(forecasts, frame=frame)


def _random(seed: int, place: int) -> np.random.Generator:
    return np.random.default_rng([seed, place])


def _bars_after(before: pd.DataFrame, count: int, random: np.random.Generator) -> np.ndarray:
    """Bars that go on from the last close, pulled back to it, far wilder than most markets."""
    path = np.zeros(count)
    shocks, level = random.normal(0.0, 0.08, count), 0.0
    for bar, shock in enumerate(shocks):
        level = 0.99 * level + shock
        path[bar] = level
    close = float(before[CLOSE].iloc[-1]) * np.exp(path)
    opened = np.concatenate([before[CLOSE].iloc[-1:].to_numpy(), close[:-1]])
    high = np.maximum(opened, close) * np.exp(random.exponential(0.03, count))
    low = np.minimum(opened, close) * np.exp(-random.exponential(0.03, count))
    usual = before[VOLUME].median()
    volume = (usual if usual > 0 else 1.0) * np.exp(random.normal(0.0, 1.0, count))
    return np.column_stack([opened, high, low, close, volume])
