"""Strategies by name, their parameters checked before anything runs."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.user_code import is_reference, load_installed
from cryptobt.strategies.rules import BuyAndHold, BuyAndHoldVolTarget, Momentum, SmaTrend
from cryptobt.strategies.signals import AttnSignal, BilstmSignal, ScoreSignal
from cryptobt.strategies.user_code import STRATEGY, load_class


@dataclass(frozen=True)
class StrategySpec:
    """A strategy's name, class, and the forecaster it trades unless told otherwise.

    Attributes
    ----------
    forecaster : str or None
        None for a strategy that needs no forecast.
    reads_forecasts : bool
        Whether it trades by a forecaster's score when it is given one.
    file, file_hash : str
        Of a user's own; empty for those that come with cryptobt.
    """

    name: str
    summary: str
    strategy: type[Any]
    forecaster: str | None = None
    reads_forecasts: bool = False
    file: str = ""
    file_hash: str = ""


STRATEGIES = {
    spec.name: spec
    for spec in (
        StrategySpec(
            "attn_signal",
            "long by the dual-attention CNN-LSTM's score, at a volatility target",
            AttnSignal,
            "dual_attention",
            reads_forecasts=True,
        ),
        StrategySpec(
            "bilstm_signal",
            "long by the attention BiLSTM's score, at a volatility target",
            BilstmSignal,
            "attention_bilstm",
            reads_forecasts=True,
        ),
        StrategySpec("buy_and_hold", "buy once and hold", BuyAndHold),
        StrategySpec(
            "buy_and_hold_vol_target", "hold, scaled to a volatility target", BuyAndHoldVolTarget
        ),
        StrategySpec("sma_trend", "long above the moving average of 100 bars", SmaTrend),
        StrategySpec("momentum", "long above the close 30 bars ago", Momentum),
    )
}

SCORE_SIGNAL = StrategySpec(
    "score_signal", "any forecaster's score, sized alike", ScoreSignal, reads_forecasts=True
)
"""Sizes the comparison rows of a run exactly as the signal strategies are sized."""


def find_strategy(name: str) -> StrategySpec:
    """Look a strategy up: one of ours, an installed one, or ``my_file.py:MyStrategy``.

    Raises
    ------
    UsageError
        With the nearest known name, or with what is wrong in the user's file.
    """
    if is_reference(name):
        return _from_class(*load_class(name))
    if name in STRATEGIES:
        return STRATEGIES[name]
    installed = installed_strategies()
    if name not in installed:
        raise UsageError(
            f"unknown strategy '{name}'; {did_you_mean(name, [*STRATEGIES, *installed])}"
        )
    return _installed(installed[name])


def installed_strategies() -> dict[str, EntryPoint]:
    """Strategies that other packages offer under the entry point ``cryptobt.strategies``."""
    return {point.name: point for point in entry_points(group="cryptobt.strategies")}


def _installed(point: EntryPoint) -> StrategySpec:
    found = load_installed(point, STRATEGY)
    return replace(_from_class(found.value, found.file_hash), name=point.name)


def _from_class(strategy: type[Any], file_hash: str) -> StrategySpec:
    summary = (inspect.getdoc(strategy) or "").partition("\n")[0]
    return StrategySpec(
        strategy.__name__,
        summary,
        strategy,
        getattr(strategy, "forecaster", None),
        reads_forecasts=True,
        file=inspect.getsourcefile(strategy) or "",
        file_hash=file_hash,
    )


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
    if default is None:
        return  # the class does not say what it expects
    kind: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
    fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        wanted = "a number" if float in kind else f"{kind[0].__name__}"
        raise UsageError(
            f"setting 'strategy.params.{key}' of '{spec.name}' is {value!r}; expected {wanted} "
            f"such as {default!r}"
        )
    # Every whole number of our own strategies counts bars; a user's may mean anything.
    if not spec.file and type(value) is int and kind == (int,) and value < 1:
        raise UsageError(
            f"setting 'strategy.params.{key}' of '{spec.name}' is {value!r}; expected 1 or more"
        )
