"""Forecasters asked for the same bars, and what is measured of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import compute
from cryptobt.jobs.comparison import ONLY_CALLS, SEVERAL_PRICES, UNCALIBRATED
from cryptobt.jobs.events import Events
from cryptobt.jobs.side_by_side import SideBySide, ask_all, measure
from tests.forecasters.small import in_process, small

NAN = float("nan")
NAMES = ("dual_attention", "linear", "persistence", "always_up", "last_sign", "drift", "trend_only")
QUICK = ("forecaster.target=next_return", "walkforward.refit_days=365")
DRAWS = "metrics.bootstrap_draws=100"


def ask(
    markets: Sequence[MarketData], names: Sequence[str], settings: Settings, said: list[str]
) -> SideBySide:
    features = {m.symbol: compute(settings.features.set, m) for m in markets}
    events = Events(said.append, lambda _: None, lambda _: None)
    with in_process():
        return ask_all(markets, features, names, settings, events)


@pytest.fixture(scope="module")
def martingale() -> tuple[SideBySide, dict[str, Any]]:
    """A market without anything to find, next and fifth bar."""
    coin = simulate("COIN-USD", 1400, seed=3, strength=0.0)
    settings = small(*QUICK, "forecaster.horizon_bars=[1,5]", DRAWS)
    side = ask([coin.market], NAMES, settings, [])
    return side, measure(side.frame, settings)


def rows_of(
    forecaster: str,
    last: Sequence[float],
    actual: Sequence[float],
    predicted: Sequence[float],
    *,
    answers: str = "return",
    symbol: str = "X-USD",
    horizon: int = 1,
) -> pd.DataFrame:
    """A forecaster's part of a frame, from prices alone."""
    close, came, said = (np.array(values, dtype=float) for values in (last, actual, predicted))
    returns = np.log(said / close)
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=len(close), tz="UTC"),
            "symbol": symbol,
            "model_id": forecaster,
            "horizon_bars": horizon,
            "last_close": close,
            "actual": came,
            "predicted": said,
            "unit": "USD",
            "forecaster": forecaster,
            "actual_return": np.log(came / close),
            "predicted_return": returns,
            "call": np.where(np.isfinite(returns), returns, 1.0),
            "p_up": 0.5,
            "q05": -0.1,
            "q50": 0.0,
            "q95": 0.1,
            "answers": answers,
        }
    )


LAST, ACTUAL = [100.0, 110.0, 99.0, 100.0], [110.0, 99.0, 108.9, 97.0]


def test_four_forecasts_by_hand() -> None:
    still = rows_of("persistence", LAST, ACTUAL, LAST)
    ours = rows_of("ours", LAST, ACTUAL, [105.0, 99.0, 100.0, 101.0])
    found = measure(pd.concat([still, ours], ignore_index=True), small())["ours"]["1"]
    # errors 5, 0, 8.9, −4; those of persistence 10, −11, 9.9, −3
    assert found["price"]["mae"]["value"] == pytest.approx((5 + 0 + 8.9 + 4) / 4)
    assert found["price"]["rmse"]["value"] == pytest.approx(((25 + 79.21 + 16) / 4) ** 0.5)
    assert found["price"]["skill"]["value"] == pytest.approx(
        1 - (25 + 79.21 + 16) / (100 + 121 + 98.01 + 9)
    )
    assert found["price"]["mae"]["unit"] == "USD"
    # called up, down, up, up; went up, down, up, down
    assert found["direction"]["accuracy"]["value"] == 0.75
    assert (found["direction"]["tp"], found["direction"]["tn"], found["direction"]["fp"]) == (
        2,
        1,
        1,
    )
    # returns log 1.1, log 0.9, log 1.1 lie inside ±0.1 but for the second, −0.105
    assert found["interval_coverage"]["value"] == 0.75
    assert found["brier"]["value"] == 0.25
    assert found["n"] == 4


def test_errors_are_compared_over_the_bars_that_all_who_predict_numbers_have() -> None:
    still = rows_of("persistence", LAST, ACTUAL, LAST)
    late = rows_of("late", LAST, ACTUAL, [NAN, NAN, 100.0, 101.0], answers="target")
    calls = rows_of("calls", LAST, ACTUAL, [NAN] * 4, answers="direction")
    found = measure(pd.concat([still, late, calls], ignore_index=True), small())
    # errors of persistence 9.9 and −3 where the late one has a number too
    assert found["persistence"]["1"]["price"]["mae"]["value"] == pytest.approx((9.9 + 3) / 2)
    assert found["late"]["1"]["price"]["n"] == found["persistence"]["1"]["price"]["n"] == 2
    assert found["calls"]["1"]["price"]["mae"]["reason"] == ONLY_CALLS
    assert found["calls"]["1"]["direction"]["n"] == 4


def test_a_score_that_nothing_calibrated_says_why_it_has_no_errors() -> None:
    frame = pd.concat(
        [
            rows_of("persistence", LAST, ACTUAL, LAST),
            rows_of("net", LAST, ACTUAL, [NAN] * 4, answers="target"),
        ],
        ignore_index=True,
    )
    found = measure(frame, small())["net"]["1"]
    assert found["return"]["skill"]["reason"] == UNCALIBRATED
    assert found["price"]["r2"]["value"] is None


