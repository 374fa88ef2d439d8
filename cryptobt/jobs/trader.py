"""The strategy that settings name, checked before anything is loaded."""

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.forecasters.registry import ForecasterSpec, design_of, find_forecaster
from cryptobt.strategies.registry import StrategySpec, check_params, find_strategy


def trader_of(settings: Settings) -> Trader:
    """Find a strategy, and the forecaster that it trades by.

    Raises
    ------
    UsageError
        If one is unknown, a parameter cannot be used, or the forecaster cannot learn the target.
    """
    spec = find_strategy(settings.strategy.name)
    check_params(spec, settings.strategy.params)
    forecaster = forecaster_of(settings, spec)
    if forecaster is None:
        return Trader(spec, settings.strategy.params, None)
    design_of(forecaster, settings, 1)
    return Trader(spec, settings.strategy.params, forecaster.name)


def forecaster_of(settings: Settings, spec: StrategySpec) -> ForecasterSpec | None:
    """Find the forecaster that a strategy trades by: the one that settings name, else its own."""
    name = settings.forecaster.name or spec.forecaster
    return None if name is None else find_forecaster(name)
