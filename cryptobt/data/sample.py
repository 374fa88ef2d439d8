"""The simulated market: everything works with no network, and the right answer is known.

Model, one bar a day, t = 0, 1, ...; e_t, u_t, ... are independent draws of the seed::

    z_t          = (p_t - mean(p_{t-49..t})) / (s_t sqrt(50/3)),   p = log close,
                   s_t the deviation of the last 50 log returns
    m_{t+1}      = drift/365 + strength sigma_{t+1} clip(z_t, -2, 2) - sigma_{t+1}^2 / 2
    p_{t+1}      = p_t + m_{t+1} + sigma_{t+1} e_{t+1},            e normal
    log sigma_{t+1} = level(regime_t) + h_{t+1}
    h_{t+1}      = 0.95 h_t + 0.20 (|e_t| - sqrt(2/pi)) - 0.04 e_t        (Nelson's EGARCH, 1991)

Two regimes, calm and wild, follow a Markov chain with mean stays of 150 and 50 days. The past up to
t fixes both m_{t+1} and sigma_{t+1}, so the next log return is normal *given the past* while its
mixture over time has fat tails, clustered volatility, and drawdowns. The best forecaster of its
sign is right with probability Phi(|m_{t+1}| / sigma_{t+1}); its mean over the bars is
``best_accuracy``.

With ``strength=0`` and ``drift_per_year=0`` the close is an exact martingale in simple returns,
E[close_{t+1} | past] = close_t (up to the rounding of prices): no rule that trades at closes or
opens can gain on average before costs. The sign of the *log* return is still a little below even
(by about sigma/2 times 0.4), so best_accuracy is about 0.505, not 0.5.

A bar opens at the close before it. High and low are exact draws of the extremes of a Brownian
bridge from open to close, each on its own, so that a limit or stop order gains nothing either.
Volume (coins) follows its own slow log level, plus volatility and the day's absolute move.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.time import DAY
from cryptobt.core.types import ExtraSeries, MarketData, QualityReport
from cryptobt.data.csv_series import published

TREND_BARS = 50
SIMULATED = "SIMULATED market of cryptobt's sample model: no real prices"
_TREND_CLIP = 2.0
_DIGITS = 8
_PERSISTENCE, _REACTION, _LEVERAGE = 0.95, 0.20, -0.04
_LEAVE_CALM, _LEAVE_WILD = 1 / 150, 1 / 50
_WILD_FACTOR = 1.6
_MEAN_ABS = math.sqrt(2 / math.pi)


@dataclass(frozen=True)
class SimulatedMarket:
    """A simulated coin and what is known about it only because it is simulated.

    Attributes
    ----------
    market : MarketData
        Daily bars, ``simulated`` set, source "sample".
    onchain, sentiment : ExtraSeries
        Reactions to the same day's market plus noise, without any view of later days: adractcnt,
        txcnt, feetotntv; and ``value``, an index from 0 to 100.
    best_accuracy : float
        Share of next-bar signs that a forecaster knowing the model gets right, in [0.5, 1].
    signal : ndarray, shape (n,)
        What ``strength`` plants: the part of each bar's conditional mean, in deviations, that the
        closes before it tell.
    """

    market: MarketData
    onchain: ExtraSeries
    sentiment: ExtraSeries
    best_accuracy: float
    signal: np.ndarray


class _Coin(NamedTuple):
    seed: int
    start_price: float
    drift_per_year: float
    volatility_per_year: float


COINS = {
    "BTC-USD": _Coin(11, 315.0, 0.35, 0.52),
    "ETH-USD": _Coin(43, 9.5, 0.45, 0.60),
    "SOL-USD": _Coin(71, 2.4, 0.50, 0.68),
}
"""The three coins of the sample market."""


class _Path(NamedTuple):
    log_close: np.ndarray
    mean: np.ndarray
    sigma: np.ndarray
    signal: np.ndarray


def sample_market(symbol: str, *, lag_hours: float = 24.0) -> SimulatedMarket:
    """Give one coin of the sample market, always the same: 2015-01-01 to 2024-12-31, daily.

    Raises
    ------
    UsageError
        Naming the coins there are.
    """
    coin = COINS.get(symbol)
    if coin is None:
        hint = did_you_mean(symbol, COINS)
        listed = "" if hint.startswith("known") else f" (it has {', '.join(sorted(COINS))})"
        raise UsageError(f"the sample market has no '{symbol}'; {hint}{listed}")
    return simulate(
        symbol,
        seed=coin.seed,
        start_price=coin.start_price,
        drift_per_year=coin.drift_per_year,
        volatility_per_year=coin.volatility_per_year,
        lag_hours=lag_hours,
    )


def simulate(
    symbol: str,
    bars: int = 3653,
    *,
    seed: int,
    strength: float = 0.08,
    drift_per_year: float = 0.0,
    volatility_per_year: float = 0.65,
    start: str = "2015-01-01",
    start_price: float = 300.0,
    lag_hours: float = 24.0,
) -> SimulatedMarket:
    """Simulate one coin by the model of this module.

    Causality: a longer market of the same seed begins with the shorter one, bar for bar.

    Parameters
    ----------
    bars : int
        Number of daily bars, at least 2.
    strength : float
        Planted predictability: conditional mean, in deviations, per unit of the standardised
        50-day trend. 0 plants none.
    drift_per_year : float
        Log drift of the expected price. With 0 and ``strength=0``: an exact martingale.
    volatility_per_year : float
        Deviation of log returns in the middle regime, per square root of a year.
    lag_hours : float
        Publication lag of the on-chain series; sentiment has none.

    Raises
    ------
    UsageError
        If there are fewer than two bars.
    """
    if bars < 2:
        raise UsageError(f"bars is {bars}; a simulated market needs at least 2")
    streams = [np.random.default_rng([seed, stream]) for stream in range(6)]
    shocks = streams[0].standard_normal(bars)
    levels = _levels(streams[1], bars, volatility_per_year)
    path = _path(shocks, levels, strength, drift_per_year / 365, math.log(start_price))
    times = pd.date_range(start, periods=bars, freq="D", tz="UTC", name=columns.TIME).as_unit("ns")
    index = times[np.arange(bars)]  # without a frequency, like bars from anywhere else
    volume = _volume(path, streams[5], shocks)
    frame = _bars(path, math.log(start_price), index, streams[2], volume)
    report = QualityReport(warnings=(SIMULATED,))
    market = MarketData(symbol, DAY, "sample", frame, simulated=True, quality=report)
    onchain = published("onchain", "sample", _onchain(frame, path, streams[3]), DAY, lag_hours)
    sentiment = published("sentiment", "sample", _sentiment(frame, streams[4]), DAY, 0.0)
    return SimulatedMarket(market, onchain, sentiment, _best_accuracy(path), path.signal)


def _levels(stream: np.random.Generator, bars: int, volatility_per_year: float) -> np.ndarray:
    """Log deviation per bar of the regime of each bar."""
    middle = math.log(volatility_per_year / math.sqrt(365))
    leave = {True: _LEAVE_WILD, False: _LEAVE_CALM}
    wild, levels = False, np.empty(bars)
    for bar, draw in enumerate(stream.random(bars).tolist()):
        levels[bar] = middle + (0.5 if wild else -0.5) * math.log(_WILD_FACTOR)
        wild = wild != (draw < leave[wild])
    return levels


def _path(
    shocks: np.ndarray, levels: np.ndarray, strength: float, drift: float, start: float
) -> _Path:
    """Run the recursion; row t holds log close, and the mean and deviation known before it."""
    mean, sigma, signal = np.empty((3, len(shocks)))
    log, excess, trend = start, 0.0, _Trend(start)
    logs = np.empty(len(shocks))
    for bar, (shock, level) in enumerate(zip(shocks.tolist(), levels.tolist(), strict=True)):
        deviation = math.exp(level + excess)
        sigma[bar] = deviation
        signal[bar] = planted = strength * trend.value()
        mean[bar] = drift + planted * deviation - deviation**2 / 2
        log = logs[bar] = log + float(mean[bar]) + deviation * shock
        trend.add(log)
        excess = _PERSISTENCE * excess + _REACTION * (abs(shock) - _MEAN_ABS) + _LEVERAGE * shock
    return _Path(logs, mean, sigma, signal)


class _Trend:
    """Standardised distance of the log close to its 50-day mean, from running sums."""

    def __init__(self, start: float) -> None:
        self._logs, self._sums, self._squares = [start], [start], [0.0]

    def add(self, log: float) -> None:
        step = log - self._logs[-1]
        self._logs.append(log)
        self._sums.append(self._sums[-1] + log)
        self._squares.append(self._squares[-1] + step * step)

    def value(self) -> float:
        """Give the clipped trend; 0 until there are 51 closes."""
        if len(self._logs) <= TREND_BARS:
            return 0.0
        first = -TREND_BARS - 1
        centre = (self._logs[-1] - self._logs[first]) / TREND_BARS
        variance = (self._squares[-1] - self._squares[first]) / TREND_BARS - centre**2
        distance = self._logs[-1] - (self._sums[-1] - self._sums[first]) / TREND_BARS
        z = distance / math.sqrt(variance * TREND_BARS / 3)
        return min(max(z, -_TREND_CLIP), _TREND_CLIP)


def _bars(
    path: _Path,
    start: float,
    index: pd.DatetimeIndex,
    stream: np.random.Generator,
    volume: np.ndarray,
) -> pd.DataFrame:
    draws = stream.random((len(index), 2))
    opens = np.concatenate([[start], path.log_close[:-1]])
    move = path.log_close - opens
    # extremes of a Brownian bridge: Karatzas and Shreve, 1991, section 4.3, equation 3.40
    reach = np.sqrt(move[:, None] ** 2 - 2 * path.sigma[:, None] ** 2 * np.log1p(-draws))
    high, low = opens + (move + reach[:, 0]) / 2, opens + (move - reach[:, 1]) / 2
    prices = np.exp(np.column_stack([opens, high, low, path.log_close]))
    rounded = _round(np.column_stack([prices, volume]))
    return pd.DataFrame(rounded, index=index, columns=pd.Index(columns.BARS))


def _volume(path: _Path, stream: np.random.Generator, shocks: np.ndarray) -> np.ndarray:
    # one row of draws a bar keeps a longer market's beginning equal to the shorter one's
    noise = stream.standard_normal((len(shocks), 2))
    slow = _autoregression(noise[:, 0], 0.98, 0.08)
    busy = 0.9 * np.log(path.sigma / 0.035) + 0.35 * np.abs(shocks)
    volume: np.ndarray = np.exp(10.0 + slow + busy + 0.2 * noise[:, 1])
    return volume


def _onchain(bars: pd.DataFrame, path: _Path, stream: np.random.Generator) -> pd.DataFrame:
    count = len(bars)
    noise = stream.standard_normal((count, 4))
    week = np.where(pd.DatetimeIndex(bars.index).day_of_week >= 5, -0.08, 0.0)
    use = 0.35 * path.log_close + _autoregression(noise[:, 0], 0.97, 0.03) + week
    addresses = np.exp(11.0 + use + 0.03 * noise[:, 1])
    transactions = np.exp(10.2 + 0.8 * use + 0.04 * noise[:, 2])
    fees = np.exp(2.5 + 0.6 * use + 0.8 * np.log(path.sigma / 0.035) + 0.15 * noise[:, 3])
    values = np.column_stack([np.round(addresses), np.round(transactions), _round(fees)])
    return pd.DataFrame(values, index=bars.index, columns=pd.Index(columns.ONCHAIN))


def _sentiment(bars: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    close = np.log(bars[columns.CLOSE])
    momentum = (close - close.shift(14).fillna(close.iloc[0])).to_numpy()
    noise = _autoregression(stream.standard_normal(len(bars)), 0.7, 0.3)
    index = np.round(100 / (1 + np.exp(-(5 * momentum + noise))))
    return pd.DataFrame({"value": index}, index=bars.index)


def _autoregression(draws: np.ndarray, memory: float, scale: float) -> np.ndarray:
    state, states = 0.0, np.empty(len(draws))
    for bar, draw in enumerate(draws.tolist()):
        state = memory * state + scale * draw
        states[bar] = state
    return states


def _round(values: np.ndarray) -> np.ndarray:
    """Keep eight significant digits, in which all platforms agree."""
    decimals = _DIGITS - 1 - np.floor(np.log10(values)).astype(int)
    scale = 10.0 ** np.abs(decimals)
    up = np.round(values * scale) / scale
    down = np.round(values / scale) * scale
    return np.where(decimals >= 0, up, down)


def _best_accuracy(path: _Path) -> float:
    odds = np.abs(path.mean) / (path.sigma * math.sqrt(2))
    return float(np.mean([0.5 * (1 + math.erf(x)) for x in odds.tolist()]))
