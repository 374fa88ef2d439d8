"""A number with its unit, its interval, and a reason where there is no number."""

import math
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """One printed number.

    Attributes
    ----------
    value : float or None
        None where it is not defined; ``reason`` says why.
    low, high : float or None
        Confidence interval, where there is one, at ``level``.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    level: float | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, float | str | None]:
        """Give the document that stands in ``metrics.json``."""
        return asdict(self)


def measured(value: float, unit: str, reason: str = "not defined here") -> Metric:
    """Wrap a number without interval; one that is not finite becomes None with the reason."""
    if not math.isfinite(value):
        return absent(unit, reason)
    return Metric(float(value), unit)


def absent(unit: str, reason: str) -> Metric:
    """A number that does not exist, and why."""
    return Metric(None, unit, reason=reason)


def with_interval(metric: Metric, draws: np.ndarray, level: float) -> Metric:
    """Add the percentile interval of bootstrap draws; draws without a value are left out."""
    finite = draws[np.isfinite(draws)]
    # Where the resampled number mostly does not exist, its percentiles mean nothing.
    if metric.value is None or len(finite) < 0.9 * len(draws):
        return metric
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Metric(metric.value, metric.unit, float(low), float(high), level)
