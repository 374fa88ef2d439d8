"""Read numbers from ``metrics.json`` and write them the same way everywhere."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DASH = "—"
ROW_TO_BEAT = "trend_only"
ROWS = (
    "strategy", "network_only", ROW_TO_BEAT, "buy_and_hold", "buy_and_hold_vol_target",
    "sma_trend", "momentum", "always_up",
)  # fmt: skip
Write = Callable[[float | None], str]
COSTS = ("fees_quote", "slippage_quote", "funding_quote")


@dataclass(frozen=True)
class Measure:
    """One metric with its interval; every number that is absent is None, and ``reason`` says why.

    Attributes
    ----------
    value, low, high : float or None
        In the unit of the metric: fractions for rates and returns, quote currency for costs.
    level : float or None
        Confidence of the interval, 0.95 for 95 %.
    reason : str
        Why the value is absent; empty where it is there.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return self.low is not None and self.high is not None


def finite(value: object) -> float | None:
    """Take a number as it is; anything missing, infinite or not a number becomes None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def lookup(metrics: dict[str, Any], *path: str) -> Any:
    """Follow a path of keys; None as soon as one is absent or null."""
    found: Any = metrics
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def measure(metrics: dict[str, Any], *path: str) -> Measure:
    """Read one metric, written as an object with an interval or as a bare count."""
    found = lookup(metrics, *path)
    if not isinstance(found, dict):
        value = finite(found)
        return Measure(value, reason="" if value is not None else "not measured in this run")
    value = finite(found.get("value"))
    reason = "" if value is not None else str(found.get("reason") or "not measured in this run")
    low, high, level = (finite(found.get(key)) for key in ("low", "high", "level"))
    return Measure(value, low, high, level, reason)


def direction(metrics: dict[str, Any], row: str, name: str) -> Measure:
    """Read one measure of a row's up and down calls."""
    return measure(metrics, "rows", row, "direction", name)


def performance(metrics: dict[str, Any], row: str, name: str) -> Measure:
    """Read one measure of a row's account."""
    return measure(metrics, "rows", row, "performance", name)


def costs(metrics: dict[str, Any], row: str) -> Measure:
    """Sum fees, slippage and funding of a row, in quote currency; absent if all three are."""
    return _sum([performance(metrics, row, name) for name in COSTS])


def symbols(metrics: dict[str, Any]) -> list[str]:
    """List the symbols of the run, each once, in the order in which they were named."""
    return list(dict.fromkeys(str(symbol) for symbol in lookup(metrics, "symbols") or ()))


def of_symbol(metrics: dict[str, Any], symbol: str, *path: str) -> Measure:
    """Read one measure of a symbol's part in the strategy's account."""
    return measure(metrics, "per_symbol", symbol, *path)


def day_of(metrics: dict[str, Any], symbol: str, name: str) -> str | None:
    """Read a symbol's ``first``, ``last`` or ``joined`` as a date; None where it is absent."""
    found = lookup(metrics, "per_symbol", symbol, name)
    return str(found)[:10] if found else None


def symbol_costs(metrics: dict[str, Any], symbol: str) -> Measure:
    """Sum fees and slippage of a symbol's fills, in quote currency; absent if both are."""
    names = ("fees_quote", "slippage_quote")
    return _sum([of_symbol(metrics, symbol, "account", name) for name in names])


def _sum(parts: list[Measure]) -> Measure:
    known = [part.value for part in parts if part.value is not None]
    return Measure(sum(known)) if known else parts[0]


def count(metrics: dict[str, Any], *path: str) -> int:
    """Read a count; one that is absent is 0."""
    value = measure(metrics, *path).value
    return 0 if value is None else int(value)


def _written(value: float | None, pattern: str) -> str:
    text = DASH if value is None else pattern.format(value)
    # A loss of 0.001 % is no "-0.0": the sign of what rounds to nothing says nothing.
    return text.removeprefix("-") if not any(digit in text for digit in "123456789") else text


def format_percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction as per cent: 0.5213 is ``52.1%``."""
    return _written(None if value is None else 100 * value, f"{{:,.{digits}f}}%")


def format_ratio(value: float | None, digits: int = 2) -> str:
    """Write a number without a unit: 1.2345 is ``1.23``."""
    return _written(value, f"{{:,.{digits}f}}")


def format_amount(value: float | None) -> str:
    """Write an amount of quote currency without its cents: 1234.5 is ``1,234``."""
    return _written(value, "{:,.0f}")


def format_basis_points(value: float | None) -> str:
    """Write a cost of a fill in hundredths of a per cent: 12.345 is ``12.3 bps``."""
    return _written(value, "{:,.1f} bps")


def format_probability(value: float | None) -> str:
    """Write a probability; what would round to 0 or 1 is written as a bound."""
    if value is not None and (value < 0.001 or value > 0.999):
        return "< 0.001" if value < 0.001 else "> 0.999"
    return _written(value, "{:.3f}")


def format_interval(found: Measure, written: Callable[[float | None], str]) -> str:
    """Write an interval as ``[low, high]``; empty text where there is none."""
    return f"[{written(found.low)}, {written(found.high)}]" if found.has_interval else ""


def short_name(name: str, most: int = 26) -> str:
    """Cut a name that comes from a file to what fits."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
