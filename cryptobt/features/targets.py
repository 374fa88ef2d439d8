"""What a forecaster is trained to see, and the part of it that is known beforehand."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.features.volatility import ewma_volatility

Heads = Sequence[tuple[int, int]]
CLIP = 4.0


def trend_target(bars: pd.DataFrame, heads: Heads) -> np.ndarray:
    """Smoothed trend: mean of the next k log closes against the mean of the last m.

    Head (k, m) at bar t is ``(mean log close[t+1..t+k] − mean log close[t−m+1..t])`` over
    ``σ_t·sqrt((k+m)/2)``, clipped at ±4.

    Causality: this is a label; row t is known at the close of bar t+max(k), and NaN before.

    Returns
    -------
    ndarray, shape (n, heads)
        Unitless; NaN in the first m−1 and the last k rows.
    """
    log_close = np.log(bars[CLOSE])
    ahead = [log_close.rolling(k).mean().shift(-k) for k, _ in heads]
    return _against_past(bars, ahead, heads)


def known_trend(bars: pd.DataFrame, heads: Heads) -> np.ndarray:
    """Compute the part of :func:`trend_target` known at bar t: the close in place of the future.

    Causality: row t uses bars up to t. It is the naive forecast of the target, and the row that
    a network trained on the target has to beat.
    """
    now = np.log(bars[CLOSE])
    return _against_past(bars, [now] * len(heads), heads)


def next_return_target(bars: pd.DataFrame, horizons: Sequence[int]) -> np.ndarray:
    """Log return over the next h bars, over ``σ_t·sqrt(h)``, clipped at ±4; a column for each h.

    Causality: this is a label; row t is known at the close of bar t+h, NaN before.

    Returns
    -------
    ndarray, shape (n, horizons)
        Unitless.
    """
    log_close, volatility = np.log(bars[CLOSE]), ewma_volatility(bars)
    columns = [
        ((log_close.shift(-h) - log_close) / (volatility * np.sqrt(h))).clip(-CLIP, CLIP)
        for h in horizons
    ]
    return np.column_stack(columns)


def direction_target(bars: pd.DataFrame, horizons: Sequence[int]) -> np.ndarray:
    """1 where the close h bars on is higher, −1 where it is not; a column for each h.

    Causality: this is a label; row t is known at the close of bar t+h, NaN before.

    Returns
    -------
    ndarray, shape (n, horizons)
    """
    close = bars[CLOSE]
    columns = [
        pd.Series(np.where(close.shift(-h) > close, 1.0, -1.0), close.index).where(
            close.shift(-h).notna()
        )
        for h in horizons
    ]
    return np.column_stack(columns)


def close_target(bars: pd.DataFrame, horizons: Sequence[int]) -> np.ndarray:
    """Close h bars on, in quote; a column for each h. The forecaster scales it as its inputs.

    Causality: this is a label; row t is known at the close of bar t+h, NaN before.

    Returns
    -------
    ndarray, shape (n, horizons)
    """
    return np.column_stack([bars[CLOSE].shift(-h) for h in horizons])


def _against_past(bars: pd.DataFrame, ahead: list[pd.Series], heads: Heads) -> np.ndarray:
    log_close = np.log(bars[CLOSE])
    volatility = ewma_volatility(bars)
    columns = [
        (future - log_close.rolling(m).mean()) / (volatility * np.sqrt((k + m) / 2))
        for future, (k, m) in zip(ahead, heads, strict=True)
    ]
    return pd.concat(columns, axis=1).clip(-CLIP, CLIP).to_numpy()
