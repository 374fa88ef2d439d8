"""A user's own strategy: what it has to be, and how its mistakes are told."""

from typing import Any

import backtrader as bt

from cryptobt.core import user_code
from cryptobt.core.errors import UsageError


class StrategyError(UsageError):
    """A strategy of the user's does not import, or fails while it trades."""


def _is_strategy(value: Any, module: str | None) -> bool:
    if not (isinstance(value, type) and issubclass(value, bt.Strategy)):
        return False
    return module in (None, value.__module__)


STRATEGY = user_code.Wanted(
    "strategy", "no backtrader Strategy", "trade", StrategyError, _is_strategy
)


def load_class(reference: str) -> tuple[type[Any], str]:
    """Import a strategy class from ``FILE.py:CLASS``.

    Returns
    -------
    class, str
        The class, and a hash of its file.

    Raises
    ------
    StrategyError
        If there is no such file or class, or the file does not import; with its own line.
    """
    found = user_code.load(reference, STRATEGY)
    return found.value, found.file_hash


def explain_failure(error: BaseException, file: str) -> UsageError:
    """Tell a failure of a user's strategy by the line of his file that it came from."""
    return user_code.explain_failure(error, file, STRATEGY)
