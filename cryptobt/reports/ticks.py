"""Where the marks of an axis stand, and how they are written."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

Tick = tuple[float, str]
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_MONTH, _YEAR = 30.44 * _DAY, 365.25 * _DAY
_STEPS: tuple[tuple[float, str, tuple[int, ...], str], ...] = (
    (_MINUTE, "min", (5, 15, 30), "%m-%d %H:%M"),
    (_HOUR, "h", (1, 3, 6, 12), "%m-%d %H:%M"),
    (_DAY, "D", (1, 2, 5, 10), "%Y-%m-%d"),
    (_MONTH, "MS", (1, 2, 3, 6), "%b %Y"),
    (_YEAR, "YS", (1, 2, 5, 10), "%Y"),
)


def linear_ticks(
    low: float, high: float, written: Callable[[float], str], most: int = 6
) -> list[Tick]:
    """Choose round values between two ends, at most ``most`` of them."""
    if not high > low:
        return [(low, written(low))]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(k * step, written(k * step)) for k in range(first, last + 1)]


def log_ticks(low: float, high: float, written: Callable[[float], str]) -> list[Tick]:
    """Choose round values of a logarithmic axis; the fewer to a decade the longer it is."""
    decades = math.log10(high / low)
    if decades < 0.35:
        return [tick for tick in linear_ticks(low, high, written, 5) if tick[0] > 0]
    of_decade = (1, 1.5, 2, 3, 5, 7) if decades < 1.2 else (1, 2, 5) if decades < 3 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [k * 10.0**power for power in powers for k in of_decade]
    return [(value, written(value)) for value in values if low <= value <= high]


def date_ticks(low: float, high: float, most: int = 8) -> list[Tick]:
    """Choose round dates between two instants, in seconds since 1970, at most ``most`` of them."""
    span = max(high - low, 1.0)
    for length, unit, counts, pattern in _STEPS:
        for count in counts:
            if span / (length * count) <= most:
                return _dates(low, high, f"{count}{unit}", pattern)
    return _dates(low, high, f"{math.ceil(span / _YEAR / most)}YS", "%Y")


def _dates(low: float, high: float, step: str, pattern: str) -> list[Tick]:
    first, last = (pd.Timestamp(value, unit="s") for value in (low, high))
    # From the first of a year, or of a month, so that equal pages have equal marks.
    start = first.replace(month=1, day=1) if step.endswith("S") else first.replace(day=1)
    if step.endswith("YS"):
        start = start.replace(year=first.year - first.year % int(step[:-2]))
    dates = pd.date_range(start.floor("D"), last, freq=step)
    return [(date.timestamp(), date.strftime(pattern)) for date in dates if date >= first]


def plain(value: float) -> str:
    """Write a value with as many digits as it needs."""
    return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")


def percent(value: float) -> str:
    """Write a fraction as per cent with as many digits as it needs."""
    return f"{100 * value:,.6g}%".replace("-", "\N{MINUS SIGN}")


def padded(values: np.ndarray, share: float = 0.04) -> tuple[float, float]:
    """Ends of an axis that leave some room around finite values; 0 to 1 where there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room
