"""Simulated markets whose next return follows a known signal of the past, and what it is worth."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.columns import BARS
from cryptobt.core.time import DAY
from cryptobt.core.types import MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.features.volatility import MIN_ROWS

RHO, BARS_A_MARKET = 0.3, 2000
"""Correlation of the signal with the next return; bars."""
PLANTED = "planted"
"""Name of the first column."""
WARM_UP = MIN_ROWS
"""Bars before the first that has a σ, over which the target is measured."""
_SIGMA, _START_PRICE = 0.02, 100.0
_MEAN_SIZE = math.sqrt(2 / math.pi)  # of a standard normal number
_SIZE_DEVIATION = math.sqrt(1 - 2 / math.pi)


class Signal(NamedTuple):
    """A signal of mean 0 and deviation 1, made of standard normal columns.

    Attributes
    ----------
    words : str
        What it is.
    of : callable
        From columns, shape (n, F), to the signal, shape (n,).
    edge : callable
        From the correlation ρ to how often over one half the sign of the signal is the sign of the
        next return: no forecaster can expect more.
    """

    words: str
    of: Callable[[np.ndarray], np.ndarray]
    edge: Callable[[float], float]


class Planted(NamedTuple):
    """A market, its feature table, and the signal that is known at each bar."""

    market: MarketData
    features: FeatureTable
    signal: np.ndarray


def gaussian_edge(rho: float) -> float:
    """Edge of a Gaussian signal: asin(ρ)/π (Sheppard, 1899)."""
    return math.asin(rho) / math.pi


def beyond_edge(rho: float) -> float:
    """Edge of the threshold signal, by quadrature over its column."""
    from scipy.integrate import quad  # type: ignore[import-untyped]
    from scipy.stats import norm  # type: ignore[import-untyped]

    slope = rho / math.sqrt(1 - rho**2)

    def weighed(x: float) -> float:
        size = abs(x - _MEAN_SIZE) / _SIZE_DEVIATION
        return float((norm.cdf(slope * size) - 0.5) * norm.pdf(x))

    return 2 * sum(quad(weighed, low, high)[0] for low, high in ((0, _MEAN_SIZE), (_MEAN_SIZE, 9)))


def product_edge(rho: float) -> float:
    """Edge of a product of two Gaussian columns, by quadrature over its density K₀(|s|)/π."""
    from scipy.integrate import quad
    from scipy.special import k0, ndtr  # type: ignore[import-untyped]

    slope = rho / math.sqrt(1 - rho**2)
    integral, _ = quad(lambda s: (ndtr(slope * s) - 0.5) * k0(s), 0, np.inf)
    return float(2 * integral / math.pi)


SIGNALS = {
    "linear": Signal("the column itself", lambda x: x[:, 0], gaussian_edge),
    "threshold": Signal(
        "how far the column is beyond 0.8 on either side; negative below",
        lambda x: (np.abs(x[:, 0]) - _MEAN_SIZE) / _SIZE_DEVIATION,
        beyond_edge,
    ),
    "interaction": Signal("the product of two columns", lambda x: x[:, 0] * x[:, 1], product_edge),
}


def plant(
    kind: str, seed: int, *, columns: int, lag: int, bars: int = BARS_A_MARKET, rho: float = RHO
) -> Planted:
    """Simulate a market with a planted signal and a table of columns, most of them noise.

    The log return of bar t+1 is σ·(ρ·s_{t−lag} + √(1−ρ²)·e_{t+1}), e standard normal and σ 2 %.

    Parameters
    ----------
    kind : str
        Of :data:`SIGNALS`.
    columns : int
        Standard normal columns, at least 2; the signal is made of the first, or of the first two.
    lag : int
        Bars from the one that the signal is made of to the last one known: its age in the window.
    """
    stream = np.random.default_rng([seed, list(SIGNALS).index(kind)])
    values = stream.standard_normal((bars, columns))
    signal = np.concatenate([np.zeros(lag), SIGNALS[kind].of(values)[: bars - lag]])
    returns = _SIGMA * math.sqrt(1 - rho**2) * stream.standard_normal(bars)
    returns[1:] += _SIGMA * rho * signal[:-1]
    market = _market(f"{kind.upper()}-{seed}", returns)
    names = pd.Index([PLANTED, "partner", *(f"noise_{n}" for n in range(1, columns - 1))])
    table = pd.DataFrame(values, market.bars.index, names)
    table.iloc[:WARM_UP] = np.nan
    return Planted(market, FeatureTable(table, (), WARM_UP), signal)


def _market(symbol: str, returns: np.ndarray) -> MarketData:
    """Bars without a range of their own: they open at the close before."""
    close = _START_PRICE * np.exp(np.cumsum(returns))
    opened = np.concatenate([[_START_PRICE], close[:-1]])
    index = pd.date_range("2015-01-01", periods=len(close), freq=DAY, tz="UTC", name="time")
    values = [opened, np.maximum(opened, close), np.minimum(opened, close), close]
    bars = pd.DataFrame(
        np.column_stack([*values, np.ones(len(close))]), index, pd.Index(BARS), dtype=float
    )
    return MarketData(symbol, DAY, "simulated", bars, simulated=True)
