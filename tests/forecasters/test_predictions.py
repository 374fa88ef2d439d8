"""Predictions beside what came, row by row, with their arithmetic."""

import math

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.time import DAY
from cryptobt.core.types import MarketData
from cryptobt.forecasters.answers import Answers
from cryptobt.forecasters.folds import Fold
from cryptobt.forecasters.predictions import predictions, quote_unit
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.forecasters.table import ForecastTable, realised

from .small import small

COLUMNS = [
    "time", "symbol", "model_id", "horizon_bars", "last_close", "actual", "predicted", "error",
    "pct_error", "unit",
]  # fmt: skip
START = pd.Timestamp("2020-01-01", tz="UTC")
# Thirty still bars, by which σ is its floor of 0.005; then the five of the golden rows.
PRICES = [100.0] * 30 + [100.0, 102.0, 102.0, 99.0, 110.0]
FIRST = 30


def market(prices: list[float], missing: int | None = None) -> MarketData:
    numbers = [n for n in range(len(prices)) if n != missing]
    times = pd.DatetimeIndex([START + DAY * n for n in numbers], name="time")
    close = np.array([prices[n] for n in numbers])
    bars = pd.DataFrame(
        {name: close for name in ("open", "high", "low", "close")} | {"volume": 1.0}, index=times
    )
    return MarketData("BTC-USD", DAY, "csv", bars)


def answered(
    bars: MarketData, returns: np.ndarray, z: np.ndarray, horizons: tuple[int, ...] = (1,)
) -> pd.DataFrame:
    """Predictions of a forecaster that answered these for the last bars."""
    rows = np.arange(len(bars.bars) - len(returns), len(bars.bars))
    none = np.arange(0)
    fold = Fold(bars.times[rows[0]], 0, int(rows[0]), none, none, rows)
    settings = small(f"forecaster.horizon_bars={list(horizons)}", "forecaster.target=next_return")
    outcomes = [realised(bars, horizon) for horizon in horizons]
    table = ForecastTable(bars, settings, outcomes, int(rows[0]), [fold])
    return predictions(bars, find_forecaster("linear"), Answers(rows, z, returns), table)


def test_golden_rows_with_their_arithmetic() -> None:
    # Returns predicted at bars 30 … 34: +1 %, 0, −1 %, +10 %, +5 %.
    predicted = np.log([[1.01], [1.0], [0.99], [1.1], [1.05]])
    frame = answered(market(PRICES), predicted, predicted[..., None])
    assert list(frame.columns[:10]) == COLUMNS
    assert frame["last_close"].tolist() == [100.0, 102.0, 102.0, 99.0, 110.0]
    # 100·1.01; 102; 102·0.99; 99·1.1; 110·1.05
    assert frame["predicted"].tolist() == pytest.approx([101.0, 102.0, 100.98, 108.9, 115.5])
    assert frame["actual"].tolist()[:4] == pytest.approx([102.0, 102.0, 99.0, 110.0])
    # predicted less actual
    assert frame["error"].tolist()[:4] == pytest.approx([-1.0, 0.0, 1.98, -1.1], abs=1e-9)
    expected = [-1 / 102, 0.0, 1.98 / 99, -1.1 / 110]
    assert frame["pct_error"].tolist()[:4] == pytest.approx(expected, abs=1e-9)
    actual = np.log([102 / 100, 1.0, 99 / 102, 110 / 99])
    assert frame["actual_return"].to_numpy()[:4] == pytest.approx(actual, abs=1e-12)
    np.testing.assert_array_equal(frame["predicted_return"], predicted[:, 0])
    np.testing.assert_array_equal(frame["call"], predicted[:, 0])
    assert set(frame["unit"]) == {"USD"}
    assert set(frame["forecaster"]) == {"linear"}


def test_the_last_row_has_no_outcome_yet() -> None:
    returns = np.log([[1.01], [1.05]])
    last = answered(market(PRICES), returns, returns[..., None]).iloc[-1]
    assert last[["actual", "error", "pct_error", "actual_return"]].isna().all()
    assert last["predicted"] == pytest.approx(115.5)


