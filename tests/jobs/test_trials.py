"""What counts as one trial, and what a run is deflated by."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.jobs.trials import (
    TrialCount,
    check_ledger,
    count_trial,
    daily_returns,
    trial_key,
    trial_ledger,
    trials_document,
)
from cryptobt.strategies.registry import find_strategy

NOW = pd.Timestamp("2025-02-03T04:05:06Z")
MOMENTUM = find_strategy("momentum")


def market(symbol: str = "BTC-USD", simulated: bool = False, interval: str = "1D") -> MarketData:
    """Two bars, of which only symbol and interval are looked at."""
    times = pd.date_range("2020-01-01", periods=2, freq=interval, tz="UTC", name="time")
    names = ("open", "high", "low", "close", "volume")
    bars = pd.DataFrame({name: [1.0, 2.0] for name in names}, index=times)
    return MarketData(symbol, pd.Timedelta(interval), "csv", bars, simulated)


def account(returns: np.ndarray) -> BacktestResult:
    """An account of a first decision and these returns, a day each."""
    times = pd.date_range("2020-01-01", periods=len(returns) + 1, freq="D", tz="UTC")
    equity = pd.DataFrame({"time": times, "return": np.append(0.0, returns)})
    none = pd.DataFrame()
    return BacktestResult(equity, none, none, none, none, none, [])


def drawn(seed: int, days: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.001, 0.02, days)


def chosen(**sections: dict[str, Any]) -> Settings:
    """Settings of a rule, without the floor of the default recipe."""
    rule = {"strategy": {"name": "momentum"}, "trials": {"floor": 1}}
    return Settings.model_validate(
        {name: {**rule.get(name, {}), **sections.get(name, {})} for name in {*rule, *sections}}
    )


def count(settings: Settings, seed: int = 0, *markets: MarketData) -> TrialCount:
    return count_trial(settings, markets or (market(),), MOMENTUM, account(drawn(seed)), NOW)


def key(settings: Settings, *markets: MarketData) -> str:
    return trial_key(settings, markets or (market(),), MOMENTUM)


# What is a trial


@pytest.mark.parametrize(
    "same",
    [
        {"run": {"workers": 3, "out": "elsewhere"}},
        {"trials": {"floor": 50, "ledger": False}},
        {"robustness": {"enabled": False}},
        {"walkforward": {"ensemble_seeds": 7}},
        {"paper": {"wait_minutes": 1.0}},
        {"data": {"source": "sample", "csv": ["BTC-USD=b.csv"], "on_bad_row": "quarantine"}},
        {"data": {"interval": "1h", "resample": "1d", "cross_check": "yahoo"}},
        {"strategy": {"params": {"lookback": 30}}},
    ],
)
def test_what_decides_nothing_is_no_other_trial(same: dict[str, dict[str, Any]]) -> None:
    assert key(chosen(**same)) == key(chosen())


@pytest.mark.parametrize(
    "other",
    [
        {"strategy": {"params": {"lookback": 31}}},
        {"data": {"start": "2020-02-01"}},
        {"data": {"end": "2020-06-01"}},
        {"data": {"extras": ["news=news.csv"]}},
        {"data": {"onchain": ["coinmetrics"]}},
        {"walkforward": {"seed": 1}},
        {"walkforward": {"refit_days": 30}},
        {"training": {"epochs": 5}},
        {"sizing": {"max_weight": 0.5}},
        {"costs": {"fee_bps": 0.0}},
        {"forecaster": {"name": "linear"}},
        # another throw of the dice that the verdict is judged by
        {"metrics": {"bootstrap_seed": 1}},
        {"metrics": {"bootstrap_draws": 100}},
        {"robustness": {"random_strategies": 500}},
    ],
)
def test_what_is_chosen_is_another_trial(other: dict[str, dict[str, Any]]) -> None:
    assert key(chosen(**other)) != key(chosen())


def test_another_strategy_and_other_symbols_in_the_account_are_another_trial() -> None:
    sma = find_strategy("sma_trend")
    assert trial_key(chosen(), (market(),), sma) != key(chosen())
    assert key(chosen(), market(), market("ETH-USD")) != key(chosen())
    both = (market(), market("ETH-USD"))
    assert key(chosen(), *both) == key(chosen(), *reversed(both))


# Counting


def test_a_run_that_is_repeated_is_one_trial_and_another_choice_a_second(tmp_path: Path) -> None:
    first = count(chosen())
    assert (first.n, first.counted, first.floor, first.ledger) == (1, 1, 1, True)
    assert count(chosen()) == first
    assert count(chosen(strategy={"params": {"lookback": 31}}), 1).n == 2
    assert (tmp_path / "cryptobt" / "trials.sqlite").exists()


def test_the_floor_is_the_least_there_is() -> None:
    assert count(chosen(trials={"floor": 40})).n == 40
    assert count(chosen(trials={"floor": None})).n == 1
    # 100 settings were tried to find the recipe that this strategy's forecaster has
    signal = find_strategy("attn_signal")
    recipe = count_trial(Settings(), [market()], signal, account(drawn(1)), NOW)
    assert (recipe.n, recipe.counted, recipe.floor) == (100, 2, 100)
    # it can be raised, and not lowered
    for asked, floor in ((1, 100), (250, 250)):
        lowered = Settings.model_validate({"trials": {"floor": asked}})
        assert count_trial(lowered, [market()], signal, account(drawn(1)), NOW).floor == floor


def test_a_simulated_market_has_trials_of_its_own() -> None:
    assert count(chosen(), 0, market()).n == 1
    other = chosen(costs={"fee_bps": 0.0})
    assert count(other, 0, market(simulated=True)).n == 1
    assert count(other, 0, market(interval="1h")).n == 1
    assert count(other, 0, market()).n == 2
    assert trial_ledger().tried(["BTC-USD (simulated)"], "1d").n == 1


def test_below_twenty_trials_the_variance_is_one_over_the_returns_and_then_the_ledgers() -> None:
    counts, per_bar = [], []
    for number in range(20):
        returns = drawn(number)
        per_bar.append(returns.mean() / returns.std(ddof=1))
        settings = chosen(strategy={"params": {"lookback": 10 + number}})
        counts.append(count(settings, number))
    assert {one.variance_from for one in counts[:19]} == {"1/T"}
    assert counts[18].variance == 1 / 200
    assert counts[19].variance_from == "ledger"
    assert counts[19].variance == pytest.approx(np.var(per_bar, ddof=1), rel=1e-12)


def test_overfitting_is_asked_of_the_trials_on_the_ledger() -> None:
    alone = count(chosen()).pbo
    assert (alone["value"]["value"], alone["trials"]) == (None, 1)
    assert alone["value"]["reason"]
    two = count(chosen(costs={"fee_bps": 0.0}), 1).pbo
    assert (two["trials"], two["blocks"]) == (2, 16)
    assert 0 <= two["value"]["value"] <= 1


def test_without_the_ledger_nothing_is_counted_and_nothing_written(tmp_path: Path) -> None:
    settings = chosen(trials={"ledger": False, "floor": 5})
    check_ledger(settings)
    found = count(settings)
    assert (found.n, found.counted, found.floor, found.ledger) == (5, None, 5, False)
    assert (found.variance, found.variance_from) == (1 / 200, "1/T")
    assert found.pbo["value"]["reason"] == "the trial ledger is not used"
    assert not (tmp_path / "cryptobt").exists()


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 50, [0.01, -1.0, 0.0]])
def test_accounts_without_a_sharpe_ratio_are_trials_too(returns: list[float]) -> None:
    found = count_trial(chosen(), [market()], MOMENTUM, account(np.array(returns)), NOW)
    assert found.n == 1
    assert found.pbo["value"]["value"] is None
    assert found.variance == 1 / max(len(returns), 1)


def test_what_run_json_holds_is_read_back_as_it_was() -> None:
    settings = chosen()
    found = count(settings)
    document = trials_document(settings, [market()], MOMENTUM, found)
    assert list(document)[:4] == ["n", "floor", "key", "counted_per"]
    assert document["n"] == 1
    assert document["key"] == key(settings)
    assert TrialCount.from_json(document) == found
    with pytest.raises(KeyError, match="counted"):
        TrialCount.from_json({"n": None, "floor": 1, "key": "k", "counted_per": []})


def test_bars_are_compounded_to_days_and_a_day_without_one_returns_nothing() -> None:
    times = pd.to_datetime(
        ["2020-01-01T00:00Z", "2020-01-01T12:00Z", "2020-01-03T00:00Z", "2020-01-03T12:00Z"]
    )
    found = daily_returns(pd.Series([0.10, -0.10, 0.02, 0.0], times))
    # 1.1 · 0.9 − 1 = −0.01; nothing on the second; 0.02
    assert found.tolist() == pytest.approx([-0.01, 0.0, 0.02])
    assert [f"{day:%Y-%m-%d}" for day in found.index] == ["2020-01-01", "2020-01-02", "2020-01-03"]


def test_features_of_one_s_own_are_told_apart_by_their_content_not_their_folder(
    tmp_path: Path,
) -> None:
    code = "def columns(bars):\n    return bars[['close']]\n"
    keys = []
    for folder, text in (("a", code), ("b", code), ("a", code + "\n")):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / "mine.py"
        file.write_text(text)
        keys.append(key(chosen(features={"set": f"{file}:columns"})))
    assert keys[0] == keys[1] != keys[2]
