"""Windows made by hand, and the designs of forecasters that learn from them."""

from typing import Any

import numpy as np

from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import design_of, find_forecaster

from .small import small

T, F = 4, 3


def design(name: str, *assignments: str, **changes: Any) -> dict[str, Any]:
    """What shapes a fit of a forecaster on windows of T bars."""
    settings = small(f"forecaster.window_bars={T}", *assignments)
    return design_of(find_forecaster(name), settings, 1) | changes


def windows(count: int = 300, targets: int = 2, noise: float = 0.1, seed: int = 0) -> Windows:
    """Windows whose targets are linear in their last two rows; the closes are a random walk."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, F)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -3.0]
    log_close = np.log(100.0) + np.cumsum(random.normal(0, 0.02, count))
    ends = np.arange(T, count)
    z = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    truth = np.stack([z[ends, 0] - z[ends - 1, 1], z[ends, 2]], axis=1)[:, :targets]
    labels = truth + noise * random.normal(size=truth.shape)
    deviation = np.full(len(ends), 0.02)
    return Windows(rows, log_close, ends, T, truth, deviation, labels, np.arange(len(ends)))


def closes(*prices: float, length: int = 2, ends: tuple[int, ...] | None = None) -> Windows:
    """Windows over these closes, one ending at each bar that can end one, σ = 0.1."""
    log_close = np.log(np.array(prices))
    chosen = np.arange(length, len(prices)) if ends is None else np.array(ends)
    rows, count = np.zeros((len(prices), 1)), len(chosen)
    known = np.arange(2.0 * count).reshape(count, 2)
    return Windows(rows, log_close, chosen, length, known, np.full(count, 0.1), None, chosen)


def parts(whole: Windows, share: float = 0.8) -> tuple[Windows, Windows]:
    """The older windows, and the newer ones."""
    split = int(len(whole) * share)
    return whole.take(np.arange(split)), whole.take(np.arange(split, len(whole)))
