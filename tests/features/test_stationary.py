"""Seventeen stationary features against plain arithmetic, and on bars that hardly move."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.time import DAY
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import FEATURE_SETS, compute
from cryptobt.features.volatility import annualised_volatility, ewma_volatility, log_returns

from . import plain

SIM = simulate("X", 520, seed=2)
PLAIN = {row: plain.Bars(SIM.market.bars, row).features() for row in (400, 463, 519)}
NAMES = list(PLAIN[400])


def market(bars: pd.DataFrame) -> MarketData:
    return MarketData("X", DAY, "test", bars)


def bars_of(close: list[float], spread: float = 0.0) -> pd.DataFrame:
    """Bars that open at the close before, with high and low this far outside."""
    times = pd.date_range("2020-01-01", periods=len(close), tz="UTC", name="time")
    opens = np.array([close[0], *close[:-1]])
    closes = np.array(close)
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, closes) * (1 + spread),
            "low": np.minimum(opens, closes) * (1 - spread),
            "close": closes,
            "volume": 100.0,
        },
        index=times,
    )


@pytest.fixture(scope="module")
def computed() -> pd.DataFrame:
    return compute("stationary", SIM.market).frame


def test_there_are_seventeen(computed: pd.DataFrame) -> None:
    assert sorted(computed.columns) == sorted(NAMES)
    assert len(NAMES) == 17


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_equals_its_formula_in_plain_arithmetic(
    computed: pd.DataFrame, name: str
) -> None:
    for row, features in PLAIN.items():
        assert computed[name].iloc[row] == pytest.approx(features[name], rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        # 20 returns need 21 bars, so σ begins in row 20; each window counts bars from there.
        ("return_1", 20),
        ("momentum_5", 20),
        ("momentum_60", 60),
        ("momentum_120", 120),
        ("mean_distance_20", 20),
        ("mean_distance_100", 99),
        ("rsi_14", 14),
        ("macd_histogram", 33),  # 26 closes, then 9 values of the line: 25 + 8
        ("volatility_ratio", 100),
        ("volatility_z", 384),  # 365 values of σ: 20 + 364
        ("volume_z", 59),
        ("range", 20),
        ("close_place", 0),
        ("high_distance_90", 89),
    ],
)
def test_a_feature_is_missing_until_its_window_is_full(
    computed: pd.DataFrame, name: str, first: int
) -> None:
    assert computed[name].iloc[:first].isna().all()
    assert computed[name].iloc[first:].notna().all()


def test_a_steady_climb_by_hand() -> None:
    # 1 % a day: every log return is ln 1.01 = 0.00995, their deviation 0, so σ is its floor 0.005.
    frame = compute("stationary", market(bars_of([100 * 1.01**n for n in range(140)]))).frame
    last = frame.iloc[-1]
    step = math.log(1.01)
    assert last["return_1"] == pytest.approx(step / 0.005)  # 1.99
    # five days: 5·0.00995 / (0.005·√5) = 4.45
    assert last["momentum_5"] == pytest.approx(5 * step / (0.005 * math.sqrt(5)))
    # mean of 20 closes = close·(1 + 1/1.01 + … + 1/1.01^19)/20
    share = sum(1.01**-n for n in range(20)) / 20
    assert last["mean_distance_20"] == pytest.approx(-math.log(share) / (0.005 * math.sqrt(20)))
    assert last["rsi_14"] == pytest.approx(0.5)  # it never fell: 1/(1 + ∞) = 0
    assert last["close_place"] == pytest.approx(0.5)  # it closes at its high
    assert last["range"] == pytest.approx(step / 0.005)  # from yesterday's close to today's
    assert last["high_distance_90"] == pytest.approx(0.0)


def test_a_zigzag_by_hand() -> None:
    # +2 and −1 in turn: gains and losses, smoothed with weight 1/14, newest first.
    close = [100.0]
    for n in range(60):
        close.append(close[-1] + (2.0 if n % 2 == 0 else -1.0))
    frame = compute("stationary", market(bars_of(close, spread=0.01))).frame
    # The last change is a loss. With d = 13/14 and 60 changes, the losses weigh 1 + d² + d⁴ + …
    # and the gains d + d³ + …: strength = gains/losses = 2·d.
    d = 13 / 14
    assert frame["rsi_14"].iloc[-1] == pytest.approx(0.5 - 1 / (1 + 2 * d))
    # low = min(open, close)·0.99, high = max·1.01; it opened one above the close.
    low, high = close[-1] * 0.99, (close[-1] + 1) * 1.01
    assert frame["close_place"].iloc[-1] == pytest.approx((close[-1] - low) / (high - low) - 0.5)


@pytest.mark.parametrize("volume", [0.0, 1.0])
def test_flat_bars_give_finite_features(volume: float) -> None:
    bars = bars_of([100.0] * 450).assign(volume=volume)
    frame = compute("stationary", market(bars)).frame
    assert np.isfinite(frame.iloc[384:]).all().all()
    last = frame.iloc[-1]
    assert last["rsi_14"] == 0.0
    assert last["close_place"] == 0.0
    assert last["volume_z"] == 0.0


@pytest.mark.parametrize("name", sorted(FEATURE_SETS))
def test_a_flat_stretch_inside_a_market_gives_finite_features(name: str) -> None:
    bars = SIM.market.bars.copy()
    for column in ("open", "high", "low", "close"):
        bars.loc[bars.index[430:520], column] = bars["close"].iloc[429]
    bars.loc[bars.index[430:520], "volume"] = 0.0
    frame = compute(name, market(bars), [SIM.onchain]).frame
    assert np.isfinite(frame.iloc[390:]).all().all()


@pytest.mark.parametrize("name", sorted(FEATURE_SETS))
def test_the_first_whole_row_comes_right_after_the_warm_up_that_the_set_names(name: str) -> None:
    table = compute(name, SIM.market, [SIM.onchain])
    whole = np.isfinite(table.frame).all(axis=1).to_numpy()
    assert int(whole.argmax()) == table.warm_up_bars == FEATURE_SETS[name].warm_up_bars


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_price_level_does_not_matter(computed: pd.DataFrame, factor: float) -> None:
    prices = ["open", "high", "low", "close"]
    bars = SIM.market.bars.copy()
    bars[prices] *= factor
    scaled = compute("stationary", market(bars)).frame
    pd.testing.assert_frame_equal(scaled, computed, rtol=1e-6, atol=1e-6)


def test_without_volume_its_feature_is_left_out_and_said() -> None:
    table = compute("stationary", market(SIM.market.bars.assign(volume=np.nan)))
    assert "volume_z" not in table.frame
    assert len(table.frame.columns) == 16
    assert table.missing == ("volume",)
    assert compute("stationary", SIM.market).missing == ()


def test_onchain_features_equal_their_formulas() -> None:
    frame = compute("stationary_onchain", SIM.market, [SIM.onchain]).frame
    assert len(frame.columns) == 17 + 6
    # A row of day d is published at the end of d + 24 h: at the close of t, the newest is t−1's.
    for name in ("adractcnt", "txcnt", "feetotntv"):
        seen = SIM.onchain.frame[name].iloc[:519].tolist()
        assert frame[f"{name}_z"].iloc[519] == pytest.approx(plain.log_z(seen))
        assert frame[f"{name}_growth"].iloc[519] == pytest.approx(plain.log_growth(seen))


def test_missing_onchain_series_are_left_out_and_said() -> None:
    without = compute("stationary_onchain", SIM.market)
    assert without.missing == ("adractcnt", "txcnt", "feetotntv")
    pd.testing.assert_frame_equal(without.frame, compute("stationary", SIM.market).frame)


def test_volatility_is_the_weighted_deviation_with_a_floor() -> None:
    volatility = ewma_volatility(SIM.market.bars)
    assert volatility.iloc[300] == pytest.approx(plain.Bars(SIM.market.bars, 300).sigma())
    assert volatility.iloc[:20].isna().all()
    assert volatility.iloc[20:].notna().all()
    assert (ewma_volatility(bars_of([5.0] * 40)).dropna() == 0.005).all()


def test_a_year_has_365_daily_volatilities_and_24_times_as_many_hourly_ones() -> None:
    daily = annualised_volatility(SIM.market.bars, DAY)
    hourly = annualised_volatility(SIM.market.bars, DAY / 24)
    assert daily.iloc[-1] == pytest.approx(
        ewma_volatility(SIM.market.bars).iloc[-1] * math.sqrt(365)
    )
    assert hourly.iloc[-1] == pytest.approx(daily.iloc[-1] * math.sqrt(24))


def test_log_returns_by_hand() -> None:
    returns = log_returns(bars_of([100.0, 110.0, 99.0]))
    assert returns.iloc[1:].tolist() == pytest.approx([math.log(1.1), math.log(0.9)])
    assert np.isnan(returns.iloc[0])


def test_an_unknown_set_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'stationary'"):
        compute("stationery", SIM.market)


@pytest.mark.real_data
def test_real_prices_give_finite_features_after_the_warm_up(real_data: Path) -> None:
    from cryptobt.data.csv_bars import read_bars

    now = pd.Timestamp("2026-06-05T12:00:00Z")
    for file in ("btc_usd_yahoo_1d.csv", "btc_usd_kraken_1d.csv", "btc_usd_bitstamp_1d.csv"):
        real = read_bars(real_data / file, "BTC", "refuse", now)
        frame = compute("stationary", real).frame.iloc[385:]
        assert np.isfinite(frame).all().all(), file
        # Ratios and z-scores: nothing is left of the price level.
        assert frame.abs().median().max() < 3, file
