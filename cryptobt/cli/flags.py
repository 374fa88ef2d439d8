"""Flags that stand for settings, the same for every command that has them."""

from collections.abc import Mapping
from typing import Any

_SETTINGS = {
    "strategy": "strategy.name",
    "forecaster": "forecaster.name",
    "symbol": "data.symbols",
    "source": "data.source",
    "csv": "data.csv",
    "onchain": "data.onchain",
    "extra": "data.extras",
    "cross_check": "data.cross_check",
    "start": "data.start",
    "end": "data.end",
    "cash": "account.cash_quote",
    "out": "run.out",
    "workers": "run.workers",
}


def as_settings(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Name the settings of the flags that were given."""
    return {_SETTINGS[name]: value for name, value in flags.items() if value not in (None, ())}