def test_prices_of_several_symbols_are_never_put_together() -> None:
    frame = pd.concat(
        [
            rows_of(name, LAST, ACTUAL, said, symbol=symbol)
            for symbol in ("A-USD", "B-USD")
            for name, said in (("persistence", LAST), ("ours", [105.0, 99.0, 100.0, 101.0]))
        ],
        ignore_index=True,
    )
    found = measure(frame, small())["ours"]["1"]
    assert found["price"]["mae"]["value"] is None
    assert found["price"]["mae"]["reason"] == SEVERAL_PRICES
    assert found["direction"]["n"] == 8
    assert found["pesaran_timmermann"]["p_value"]["value"] is None
    assert found["per_symbol"]["A-USD"]["price"]["mae"]["value"] == pytest.approx(17.9 / 4)
    # Two symbols that did the same have, at each time, the loss of one.
    alone = found["per_symbol"]["A-USD"]["diebold_mariano"]["statistic"]["value"]
    assert found["diebold_mariano"]["statistic"]["value"] == pytest.approx(alone)


def test_tests_of_a_horizon_of_h_see_every_hth_bar_alone() -> None:
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 40)))
    last, actual = close[:36], close[4:]
    said = last * np.exp(rng.normal(0, 0.01, 36))
    parts = [rows_of("persistence", last, actual, last), rows_of("ours", last, actual, said)]
    whole = pd.concat(parts, ignore_index=True)
    every = pd.concat([part.iloc[::4] for part in parts], ignore_index=True)
    far = measure(whole.assign(horizon_bars=4), small(DRAWS))["ours"]["4"]
    near = measure(every, small(DRAWS))["ours"]["1"]
    for test in ("pesaran_timmermann", "diebold_mariano", "clark_west"):
        assert far[test] == near[test], test
    assert far["coin_band"]["calls"] == near["coin_band"]["calls"] == 9
    assert far["n"] == 36


def test_on_a_martingale_every_accuracy_is_a_coin_s_and_price_r2_is_high_all_the_same(
    martingale: tuple[SideBySide, dict[str, Any]],
) -> None:
    for name, horizons in martingale[1].items():
        one = horizons["1"]
        if name != "persistence":
            band = one["coin_band"]
            assert band["low"] <= one["direction"]["accuracy"]["value"] <= band["high"], name
        if name not in ("always_up", "last_sign"):
            assert one["price"]["r2"]["value"] > 0.9, name
            assert one["return"]["skill"]["low"] is None or one["return"]["skill"]["low"] <= 0, name


def test_every_forecaster_has_the_same_bars(
    martingale: tuple[SideBySide, dict[str, Any]],
) -> None:
    frame = martingale[0].frame
    times = {name: tuple(own["time"]) for name, own in frame.groupby("forecaster")}
    assert set(times) == set(NAMES)
    assert len(set(times.values())) == 1
    keys = ["time", "symbol", "model_id", "horizon_bars"]
    assert frame[keys].equals(martingale[0].forecasts[keys])
    assert frame[keys].equals(frame.sort_values(keys)[keys].reset_index(drop=True))


def test_a_rule_s_call_is_its_own_whatever_calibration_makes_of_it(
    martingale: tuple[SideBySide, dict[str, Any]],
) -> None:
    frame = martingale[0].frame
    up = frame[frame["forecaster"] == "always_up"]
    assert (up["call"] == 1).all()
    assert up["predicted"].isna().all()
    last = frame[(frame["forecaster"] == "last_sign") & (frame["horizon_bars"] == 1)]
    moves = np.sign(np.diff(np.log(last["last_close"])))
    assert (last["call"].to_numpy()[1:] == moves).all()


def test_what_fitting_took_is_known_and_a_rule_took_nothing(
    martingale: tuple[SideBySide, dict[str, Any]],
) -> None:
    side = martingale[0]
    assert side.costs["linear"].seconds > 0
    assert (side.costs["persistence"].seconds, side.costs["persistence"].parameters) == (0.0, 0)
    assert side.costs["dual_attention"].parameters
    assert ("dual_attention", "COIN-USD") in side.explanations


def test_rows_do_not_depend_on_the_start_or_on_who_else_is_asked() -> None:
    market = simulate("COIN-USD", 1400, seed=3, strength=0.0).market
    settings = small(*QUICK)
    later = small(*QUICK, "data.start=2018-06-01")
    whole = ask([market], ["linear", "drift"], settings, []).frame
    part = ask([market], ["linear"], later, []).frame
    same = whole[(whole["forecaster"] == "linear") & (whole["time"] >= part["time"].min())]
    assert part["time"].min() == pd.Timestamp("2018-06-01", tz="UTC")
    pd.testing.assert_frame_equal(part, same.reset_index(drop=True))


def test_a_symbol_too_short_is_left_out_and_said() -> None:
    long = simulate("LONG-USD", 1400, seed=3).market
    short = simulate("SHORT-USD", 200, seed=4, start="2018-01-01").market
    said: list[str] = []
    side = ask([short, long], ["drift", "persistence"], small(*QUICK), said)
    assert set(side.frame["symbol"]) == {"LONG-USD"}
    assert said[0].startswith("left out: SHORT-USD: too few rows")


def test_an_unknown_forecaster_is_refused_with_the_nearest_name() -> None:
    market = simulate("COIN-USD", 100, seed=3).market
    with pytest.raises(UsageError, match="did you mean 'linear'"):
        ask([market], ["liner"], small(), [])
