"""Strategies by name, and parameters that are refused before anything runs."""

from typing import Any

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import (
    SCORE_SIGNAL,
    STRATEGIES,
    check_params,
    find_strategy,
    own_params,
)


def test_the_built_in_strategies_are_these() -> None:
    assert set(STRATEGIES) == {
        "attn_signal",
        "bilstm_signal",
        "buy_and_hold",
        "buy_and_hold_vol_target",
        "sma_trend",
        "momentum",
    }


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategy_is_found_by_its_own_name(name: str) -> None:
    spec = find_strategy(name)
    assert spec.name == name
    assert issubclass(spec.strategy, SignalStrategy)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_summary_is_one_line(name: str) -> None:
    summary = STRATEGIES[name].summary
    assert summary == summary.strip() != ""
    assert len(summary.splitlines()) == 1
    assert len(f"{name}  {summary}") <= 100


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategys_own_forecaster_exists_and_learns(name: str) -> None:
    forecaster = STRATEGIES[name].forecaster
    assert forecaster is None or FORECASTERS[forecaster].trained


def test_the_signal_strategies_name_their_forecaster() -> None:
    assert STRATEGIES["attn_signal"].forecaster == "dual_attention"
    assert STRATEGIES["bilstm_signal"].forecaster == "attention_bilstm"


def test_an_unknown_strategy_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        find_strategy("atn_signal")
    assert str(caught.value) == "unknown strategy 'atn_signal'; did you mean 'attn_signal'?"


def test_an_unknown_strategy_like_no_other_is_answered_with_all_names() -> None:
    with pytest.raises(UsageError, match="unknown strategy 'zzz'; known: attn_signal, bilstm"):
        find_strategy("zzz")


@pytest.mark.parametrize("given", [{}, {"window": 50}])
def test_parameters_not_given_have_their_defaults(given: dict[str, Any]) -> None:
    assert check_params(STRATEGIES["sma_trend"], given) == {"window": 100} | given


@pytest.mark.parametrize(
    ("name", "params"),
    [("sma_trend", {"window": 100}), ("momentum", {"lookback": 30}),
     ("attn_signal", {"base": 0.5, "gain": 0.5}), ("buy_and_hold", {})],
)  # fmt: skip
def test_own_parameters_are_those_that_a_user_may_set(name: str, params: dict[str, Any]) -> None:
    assert own_params(STRATEGIES[name].strategy) == params


def test_a_whole_number_is_a_number() -> None:
    assert check_params(SCORE_SIGNAL, {"gain": 1}) == {"base": 0.5, "gain": 1}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "sma_trend",
            {"windw": 50},
            "strategy 'sma_trend' has no parameter 'windw'; did you mean 'window'?",
        ),
        (
            "sma_trend",
            {"window": "50"},
            "setting 'strategy.params.window' of 'sma_trend' is '50'; expected int such as 100",
        ),
        (
            "sma_trend",
            {"window": 50.0},
            "setting 'strategy.params.window' of 'sma_trend' is 50.0; expected int such as 100",
        ),
        (
            "sma_trend",
            {"window": True},
            "setting 'strategy.params.window' of 'sma_trend' is True; expected int such as 100",
        ),
        (
            "momentum",
            {"lookback": 0},
            "setting 'strategy.params.lookback' of 'momentum' is 0; expected 1 or more",
        ),
        (
            "momentum",
            {"lookback": -5},
            "setting 'strategy.params.lookback' of 'momentum' is -5; expected 1 or more",
        ),
        (
            "attn_signal",
            {"gain": "much"},
            "setting 'strategy.params.gain' of 'attn_signal' is 'much'; "
            "expected a number such as 0.5",
        ),
        (
            "attn_signal",
            {"base": False},
            "setting 'strategy.params.base' of 'attn_signal' is False; "
            "expected a number such as 0.5",
        ),
    ],
)
def test_a_wrong_parameter_is_refused(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_params(STRATEGIES[name], given)
    assert str(caught.value) == message


def test_the_rules_of_trading_are_no_parameter_of_the_users() -> None:
    with pytest.raises(UsageError, match="has no parameter 'rules'"):
        check_params(STRATEGIES["buy_and_hold"], {"rules": None})


def test_a_strategy_without_parameters_refuses_any() -> None:
    with pytest.raises(UsageError, match="'buy_and_hold' has no parameter 'window'"):
        check_params(STRATEGIES["buy_and_hold"], {"window": 3})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"strategy\.params\.gain"):
        check_params(STRATEGIES["attn_signal"], {"gain": value})
