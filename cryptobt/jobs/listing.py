"""``cryptobt strategies`` and ``cryptobt forecasters``: what there is, in one line each."""

from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.strategies.registry import STRATEGIES


def list_strategies() -> dict[str, str]:
    """Name of each strategy to what it does, and the forecaster that it trades."""
    return {
        name: spec.summary + (f" [forecaster {spec.forecaster}]" if spec.forecaster else "")
        for name, spec in STRATEGIES.items()
    }


def list_forecasters() -> dict[str, str]:
    """Name of each forecaster to what it is."""
    return {name: spec.summary for name, spec in FORECASTERS.items()}
