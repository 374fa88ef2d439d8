"""The features' formulas once more, one bar at a time in plain Python: slow and independent."""

import math
from collections.abc import Sequence

import pandas as pd


def weights(count: int, alpha: float) -> list[float]:
    """Weight of each of ``count`` values, the newest last with weight 1."""
    return [(1 - alpha) ** (count - 1 - i) for i in range(count)]


def smooth(values: Sequence[float], alpha: float) -> float:
    """Exponentially weighted mean of all values, newest last."""
    w = weights(len(values), alpha)
    return sum(a * x for a, x in zip(w, values, strict=True)) / sum(w)


def spread(values: Sequence[float], alpha: float) -> float:
    """Exponentially weighted deviation, unbiased for these weights."""
    w = weights(len(values), alpha)
    mean = smooth(values, alpha)
    biased = sum(a * (x - mean) ** 2 for a, x in zip(w, values, strict=True)) / sum(w)
    return math.sqrt(biased * sum(w) ** 2 / (sum(w) ** 2 - sum(a * a for a in w)))


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    centre = mean(values)
    return math.sqrt(math.fsum((x - centre) ** 2 for x in values) / (len(values) - 1))


def of_span(span: int) -> float:
    """Weight of the newest value for a span."""
    return 2 / (span + 1)


class Bars:
    """Bars up to one of them, and every feature of that bar."""

    def __init__(self, frame: pd.DataFrame, row: int) -> None:
        seen = frame.iloc[: row + 1]
        self.open, self.high, self.low, self.close, self.volume = (
            [float(x) for x in seen[name]] for name in ("open", "high", "low", "close", "volume")
        )
        self.logs = [math.log(x) for x in self.close]
        self.returns = [b - a for a, b in zip(self.logs, self.logs[1:], strict=False)]
        self.changes = [b - a for a, b in zip(self.close, self.close[1:], strict=False)]

    def sigma(self, back: int = 0) -> float:
        """Deviation of log returns as it was ``back`` bars ago: span 30, at least 0.005."""
        returns = self.returns[: len(self.returns) - back]
        return max(0.005, spread(returns, of_span(30)))

    def momentum(self, span: int) -> float:
        return (self.logs[-1] - self.logs[-1 - span]) / (self.sigma() * math.sqrt(span))

    def mean_distance(self, span: int) -> float:
        distance = self.logs[-1] - math.log(mean(self.close[-span:]))
        return distance / (self.sigma() * math.sqrt(span))

    def rsi(self) -> float:
        gains = smooth([max(x, 0.0) for x in self.changes], 1 / 14)
        losses = smooth([max(-x, 0.0) for x in self.changes], 1 / 14)
        return 0.5 - 1 / (1 + gains / losses)

    def macd_histogram(self) -> float:
        lines = [
            smooth(self.close[: n + 1], of_span(12)) - smooth(self.close[: n + 1], of_span(26))
            for n in range(25, len(self.close))
        ]
        return (lines[-1] - smooth(lines, of_span(9))) / (self.close[-1] * self.sigma())

    def volatility_ratio(self) -> float:
        return math.log(spread(self.returns, of_span(10)) / spread(self.returns, of_span(100)))

    def volatility_z(self) -> float:
        year = [math.log(self.sigma(back)) for back in range(365)]
        return (year[0] - mean(year)) / deviation(year)

    def volume_z(self) -> float:
        return log_z(self.volume)

    def range(self) -> float:
        return math.log(self.high[-1] / self.low[-1]) / self.sigma()

    def close_place(self) -> float:
        return (self.close[-1] - self.low[-1]) / (self.high[-1] - self.low[-1]) - 0.5

    def high_distance(self) -> float:
        return math.log(self.close[-1] / max(self.high[-90:])) / (10 * self.sigma())

    def features(self) -> dict[str, float]:
        """All seventeen."""
        return {
            "return_1": self.returns[-1] / self.sigma(),
            **{f"momentum_{h}": self.momentum(h) for h in (5, 10, 20, 60, 120)},
            **{f"mean_distance_{h}": self.mean_distance(h) for h in (20, 50, 100)},
            "rsi_14": self.rsi(),
            "macd_histogram": self.macd_histogram(),
            "volatility_ratio": self.volatility_ratio(),
            "volatility_z": self.volatility_z(),
            "volume_z": self.volume_z(),
            "range": self.range(),
            "close_place": self.close_place(),
            "high_distance_90": self.high_distance(),
        }


def log_z(values: Sequence[float]) -> float:
    """Z-score of the log: mean of 30 bars, deviation of 60; one is added so that 0 has a log."""
    logs = [math.log(1 + x) for x in values]
    return (logs[-1] - mean(logs[-30:])) / deviation(logs[-60:])


def log_growth(values: Sequence[float]) -> float:
    """Mean of the log over a week against a quarter."""
    logs = [math.log(1 + x) for x in values]
    return mean(logs[-7:]) - mean(logs[-90:])
