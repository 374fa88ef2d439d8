"""Strategies by name, their parameters checked before anything runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.rules import BuyAndHold, BuyAndHoldVolTarget, Momentum, SmaTrend
from cryptobt.strategies.signals import AttnSignal, BilstmSignal, ScoreSignal


@dataclass(frozen=True)
class StrategySpec:
    """A strategy's name, class, and the forecaster it trades unless told otherwise.

    Attributes
    ----------
    forecaster : str or None
        None for a strategy that needs no forecast.
    """

    name: str
    summary: str
    strategy: type[SignalStrategy]
    forecaster: str | None = None


STRATEGIES = {
    spec.name: spec
    for spec in (
        StrategySpec(
            "attn_signal",
            "long by the dual-attention CNN-LSTM's score, at a volatility target",
            AttnSignal,
            "dual_attention",
        ),
        StrategySpec(
            "bilstm_signal",
            "long by the attention BiLSTM's score, at a volatility target",
            BilstmSignal,
            "attention_bilstm",
        ),
        StrategySpec("buy_and_hold", "buy once and hold", BuyAndHold),
        StrategySpec(
            "buy_and_hold_vol_target", "hold, scaled to a volatility target", BuyAndHoldVolTarget
        ),
        StrategySpec("sma_trend", "long above the moving average of 100 bars", SmaTrend),
        StrategySpec("momentum", "long above the close 30 bars ago", Momentum),
    )
}

SCORE_SIGNAL = StrategySpec("score_signal", "any forecaster's score, sized alike", ScoreSignal)
"""Sizes the comparison rows of a run exactly as the signal strategies are sized."""


def find_strategy(name: str) -> StrategySpec:
    """Look a strategy up.

    Raises
    ------
    UsageError
        With the nearest known name.
    """
    if name not in STRATEGIES:
        raise UsageError(f"unknown strategy '{name}'; {did_you_mean(name, STRATEGIES)}")
    return STRATEGIES[name]


def own_params(strategy: type[Any]) -> dict[str, Any]:
    """Parameters of a strategy that a user may set, with their defaults."""
    return {k: v for k, v in strategy.params._getitems() if k != "rules"}


def check_params(spec: StrategySpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Check a user's parameters against the strategy's own.

    backtrader ignores a parameter that a class does not have, and takes any type.

    Raises
    ------
    UsageError
        Naming the parameter, and what was expected.
    """
    known = own_params(spec.strategy)
    for key, value in params.items():
        if key not in known:
            raise UsageError(
                f"strategy '{spec.name}' has no parameter '{key}'; {did_you_mean(key, known)}"
            )
        _check_value(spec, key, value, known[key])
    return {**known, **params}


def _check_value(spec: StrategySpec, key: str, value: Any, default: Any) -> None:
    kind: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
    fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        wanted = "a number" if float in kind else f"{kind[0].__name__}"
        raise UsageError(
            f"setting 'strategy.params.{key}' of '{spec.name}' is {value!r}; expected {wanted} "
            f"such as {default!r}"
        )
    if type(value) is int and kind == (int,) and value < 1:
        raise UsageError(
            f"setting 'strategy.params.{key}' of '{spec.name}' is {value!r}; expected 1 or more"
        )
