"""What was found about a forecaster, as numbers with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.core.types import Explanation
from cryptobt.forecasters.deletion import (
    FEATURE_CHOICES,
    LAG_CHOICES,
    SHARES,
    Choice,
    Deletion,
    deleted_count,
)
from cryptobt.forecasters.examine import Findings
from cryptobt.forecasters.predictions import quote_unit
from cryptobt.metrics.bootstrap import MIN_ROWS, Resampler, make_resampler
from cryptobt.metrics.metric import Metric, measured, with_interval

JUDGED = 0.2
"""Share of the bars, or features, whose deletion decides whether weights are believed."""
DIGITS = 6
"""Decimals of gates and attention."""
_FEW = f"fewer than {MIN_ROWS} forecasts with a known outcome: an interval would mean nothing"


@dataclass(frozen=True)
class Examined:
    """One symbol's forecaster, examined.

    Attributes
    ----------
    times : DatetimeIndex
        Last bar of each examined window.
    names : tuple of str
        Of the features.
    sets : tuple of tuple of int
        Features that were moved together: each alone, in order, and then groups of several.
    clusters : tuple of tuple of int
        All groups, those of one feature too.
    lags : tuple of tuple of int
        Bars that were replaced together, by their age.
    shown : Explanation or None
        Gates and attention over time.
    about : dict
        ``folds``, ``seeds`` and ``overlapping_folds``.
    unit : str
        Of answers and targets, see :func:`target_unit`.
    """

    symbol: str
    times: pd.DatetimeIndex
    names: tuple[str, ...]
    sets: tuple[tuple[int, ...], ...]
    clusters: tuple[tuple[int, ...], ...]
    lags: tuple[tuple[int, ...], ...]
    findings: Findings
    shown: Explanation | None
    about: dict[str, int]
    unit: str
    settings: Settings

    def document(self) -> dict[str, Any]:
        """Give everything that was found; what is absent is None, with a ``reason``."""
        found, window = self.findings, self.settings.forecaster.window_bars
        resampler = self._resampler()
        variance = float(found.labels.var(axis=0).mean())
        return {
            "first": iso(self.times[0]),
            "last": iso(self.times[-1]),
            "windows": len(self.times),
            **self.about,
            "mse": self._mean(found.errors[:, None], self._squared, resampler)[0].to_json(),
            "target_variance": measured(variance, self._squared).to_json(),
            "importance": self._importance(resampler),
            "lags": self._lags(resampler),
            "gates": self._gates(),
            "attention": self._attention(),
            "deletion": {
                "attention": self._deletion(found.attention, LAG_CHOICES, window, resampler),
                "gates": self._deletion(found.gates, FEATURE_CHOICES, len(self.names), resampler),
            },
        }

    @property
    def _squared(self) -> str:
        return f"({self.unit})²"

    def _resampler(self) -> Resampler | None:
        metrics = self.settings.metrics
        alone = self.findings.features[:, : len(self.names)]
        return make_resampler(alone, metrics.bootstrap_draws, metrics.bootstrap_seed)

    def _mean(self, series: np.ndarray, unit: str, resampler: Resampler | None) -> list[Metric]:
        """Mean over the windows of each column, shape (n, k), with its interval."""
        means = [measured(float(column.mean()), unit) for column in series.T]
        if resampler is None:
            return means
        # On one thread: the last bits of a matrix product depend on how many share it.
        with threadpool_limits(1):
            draws = resampler.apply(lambda rows: _counts(rows, len(series)) @ series / len(series))
        level = self.settings.metrics.confidence
        return [with_interval(*pair, level) for pair in zip(means, draws.T, strict=True)]

    def _importance(self, resampler: Resampler | None) -> list[dict[str, Any]]:
        """Rows of the features, and of the groups of several, each from the largest loss down."""
        metrics = self._mean(self.findings.features, self._squared, resampler)
        by_set = dict(zip(self.sets, metrics, strict=True))
        clusters = [by_set[cluster] for cluster in self.clusters]
        rows = []
        for columns, metric in by_set.items():
            kind = "group" if len(columns) > 1 else "feature"
            peers = clusters if kind == "group" else metrics[: len(self.names)]
            rows.append(
                {
                    "name": f"group of {self.names[columns[0]]}"
                    if kind == "group"
                    else self.names[columns[0]],
                    "kind": kind,
                    "members": [self.names[column] for column in columns],
                    "rank": 1 + sum(_value(peer) > _value(metric) for peer in peers),
                    **self._judged(metric),
                }
            )
        return sorted(rows, key=lambda row: (row["kind"], row["rank"]))

    def _lags(self, resampler: Resampler | None) -> list[dict[str, Any]]:
        metrics = self._mean(self.findings.lags, self._squared, resampler)
        return [
            {"lag_first": ages[0], "lag_last": ages[-1], **self._judged(metric)}
            for ages, metric in zip(self.lags, metrics, strict=True)
        ]

    def _judged(self, metric: Metric) -> dict[str, Any]:
        whole = float(self.findings.errors.mean())
        return {
            "delta_mse": metric.to_json(),
            "share": _value(metric) / whole if whole > 0 else None,
            "distinguishable": _apart_from_zero(metric),
        }

    def _gates(self) -> dict[str, Any]:
        if self.shown is None or not np.isfinite(self.shown.gates).any():
            return {"reason": "this forecaster has no feature gates", "features": []}
        gates = self.shown.gates
        low, high = np.quantile(gates, [0.05, 0.95], axis=0)
        columns = zip(self.names, gates.mean(axis=0), low, high, strict=True)
        rows = [
            {"name": name, "mean": _rounded(mean), "q05": _rounded(q05), "q95": _rounded(q95)}
            for name, mean, q05, q95 in columns
        ]
        return {"reason": None, "features": rows}

    def _attention(self) -> dict[str, Any]:
        if self.shown is None or not self.shown.attention.size:
            return {"reason": "this forecaster has no attention over time", "lags": []}
        means = self.shown.attention.mean(axis=(0, 1))[::-1]
        rows = [{"lag": lag, "mean": _rounded(mean)} for lag, mean in enumerate(means)]
        return {"reason": None, "lags": rows}

    def _deletion(
        self,
        found: Deletion | None,
        choices: tuple[Choice, ...],
        of: int,
        resampler: Resampler | None,
    ) -> dict[str, Any]:
        if found is None:
            return {"reason": "nothing to delete by", "believed": None, "tests": []}
        tests = [
            {
                "share": share,
                "count": deleted_count(share, of),
                "of": of,
                "change": self._columns(found.changes[:, s], choices, self.unit, resampler),
                "delta_mse": self._columns(found.losses[:, s], choices, self._squared, resampler),
                "change_most_minus": self._against(found.changes[:, s], choices, resampler),
            }
            for s, share in enumerate(SHARES)
        ]
        changes = found.changes[:, SHARES.index(JUDGED), :2]
        (more,) = self._mean(changes[:, :1] - changes[:, 1:], self.unit, resampler)
        believed = None if more.low is None else more.low > 0
        reason = _FEW if believed is None else None
        return {"reason": reason, "believed": believed, "judged_share": JUDGED, "tests": tests}

    def _columns(
        self,
        series: np.ndarray,
        choices: Sequence[Choice],
        unit: str,
        resampler: Resampler | None,
    ) -> dict[str, Any]:
        metrics = self._mean(series, unit, resampler)
        return {choice: metric.to_json() for choice, metric in zip(choices, metrics, strict=True)}

    def _against(
        self, changes: np.ndarray, choices: Sequence[Choice], resampler: Resampler | None
    ) -> dict[str, Any]:
        """How much more the answers change without the most weighted than without the others."""
        return self._columns(changes[:, :1] - changes[:, 1:], choices[1:], self.unit, resampler)


def target_unit(settings: Settings, symbol: str, *, calls: bool) -> str:
    """Name what answers are counted in: calls from −1 to 1, or the target's own unit."""
    if calls:
        return "call, -1 to 1"
    price = quote_unit(symbol)
    return {"trend": "trend/σ", "next_return": "return/σ"}.get(settings.forecaster.target, price)


def _value(metric: Metric) -> float:
    assert metric.value is not None, "a mean of finite numbers"
    return metric.value


def _apart_from_zero(metric: Metric) -> bool | None:
    """Whether the interval leaves 0 out; None where there is no interval."""
    if metric.low is None or metric.high is None:
        return None
    return metric.low > 0 or metric.high < 0


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def _counts(rows: np.ndarray, size: int) -> np.ndarray:
    """How often each draw has each row, shape (d, size)."""
    draws = np.arange(len(rows))[:, None] * size
    return np.bincount((rows + draws).ravel(), minlength=len(rows) * size).reshape(-1, size)
