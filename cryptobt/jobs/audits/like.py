"""Simulated markets like the one that is audited, in which the truth about skill is known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.columns import BARS, CLOSE, ONCHAIN, OPEN, VOLUME
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.time import DAY, bars_per_year
from cryptobt.core.types import ExtraSeries, MarketData, QualityReport
from cryptobt.data.sample import SIMULATED, TREND_BARS, SimulatedMarket, simulate

LEAST_BARS = 3
_DAYS = 365
_FIRST_SEED = 7000
_LONG, _QUIET = 40_000, 0.05
"""Bars and volatility of the market by which the model is measured."""


class Likeness(NamedTuple):
    """What a simulated market shares with the real one.

    Attributes
    ----------
    bars : int
        Length.
    drift, deviation : float
        Mean and deviation of the log return of one bar.
    """

    bars: int
    drift: float
    deviation: float

    def per_year(self, interval: pd.Timedelta) -> dict[str, float]:
        """Drift and volatility of log returns a year."""
        periods = bars_per_year(interval)
        return {
            "drift_per_year": self.drift * periods,
            "volatility_per_year": self.deviation * math.sqrt(periods),
        }


@dataclass(frozen=True)
class World:
    """Simulated markets in place of the real ones.

    Attributes
    ----------
    markets : list of MarketData
        By the same names, with bars at the same times.
    extras : mapping
        Symbol to the series beside its bars.
    signals : mapping
        Symbol to the planted part of the conditional mean of each bar, in deviations, which the
        bars before it tell.
    """

    markets: list[MarketData]
    extras: Mapping[str, Sequence[ExtraSeries]]
    signals: Mapping[str, pd.Series]


def likeness(market: MarketData) -> Likeness:
    """Measure what a simulated market shall share with a real one.

    Raises
    ------
    DataInvalidError
        If the bars are too few, or their close never moves.
    """
    moves = np.diff(np.log(market.bars[CLOSE].to_numpy()))
    if len(moves) < LEAST_BARS - 1 or not moves.std() > 0:
        raise DataInvalidError(
            f"{market.symbol}: {len(market.bars)} bars whose close "
            f"{'never moves' if len(moves) else 'cannot move'}: no market can be simulated like "
            "it; bring other bars"
        )
    return Likeness(len(market.bars), float(moves.mean()), float(moves.std(ddof=1)))


def world_like(
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    number: int,
    *,
    strength: float = 0.0,
    drifts: bool = True,
) -> World:
    """Simulate markets like these: as long, as wild, at the same times, each on its own.

    On-chain columns of the sample's names react to the simulated price of their own day; any other
    series stays as it is, and knows nothing of a price that is simulated.

    Parameters
    ----------
    number : int
        Of the world: the same number gives the same draws at every strength.
    strength : float
        Planted predictability, as :func:`~cryptobt.data.sample.simulate` takes it; 0 for none.
    drifts : bool
        Whether they drift as the real ones did.
    """
    made, beside, signals = [], {}, {}
    for place, market in enumerate(markets):
        coin = _coin(market, _FIRST_SEED + 1_000_000 * place + number, strength, drifts)
        made.append(_in_place_of(market, coin))
        own = extras.get(market.symbol, ())
        beside[market.symbol] = [_reacting(series, market, coin) for series in own]
        signals[market.symbol] = pd.Series(coin.signal, market.times)
    return World(made, beside, signals)


def _coin(market: MarketData, seed: int, strength: float, drifts: bool) -> SimulatedMarket:
    like = likeness(market)
    # The model's drift is that of the expected price, which is above that of the logarithm.
    drift = _DAYS * (like.drift + like.deviation**2 / 2) if drifts else 0.0
    return simulate(
        market.symbol,
        like.bars,
        seed=seed,
        strength=strength,
        drift_per_year=drift,
        volatility_per_year=like.deviation * math.sqrt(_DAYS) / wildness(),
        start_price=float(market.bars[OPEN].iloc[0]),
    )


def _in_place_of(market: MarketData, coin: SimulatedMarket) -> MarketData:
    """The simulated bars at the real bars' times, in the real volume's size."""
    bars = coin.market.bars.set_axis(market.bars.index)
    real, simulated = market.bars[VOLUME], bars[VOLUME]
    size = real.median() / simulated.median() if real.notna().any() else np.nan
    bars = bars.assign(**{VOLUME: (simulated * size).where(real.notna())})[list(BARS)]
    quality = QualityReport(gaps=market.quality.gaps, warnings=(SIMULATED,))
    return MarketData(
        market.symbol, market.interval, "sample", bars, simulated=True, quality=quality
    )


def _reacting(series: ExtraSeries, market: MarketData, coin: SimulatedMarket) -> ExtraSeries:
    columns = [name for name in ONCHAIN if name in series.frame]
    if not columns:
        return series
    values = coin.onchain.frame[columns].set_axis(market.times.floor(DAY))
    daily = values[~values.index.duplicated(keep="last")]
    frame = series.frame.copy()
    frame[columns] = daily.reindex(frame.index)
    return replace(series, frame=frame)


@cache
def wildness() -> float:
    """Deviation of the model's log returns over that of its middle regime, in the long run."""
    coin = simulate("MODEL", _LONG, seed=_FIRST_SEED, strength=0.0, volatility_per_year=_QUIET)
    moves = np.diff(np.log(coin.market.bars[CLOSE].to_numpy()))
    return float(moves.std() * math.sqrt(_DAYS) / _QUIET)


@cache
def strength_of(correlation: float) -> float:
    """Strength at which the planted signal has this correlation with the next standardised return.

    A stronger signal prolongs trends and so grows by itself: the strength is found on a long
    simulated market.
    """
    from scipy.optimize import brentq  # type: ignore[import-untyped]

    found = brentq(
        lambda strength: _correlation(strength) - correlation, 0.1 * correlation, 2 * correlation,
        xtol=1e-4,
    )  # fmt: skip
    return float(found)


def _correlation(strength: float) -> float:
    coin = simulate("MODEL", _LONG, seed=_FIRST_SEED, strength=strength, volatility_per_year=_QUIET)
    square = float(np.mean(coin.signal[TREND_BARS:] ** 2))
    return math.sqrt(square / (1 + square))
