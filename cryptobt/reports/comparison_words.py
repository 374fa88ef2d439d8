"""Names and sentences of two runs side by side, the same in the terminal and on the page."""

import json
from collections.abc import Callable
from typing import Any

from cryptobt.reports.numbers import (
    DASH,
    format_amount,
    format_interval,
    format_percent,
    format_ratio,
    measure,
    short_name,
    symbols,
)

Write = Callable[[float | None], str]


def _times(value: float | None) -> str:
    return format_ratio(value, 1)


PAIRED: dict[str, tuple[str, Write]] = {
    "sharpe": ("Sharpe ratio", format_ratio),
    "cagr": ("growth a year", format_percent),
    "total_return": ("total return", format_percent),
    "volatility": ("volatility a year", format_percent),
    "max_drawdown": ("largest drawdown", format_percent),
}
"""Over the dates in common: label, and how a value is written."""
OWN: dict[str, tuple[str, Write]] = {
    "accuracy": ("accuracy", format_percent),
    "turnover_per_year": ("turnover a year", _times),
    "exposure": ("exposure", format_percent),
    "fees_quote": ("fees", format_amount),
    "slippage_quote": ("slippage", format_amount),
    "trades": ("trades", format_amount),
}
"""Over each run's own dates."""


def name_of(document: dict[str, Any], which: str) -> str:
    """Name a run: id, strategy, symbols and its own dates."""
    run = document[which]
    traded = symbols(run)
    shown = ", ".join(short_name(symbol, 16) for symbol in traded[:3])
    more = f" and {len(traded) - 3} more" if len(traded) > 3 else ""
    first, last = (str(run.get(end) or DASH)[:10] for end in ("first", "last"))
    return f"{run['run_id']}  {run['strategy']} on {shown}{more}, {first} to {last}"


def describe_difference(document: dict[str, Any], name: str) -> str:
    """Say whether a difference of two runs is more than noise."""
    label, write = PAIRED[name]
    found = measure(document, "metrics", name, "difference")
    if found.value is None:
        return f"{label.capitalize()}: no difference, {found.reason}."
    said = f"{label.capitalize()}: A less B is {write(found.value)}"
    if not found.has_interval:
        return f"{said}; too few bars for an interval."
    interval = f"{100 * (found.level or 0):g} % interval {format_interval(found, write)}"
    low, high = found.low or 0.0, found.high or 0.0
    if low <= 0 <= high:
        return f"{said}, {interval}: nothing that luck could not do."
    return f"{said}, {interval}: {'A' if low > 0 else 'B'} is better by more than noise."


def tone_of(document: dict[str, Any], name: str) -> str:
    """Tell how a difference is marked: ``good`` where it is more than noise, else ``warn``."""
    found = measure(document, "metrics", name, "difference")
    sure = found.has_interval and not (found.low or 0.0) <= 0 <= (found.high or 0.0)
    return "good" if sure else "warn"


def written(value: Any, longest: int) -> str:
    """Write the value of a setting as it is given with ``--set``, cut to what fits."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return short_name(text, longest)
