"""``cryptobt strategies`` and ``cryptobt forecasters``: what there is, in one line each."""

from cryptobt.core.errors import CryptobtError
from cryptobt.forecasters.registry import FORECASTERS, find_forecaster, installed_forecasters
from cryptobt.strategies.registry import STRATEGIES


def list_strategies() -> dict[str, str]:
    """Name of each strategy to what it does, and the forecaster that it trades."""
    return {
        name: spec.summary + (f" [forecaster {spec.forecaster}]" if spec.forecaster else "")
        for name, spec in STRATEGIES.items()
    }


def list_forecasters() -> dict[str, str]:
    """Name of each forecaster to what it is: ours, then those of installed packages."""
    ours = {name: spec.summary for name, spec in FORECASTERS.items()}
    return ours | {
        name: _installed(name, point.value)
        for name, point in installed_forecasters().items()
        if name not in ours
    }


def _installed(name: str, place: str) -> str:
    try:
        summary = find_forecaster(name).summary
    except CryptobtError as error:
        return f"cannot be used: {error}"
    return f"{summary} [{place}]".strip()
