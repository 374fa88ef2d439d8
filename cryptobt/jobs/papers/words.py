"""Numbers in words, for paragraphs that are written from a run's own numbers."""

from collections.abc import Callable, Iterable
from typing import Any

ABSENT = ""


def amount(value: float | None, unit: str) -> str:
    """Write a price: ``$1,797`` or ``1,797 USDT``; empty where it is absent."""
    if value is None:
        return ABSENT
    text = f"{abs(value):,.0f}" if abs(value) >= 100 else f"{abs(value):,.4g}"
    sign = "−" if value < 0 and any(digit in text for digit in "123456789") else ""
    return f"{sign}${text}" if unit == "USD" else f"{sign}{text} {unit}"


def per_cent(value: float | None, digits: int = 1) -> str:
    """Write a share: 0.3953 is ``39.5 %``."""
    return ABSENT if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 4) -> str:
    """Write a number of no unit in so many significant digits."""
    return ABSENT if value is None else f"{value:.{digits}g}"


def share(part: float | None, whole: float | None) -> str:
    """Write one number as a share of another: ``24 %``."""
    return ABSENT if part is None or not whole else f"{100 * part / whole:.0f} %"


def times(one: float | None, other: float | None) -> str:
    """Write how often one number holds another: ``1.9 times``."""
    return ABSENT if one is None or not other else f"{one / other:.2f} times"


def of_seeds(value: float | None, ends: tuple[float, float] | None, unit: str) -> str:
    """Write a price that several seeds have: the median, the lowest and the highest."""
    if value is None or ends is None:
        return amount(value, unit)
    low, high = (amount(end, unit) for end in ends)
    return f"{amount(value, unit)} (median; {low} to {high} over the seeds)"


def worth(leaking: float | None, without: float | None, written: Callable[[float], str]) -> str:
    """Say what a leak was worth: how much larger the error is without it."""
    if leaking is None or without is None:
        return ABSENT
    both = f"{written(without)} without the leak and all else equal, {written(leaking)} with it"
    if without > leaking:
        return f"{both}: {written(without - leaking)} of seeming accuracy was the leak"
    return f"{both}: nothing was gained by it here"


def beside(value: float | None, low: float | None, high: float | None) -> str:
    """Say whether a number lies between two others."""
    if value is None or low is None or high is None:
        return ABSENT
    return "inside" if low <= value <= high else "outside"


def product(one: float | None, other: float | None) -> float | None:
    """Multiply two numbers that may be absent."""
    return None if one is None or other is None else one * other


def sentences(*templates: tuple[Any, ...]) -> list[str]:
    """Fill sentences with their numbers; one whose number is absent is left out.

    Parameters
    ----------
    templates : tuple
        A text with ``{}`` for each number, and the numbers.
    """
    return [text.format(*map(_plain, values)) for text, *values in templates if _whole(values)]


def _whole(values: Iterable[Any]) -> bool:
    return all(value is not None and value != ABSENT for value in values)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
