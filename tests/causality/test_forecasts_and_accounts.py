"""No forecast, signal, order or fill reads the future.

Each of 20 bars is a day on which somebody stopped: everything later is cut away, or replaced by
another future, all folds are fitted anew from an empty cache, and every row up to that bar has to
be the same to the bit. One settings file makes that affordable: small networks, two epochs.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.csv_series import read_series
from cryptobt.features.paper16 import paper16
from cryptobt.features.sets import FEATURE_SETS, FeatureSet, compute
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.forecasters.walkforward import forecast
from cryptobt.records.content import ContentStore
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import SCORE_SIGNAL, STRATEGIES, StrategySpec

from ..forecasters.small import in_process, small
from .markets import World, cut, disturb, poison, world

# paper16 is ready after 60 bars and reads the extra series; the heads need 100 bars.
BASE = ("features.set=paper16", "walkforward.min_train_rows=60", "walkforward.refit_days=150")
SETTINGS = small(*BASE)
# Of this seed the price stays in the range it was learnt in: no raw level is clipped away.
WORLD = world(640, seed=40)
# Late enough that forecasts are calibrated (250 outcomes) before most of them.
BARS = sorted(np.random.default_rng(2).choice(np.arange(380, 639), 20, replace=False).tolist())

# The strategies' own are stopped at all 20 days, the others at four of them, and at all in the
# slow suite.
LEADING = ("dual_attention", "attention_bilstm", "trend_only")
FORECASTER = pytest.mark.parametrize("name", sorted(FORECASTERS))
LEARNING = pytest.mark.parametrize(
    "name", sorted(name for name, spec in FORECASTERS.items() if spec.trained)
)
SPECS = {**STRATEGIES, SCORE_SIGNAL.name: SCORE_SIGNAL}
STRATEGY = pytest.mark.parametrize("name", sorted(SPECS))
FUTURES = pytest.mark.parametrize("future", ["cut", "poisoned"])


def stops(name: str) -> list[int]:
    if name in LEADING:
        return BARS
    # Trees are grown anew each time, and nothing in them is of one name alone.
    return BARS[::10] if name in ("random_forest", "gradient_boosting") else BARS[::5]


def changed(future: str, bar: int) -> World:
    return cut(WORLD, bar) if future == "cut" else poison(WORLD, bar, seed=6)


Forecast = Callable[[str, str, int], Forecasts]


@pytest.fixture(scope="module")
def forecasts_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forecast]:
    """Forecasts of the world under some future after a bar, each from an empty cache."""

    @cache
    def made(name: str, future: str, bar: int) -> Forecasts:
        given = WORLD if future == "as it was" else changed(future, bar)
        return forecast_in(given, name, tmp_path_factory.mktemp("folds"))

    with in_process():
        yield made


def forecast_in(given: World, name: str, folder: Path, settings: Settings = SETTINGS) -> Forecasts:
    """Forecasts from an empty cache."""
    features = compute(settings.features.set, given.market, given.extras)
    store = ContentStore(folder)
    return forecast(given.market, features, name, settings, store, lambda _: None)


def up_to(frame: pd.DataFrame, bar: int) -> pd.DataFrame:
    return frame[frame["time"] <= WORLD.market.times[bar]].reset_index(drop=True)


@FORECASTER
def test_there_is_something_to_compare(forecasts_of: Forecast, name: str) -> None:
    whole = forecasts_of(name, "as it was", 0)
    assert whole.of(name, "X")["mean"].notna().sum() > 100
    assert len(stops(name)) >= 2
    early = up_to(whole.frame, BARS[0])
    assert early["fold"].nunique() >= 2


@FORECASTER
@FUTURES
def test_no_forecast_changes_with_the_future(
    forecasts_of: Forecast, name: str, future: str
) -> None:
    whole = forecasts_of(name, "as it was", 0)
    for bar in stops(name):
        other = forecasts_of(name, future, bar)
        same_forecasts(whole, other, bar)


def same_forecasts(whole: Forecasts, other: Forecasts, bar: int) -> None:
    pd.testing.assert_frame_equal(
        up_to(other.frame, bar), up_to(whole.frame, bar), check_exact=True, obj=f"bar {bar}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(FORECASTERS) - set(LEADING)))
@FUTURES
def test_no_forecast_changes_with_the_future_at_any_of_the_days(
    forecasts_of: Forecast, name: str, future: str
) -> None:
    whole = forecasts_of(name, "as it was", 0)
    for bar in BARS:
        same_forecasts(whole, forecasts_of(name, future, bar), bar)


@FORECASTER
@FUTURES
def test_no_explanation_changes_with_the_future(
    forecasts_of: Forecast, name: str, future: str
) -> None:
    explained = forecasts_of(name, "as it was", 0).explanations
    assert bool(explained) == (FORECASTERS[name].kind == "net")
    if not explained:
        return
    whole = explained["X"]
    for bar in stops(name)[::4]:
        other = forecasts_of(name, future, bar).explanations["X"]
        same = whole.times <= WORLD.market.times[bar]
        assert other.times[other.times <= WORLD.market.times[bar]].equals(whole.times[same])
        np.testing.assert_array_equal(other.gates[: same.sum()], whole.gates[same])
        np.testing.assert_array_equal(other.attention[: same.sum()], whole.attention[same])


@LEARNING
def test_the_past_does_change_forecasts(forecasts_of: Forecast, name: str, tmp_path: Path) -> None:
    # A bar in the last window, 500, moves its own forecast and what follows, and none before.
    whole = forecasts_of(name, "as it was", 0).of(name, "X")["score"]
    other = forecast_in(disturb(WORLD, 500), name, tmp_path).of(name, "X")["score"]
    times = WORLD.market.times
    assert (whole[: times[499]] == other[: times[499]]).all()
    assert whole[times[500]] != other[times[500]]
    assert (whole[times[501] :] != other[times[501] :]).mean() > 0.9


@LEARNING
def test_another_past_that_was_learnt_from_does_change_forecasts(
    forecasts_of: Forecast, name: str, tmp_path: Path
) -> None:
    # Bar 150 is long out of every window at 500: it acts through what was learnt alone.
    whole = forecasts_of(name, "as it was", 0).of(name, "X")["score"]
    other = forecast_in(disturb(WORLD, 150), name, tmp_path).of(name, "X")["score"]
    assert whole.iloc[-1] != other.iloc[-1]


# --- accounts


def account(spec: StrategySpec, given: World, forecasts: Forecasts | None) -> BacktestResult:
    forecaster = forecaster_of(spec)
    return run_backtest([given.market], forecasts, Trader(spec, {}, forecaster), SETTINGS)


def forecaster_of(spec: StrategySpec) -> str | None:
    return "trend_only" if spec is SCORE_SIGNAL else spec.forecaster


def forecasts_for(
    spec: StrategySpec, forecasts_of: Forecast, future: str, bar: int
) -> Forecasts | None:
    name = forecaster_of(spec)
    return None if name is None else forecasts_of(name, future, bar)


@STRATEGY
@FUTURES
def test_no_signal_order_fill_or_equity_changes_with_the_future(
    forecasts_of: Forecast, name: str, future: str
) -> None:
    spec = SPECS[name]
    whole = account(spec, WORLD, forecasts_for(spec, forecasts_of, "as it was", 0))
    assert len(up_to(whole.fills, BARS[-1])) > 0, "nothing was traded: nothing is compared"
    for bar in BARS:
        given = changed(future, bar)
        other = account(spec, given, forecasts_for(spec, forecasts_of, future, bar))
        same_account(whole, other, bar)


def same_account(whole: BacktestResult, other: BacktestResult, bar: int) -> None:
    """Compare everything that was decided, filled and held up to a bar, to the bit."""
    for table in ("weights", "fills", "equity", "scores"):
        ours, theirs = (up_to(getattr(r, table), bar) for r in (whole, other))
        pd.testing.assert_frame_equal(
            theirs, ours, check_exact=True, check_dtype=False, obj=f"{table}, bar {bar}"
        )
    # What became of the last bar's order is the next bar's fact; that it was sent is not.
    decided = ["order_id", "time", "side", "quantity_base", "target_weight"]
    ours, theirs = (up_to(r.orders, bar)[decided] for r in (whole, other))
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True, check_dtype=False)


@STRATEGY
def test_the_past_does_change_the_account(forecasts_of: Forecast, name: str) -> None:
    spec = SPECS[name]
    forecasts = forecasts_for(spec, forecasts_of, "as it was", 0)
    whole = account(spec, WORLD, forecasts)
    held = whole.weights["weight"].to_numpy() > 0
    bar = int(np.flatnonzero(held & (np.arange(len(held)) > 300))[0])
    other = account(spec, disturb(WORLD, bar), forecasts)
    one, two = (result.equity["equity_quote"].to_numpy() for result in (whole, other))
    assert (one[:bar] == two[:bar]).all()
    assert one[bar] != two[bar]


@STRATEGY
def test_bar_by_bar_gives_the_account_of_the_preloaded_run(
    forecasts_of: Forecast, name: str
) -> None:
    spec = SPECS[name]
    forecasts = forecasts_for(spec, forecasts_of, "as it was", 0)
    trader = Trader(spec, {}, forecaster_of(spec))
    fast = run_backtest([WORLD.market], forecasts, trader, SETTINGS)
    slow = run_backtest([WORLD.market], forecasts, trader, SETTINGS, preload=False)
    for table in ("equity", "weights", "orders", "fills", "trades"):
        pd.testing.assert_frame_equal(
            getattr(slow, table), getattr(fast, table), check_exact=True, obj=table
        )
    assert slow.pending == fast.pending
    assert len(fast.fills) > 0


class Cheat(SignalStrategy):
    """Long when tomorrow is higher."""

    params: ClassVar[Any] = ()

    def score(self, data: Any) -> float:
        return float(data.close[1] - data.close[0])


def test_a_strategy_that_reads_tomorrow_fails_bar_by_bar() -> None:
    trader = Trader(StrategySpec("cheat", "reads tomorrow", Cheat), {})
    with pytest.raises(IndexError):
        run_backtest([WORLD.market], None, trader, SETTINGS, preload=False)


class CarefulCheat(Cheat):
    """Knows that after the last bar there is nothing to read."""

    def score(self, data: Any) -> float:
        try:
            return super().score(data)
        except IndexError:
            return 0.0


@FUTURES
def test_the_comparison_above_finds_a_strategy_that_reads_tomorrow(future: str) -> None:
    spec, bar = StrategySpec("cheat", "reads tomorrow", CarefulCheat), 400
    whole, other = account(spec, WORLD, None), account(spec, changed(future, bar), None)
    with pytest.raises(AssertionError):
        same_account(whole, other, bar)
    same_account(whole, other, bar - 1)


def _forward_filled_from_tomorrow(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
    return paper16(bars, extras).assign(close=bars["close"].shift(-1).ffill())


@FUTURES
def test_the_comparison_above_finds_a_feature_that_reads_tomorrow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, future: str
) -> None:
    leaky = FeatureSet("paper16", "reads tomorrow", _forward_filled_from_tomorrow, 60)
    monkeypatch.setitem(FEATURE_SETS, "paper16", leaky)
    bar = 450
    with in_process():
        whole = forecast_in(WORLD, "dual_attention", tmp_path / "whole")
        other = forecast_in(changed(future, bar), "dual_attention", tmp_path / "other")
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(up_to(other.frame, bar), up_to(whole.frame, bar))


VARIANTS = {
    "several horizons": ["forecaster.target=next_return", "forecaster.horizon_bars=[1,5,16]"],
    "direction, every third window": ["forecaster.target=direction", "walkforward.stride_bars=3"],
    "scaled close, min-max": ["forecaster.target=scaled_close", "features.scaling=minmax"],
    "scaled close, by window": ["forecaster.target=scaled_close", "features.scaling=window"],
    "warm start": ["walkforward.warm_start=true"],
    "rolling history": ["walkforward.history=200"],
    "next return over three bars": ["forecaster.target=next_return", "forecaster.horizon_bars=3"],
    "another anchor": ['walkforward.anchor="2016-02-29"', "walkforward.refit_days=77"],
}


@FUTURES
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_other_way_to_walk_forward_reads_the_future(
    tmp_path: Path, variant: str, future: str
) -> None:
    settings = small(*BASE, *VARIANTS[variant])
    with in_process():
        whole = forecast_in(WORLD, "dual_attention", tmp_path / "whole", settings)
        for bar in BARS[2::4]:
            given = changed(future, bar)
            other = forecast_in(given, "dual_attention", tmp_path / f"{bar}", settings)
            pd.testing.assert_frame_equal(
                up_to(other.frame, bar), up_to(whole.frame, bar), check_exact=True
            )


@pytest.mark.real_data
@FUTURES
def test_no_forecast_of_real_prices_changes_with_the_future(
    real_data: Path, tmp_path: Path, future: str
) -> None:
    now = pd.Timestamp("2026-06-05T12:00:00Z")
    whole_file = read_bars(real_data / "btc_usd_yahoo_1d.csv", "BTC", "refuse", now)
    onchain = read_series(real_data / "btc_coinmetrics_1d.csv", "onchain", 24.0)
    real = World(replace(whole_file, bars=whole_file.bars.iloc[2000:2700]), (onchain,))
    settings = small("features.set=stationary_onchain", "walkforward.min_train_rows=60")
    with in_process():
        whole = forecast_in(real, "dual_attention", tmp_path / "whole", settings).frame
        for bar in (560, 611, 650):
            given = cut(real, bar) if future == "cut" else poison(real, bar, seed=6)
            other = forecast_in(given, "dual_attention", tmp_path / f"{bar}", settings).frame
            until = real.market.times[bar]
            ours, theirs = (f[f["time"] <= until].reset_index(drop=True) for f in (whole, other))
            assert len(ours) > 0
            pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