def test_an_outcome_across_a_gap_is_missing() -> None:
    # Bar 32 is not there: what came after bar 31 is not known.
    returns = np.zeros((4, 1))
    frame = answered(market(PRICES, missing=32), returns, returns[..., None])
    assert frame["last_close"].tolist() == [100.0, 102.0, 99.0, 110.0]
    assert frame["actual"].isna().tolist() == [False, True, False, True]


def test_each_horizon_has_its_row_and_its_outcome() -> None:
    # At bar 30: 102 after one bar, 99 after three; predicted +1 % and +3 %.
    returns = np.log([[1.01, 1.03]] * 5)
    frame = answered(market(PRICES), returns, returns[..., None], (1, 3))
    assert frame["horizon_bars"].tolist() == [1, 3] * 5
    assert frame["time"].is_monotonic_increasing
    first = frame[frame["time"] == START + DAY * FIRST]
    assert first["actual"].tolist() == pytest.approx([102.0, 99.0])
    assert first["predicted"].tolist() == pytest.approx([101.0, 103.0])
    far = frame[frame["horizon_bars"] == 3]
    assert far["actual"].isna().tolist() == [False, False, True, True, True]


def test_without_a_return_of_its_own_the_calibrated_mean_is_the_prediction() -> None:
    # 300 bars that alternate: after +1 % comes −1 %. The score calls it, and is calibrated once
    # 250 outcomes are known.
    signs = np.where(np.arange(300) % 2 == 0, 1.0, -1.0)
    prices = [100.0] * 30 + list(100.0 * np.exp(np.cumsum(0.01 * signs)))
    score = -signs[:, None, None]
    frame = answered(market(prices), np.full((300, 1), np.nan), score)
    known = frame["predicted_return"].notna().to_numpy()
    # The 250th outcome is known at the 251st forecast.
    assert known.tolist() == [False] * 250 + [True] * 50
    late = frame[known].iloc[:-1]
    assert late["predicted"].to_numpy() == pytest.approx(late["actual"].to_numpy(), rel=1e-3)
    # Before it, a call is what the score says.
    np.testing.assert_array_equal(frame["call"].to_numpy()[:250], -signs[:250])
    assert (np.sign(late["call"]) == np.sign(late["actual_return"])).all()


def test_a_bar_without_an_opinion_has_no_row() -> None:
    returns = np.zeros((5, 1))
    z = returns[..., None].copy()
    z[2] = np.nan
    frame = answered(market(PRICES), returns, z)
    assert frame["last_close"].tolist() == [100.0, 102.0, 99.0, 110.0]


def test_an_unchanged_price_is_predicted_to_the_last_digit() -> None:
    frame = answered(market(PRICES), np.zeros((5, 1)), np.zeros((5, 1, 1)))
    assert frame["predicted"].tolist() == frame["last_close"].tolist()
    assert (frame["call"] == 0).all()


def test_later_bars_change_no_prediction_and_only_fill_in_what_was_missing() -> None:
    returns = np.log([[1.01], [1.0], [0.99]])
    now = answered(market(PRICES[:33]), returns, returns[..., None])
    more = np.vstack([returns, [[math.log(1.1)], [math.log(1.05)]]])
    later = answered(market(PRICES), more, more[..., None]).iloc[:3]
    ours = ["last_close", "predicted", "predicted_return", "call"]
    pd.testing.assert_frame_equal(now[ours], later[ours], check_exact=True)
    assert now["actual"].isna().tolist() == [False, False, True]
    assert later["actual"].notna().all()


@pytest.mark.parametrize(
    ("symbol", "unit"),
    [
        ("BTC-USD", "USD"),
        ("BTC/USDT", "USDT"),
        ("A-B-EUR", "EUR"),
        ("btc", "quote"),
        ("BTC-", "quote"),
        ("data-2021", "quote"),
    ],
)
def test_a_symbol_s_quote_currency(symbol: str, unit: str) -> None:
    assert quote_unit(symbol) == unit
