"""The strategy that settings name, checked before anything is loaded."""

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.strategies.registry import check_params, find_strategy


def trader_of(settings: Settings) -> Trader:
    """Find a strategy, and the forecaster that it trades by.

    Raises
    ------
    UsageError
        If one is unknown, or a parameter cannot be used.
    """
    spec = find_strategy(settings.strategy.name)
    check_params(spec, settings.strategy.params)
    name = settings.forecaster.name or spec.forecaster
    if name is not None:
        find_forecaster(name)
    return Trader(spec, settings.strategy.params, name)
