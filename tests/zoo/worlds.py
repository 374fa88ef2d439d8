"""The markets of the zoo: simulated, short, with a gap, holes or a coin that dies where needed."""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.sample import SimulatedMarket, simulate

BARS, FEW_BARS = 420, 300
DEATH, LISTING = 200, 40
_START = "2018-01-01"  # a Monday, and the first of a month


@dataclass(frozen=True)
class World:
    """Everything that a run is given.

    Attributes
    ----------
    extras : dict
        Symbol to its on-chain and sentiment series.
    """

    markets: tuple[MarketData, ...]
    extras: dict[str, tuple[ExtraSeries, ...]]

    @property
    def times(self) -> pd.DatetimeIndex:
        """Opens of the first symbol's bars."""
        return self.markets[0].times

    def cut(self, bar: int) -> "World":
        """Leave what was known at the close of a bar of the first symbol."""
        time = self.times[bar]
        at = time + self.markets[0].interval
        alive = [m for m in self.markets if m.times[0] <= time]
        return World(
            tuple(replace(m, bars=m.bars[m.times <= time]) for m in alive),
            {m.symbol: tuple(_published(s, at) for s in self.extras[m.symbol]) for m in alive},
        )

    def poisoned(self, bar: int, seed: int) -> "World":
        """Replace what was not known at the close of a bar by another future."""
        return World(
            tuple(_other_future(m, self.times[bar], seed) for m in self.markets),
            {
                symbol: tuple(_other_series(s, self.times[bar + 1], seed) for s in series)
                for symbol, series in self.extras.items()
            },
        )


@cache
def world(name: str) -> World:
    """Make a world by name: one of :data:`WORLDS`."""
    return WORLDS[name]()


def _plain() -> World:
    return _of(_coin("COIN", BARS, 7))


def _few_bars() -> World:
    return _of(_coin("COIN", FEW_BARS, 7))


def _gaps() -> World:
    """Bars are missing twice, for five days and for two."""
    coin = _coin("COIN", BARS, 7)
    return _of(coin, np.r_[0:60, 65:300, 302:BARS])


def _holes() -> World:
    """The on-chain series has no rows for 20 days, and then for 16."""
    coin = _coin("COIN", BARS, 7)
    kept = np.r_[0:30, 50:300, 316:BARS]
    return _of(replace(coin, onchain=replace(coin.onchain, frame=coin.onchain.frame.iloc[kept])))


def _same_day() -> World:
    """On-chain rows count as published when their day ends."""
    return _of(simulate("COIN", BARS, seed=7, start=_START, lag_hours=0.0))


def _three() -> World:
    """Three coins: one ends early, one is listed late."""
    parts = [
        _of(_coin("COIN", FEW_BARS, 7)),
        _of(_coin("DEAD", FEW_BARS, 8), np.arange(DEATH)),
        _of(_coin("YOUNG", FEW_BARS, 9), np.arange(LISTING, FEW_BARS)),
    ]
    extras = {symbol: series for part in parts for symbol, series in part.extras.items()}
    return World(tuple(part.markets[0] for part in parts), extras)


WORLDS = {
    "plain": _plain,
    "few bars": _few_bars,
    "gaps": _gaps,
    "holes": _holes,
    "same day": _same_day,
    "three": _three,
}


def _coin(symbol: str, bars: int, seed: int) -> SimulatedMarket:
    return simulate(symbol, bars, seed=seed, start=_START)


def _of(coin: SimulatedMarket, kept: np.ndarray | None = None) -> World:
    market = coin.market
    if kept is not None:
        market = replace(market, bars=market.bars.iloc[kept])
    return World((market,), {market.symbol: (coin.onchain, coin.sentiment)})


def _published(series: ExtraSeries, at: pd.Timestamp) -> ExtraSeries:
    return replace(series, frame=series.frame[series.frame[AVAILABLE_AT] <= at])


def _other_future(market: MarketData, time: pd.Timestamp, seed: int) -> MarketData:
    """Go on from the last close with the bars of another coin, wilder and busier."""
    after = market.times > time
    last = int((~after).sum()) - 1
    if last < 0 or not after.any():
        return market
    other = simulate("X", int(after.sum()) + 1, seed=seed, volatility_per_year=1.5).market.bars[1:]
    bars = market.bars.copy()
    scale = bars["close"].iloc[last] / other["open"].iloc[0]
    prices = other[["open", "high", "low", "close"]] * scale
    bars.iloc[last + 1 :] = prices.assign(volume=3 * other["volume"]).to_numpy()
    return replace(market, bars=bars)


def _other_series(series: ExtraSeries, at: pd.Timestamp, seed: int) -> ExtraSeries:
    frame = series.frame.copy()
    unknown = (frame[AVAILABLE_AT] > at).to_numpy()
    random = np.random.default_rng(seed)
    for column in frame.columns.drop(AVAILABLE_AT):
        factors = np.exp(random.normal(0.5, 1.0, int(unknown.sum())))
        frame.loc[unknown, column] = frame.loc[unknown, column] * factors
    return replace(series, frame=frame)


def write_beside(folder: Path, given: World) -> None:
    """Write the files that some animals read, with what is known in this world."""
    market = given.markets[0]
    series = next(s for s in given.extras[market.symbol] if s.name == "onchain").frame
    for name, frame in (
        ("onchain.csv", series.drop(columns=AVAILABLE_AT)),
        ("prices.csv", market.bars),
    ):
        dated = frame.rename_axis("date").tz_localize(None)
        dated.to_csv(folder / name, date_format="%Y-%m-%d")
    closes = dict(zip(market.times.strftime("%Y-%m-%d"), market.bars["close"], strict=True))
    (folder / "closes.json").write_text(json.dumps(closes), encoding="utf-8")
    (folder / "params.json").write_text('{"periods": [1, 3, 7]}\n', encoding="utf-8")
