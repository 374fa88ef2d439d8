"""The simulated market looks like one, and its planted predictability is what it says."""

import math

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.data.sample import COINS, SIMULATED, sample_market, simulate


@pytest.fixture(params=sorted(COINS))
def coin(request: pytest.FixtureRequest):
    return sample_market(request.param)


def log_returns(bars: pd.DataFrame) -> np.ndarray:
    return np.diff(np.log(bars["close"].to_numpy()))


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def test_ten_years_of_daily_bars_keep_the_contract_and_say_they_are_simulated(coin) -> None:
    market = coin.market
    assert len(market.bars) == 3653
    assert market.times[0] == pd.Timestamp("2015-01-01T00:00:00Z")
    assert market.times[-1] == pd.Timestamp("2024-12-31T00:00:00Z")
    assert (market.simulated, market.source) == (True, "sample")
    assert market.quality.warnings == (SIMULATED,)
    bars = market.bars
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars.to_numpy() > 0).all()
    assert (bars["open"].to_numpy()[1:] == bars["close"].to_numpy()[:-1]).all()


def test_it_has_the_stylised_facts(coin) -> None:
    bars = coin.market.bars
    returns = log_returns(bars)
    simple = np.expm1(returns)
    size = np.abs(returns)
    assert pd.Series(returns).kurt() > 2
    assert autocorrelation(size, 1) > 0.2
    assert autocorrelation(size, 20) > 0.05
    assert 0.5 < returns.std() * math.sqrt(365) < 0.9
    drawdown = (bars["close"] / bars["close"].cummax() - 1).min()
    assert -0.85 < drawdown < -0.60
    assert 0.4 < simple.mean() / simple.std() * math.sqrt(365) < 1.1
    assert np.corrcoef(np.log(bars["volume"].to_numpy()[1:]), size)[0, 1] > 0.3


def test_series_beside_the_bars_are_published_late_and_within_range(coin) -> None:
    onchain, sentiment = coin.onchain.frame, coin.sentiment.frame
    assert list(onchain) == ["adractcnt", "txcnt", "feetotntv", "available_at"]
    lag = onchain["available_at"].iloc[0] - onchain.index[0]
    assert lag == pd.Timedelta(hours=48)
    assert sentiment["value"].between(0, 100).all()
    assert sentiment["value"].nunique() > 30


def test_the_same_seed_gives_the_same_market_and_a_longer_one_begins_with_it() -> None:
    short, long = simulate("X", 300, seed=4), simulate("X", 900, seed=4)
    for one, other in (
        (short.market.bars, long.market.bars),
        (short.onchain.frame, long.onchain.frame),
        (short.sentiment.frame, long.sentiment.frame),
    ):
        pd.testing.assert_frame_equal(one, other.iloc[:300])
    assert simulate("X", 300, seed=5).market.hash != short.market.hash


def trend(log: np.ndarray) -> np.ndarray:
    """Recompute the planted trend from closes alone, as a feature would."""
    series = pd.Series(log)
    deviation = series.diff().rolling(50).std(ddof=0)
    return ((series - series.rolling(50).mean()) / (deviation * math.sqrt(50 / 3))).to_numpy()


def test_the_best_forecaster_hits_as_often_as_stated() -> None:
    coin = simulate("X", 40_000, seed=8, strength=0.15)
    log = np.log(coin.market.bars["close"].to_numpy())
    z = trend(log)[60:-1]
    hits = np.sign(z) == np.sign(np.diff(log)[60:])
    # the sign of the trend is nearly the best forecast; 3 deviations are 3 x 0.5 / sqrt(40,000)
    assert hits.mean() == pytest.approx(coin.best_accuracy, abs=0.011)
    assert 0.55 < coin.best_accuracy < 0.62


def test_strength_is_the_slope_of_the_return_on_the_trend() -> None:
    coin = simulate("X", 40_000, seed=9, strength=0.10)
    log = np.log(coin.market.bars["close"].to_numpy())
    z = np.clip(trend(log), -2, 2)[60:-1]
    returns = np.diff(log)[60:]
    sigma = pd.Series(returns).rolling(20).std().shift(1).to_numpy()[20:]
    slope = np.polyfit(z[20:], returns[20:] / sigma, 1)[0]
    assert slope == pytest.approx(0.10, abs=0.025)


def test_without_strength_and_drift_the_close_is_a_martingale() -> None:
    rows, wealth = [], []
    for seed in range(12):
        bars = simulate("X", 3000, seed=seed, strength=0.0).market.bars
        rows.append(bars["close"].pct_change().to_numpy()[1:])
        z = trend(np.log(bars["close"].to_numpy()))
        wealth.append(rows[-1][60:] * np.sign(z[60:-1]))
    for returns in (np.concatenate(rows), np.concatenate(wealth)):
        assert abs(returns.mean()) < 3.5 * returns.std() / math.sqrt(len(returns))
    # only the convexity of the exponential is left of predictability
    assert simulate("X", 3000, seed=1, strength=0.0).best_accuracy < 0.51


def test_limit_orders_inside_a_bar_gain_nothing_from_the_martingale() -> None:
    gains = []
    for seed in range(12):
        bars = simulate("X", 3000, seed=seed, strength=0.0).market.bars
        limit = bars["open"] * 0.98
        filled = bars["low"] <= limit
        gains.append((bars["close"] / limit - 1)[filled].to_numpy())
    gain = np.concatenate(gains)
    assert abs(gain.mean()) < 3.5 * gain.std() / math.sqrt(len(gain))


def test_unknown_coins_and_too_few_bars_are_usage_errors() -> None:
    with pytest.raises(UsageError, match=r"no 'DOGE-USD'.*BTC-USD, ETH-USD, SOL-USD"):
        sample_market("DOGE-USD")
    with pytest.raises(UsageError, match="at least 2"):
        simulate("X", 1, seed=0)


def test_eight_significant_digits_are_kept(coin) -> None:
    closes = coin.market.bars["close"]
    assert all(float(f"{close:.8g}") == close for close in closes)
