"""What was found about a forecaster, as the rows of files."""

from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.types import Explanation
from cryptobt.jobs.explanation import DIGITS

IMPORTANCE = (
    "symbol", "name", "kind", "members", "delta_mse", "low", "high", "level", "rank", "share",
    "distinguishable",
)  # fmt: skip
LAGS = (
    "symbol", "lag_first", "lag_last", "delta_mse", "low", "high", "level", "share",
    "distinguishable",
)  # fmt: skip
ATTENTION = ("time", "symbol", "lag", "attention")
_SEPARATOR = ";"


def importance_frame(explained: dict[str, Any]) -> pd.DataFrame:
    """Rows of ``importance.csv`` of every symbol."""
    rows = [
        {**row, **_interval(row), "symbol": symbol, "members": _SEPARATOR.join(row["members"])}
        for symbol, document in explained.items()
        for row in document["importance"]
    ]
    return pd.DataFrame(rows)[list(IMPORTANCE)]


def lags_frame(explained: dict[str, Any]) -> pd.DataFrame:
    """Rows of ``lags.csv`` of every symbol."""
    rows = [
        {**row, **_interval(row), "symbol": symbol}
        for symbol, document in explained.items()
        for row in document["lags"]
    ]
    return pd.DataFrame(rows)[list(LAGS)]


def gates_frame(symbol: str, shown: Explanation | None) -> pd.DataFrame:
    """Rows of ``gates.csv``: a row for each forecast, a column for each feature."""
    if shown is None or not np.isfinite(shown.gates).any():
        return pd.DataFrame(columns=[TIME, "symbol"])
    gates = pd.DataFrame(shown.gates.astype(float).round(DIGITS), columns=[*shown.feature_names])
    gates.insert(0, "symbol", symbol)
    gates.insert(0, TIME, shown.times)
    return gates


def attention_frame(symbol: str, shown: Explanation | None) -> pd.DataFrame:
    """Rows of ``attention.csv``: one for each forecast and lag, mean of the heads."""
    if shown is None or not shown.attention.size:
        return pd.DataFrame(columns=list(ATTENTION))
    weights = shown.attention.mean(axis=1)[:, ::-1].astype(float)
    forecasts, window = weights.shape
    columns = {
        TIME: shown.times.repeat(window),
        "symbol": symbol,
        "lag": np.tile(np.arange(window), forecasts),
        "attention": weights.ravel().round(DIGITS),
    }
    return pd.DataFrame(columns)[list(ATTENTION)]


def _interval(row: dict[str, Any]) -> dict[str, Any]:
    metric = row["delta_mse"]
    return {
        "delta_mse": metric["value"],
        "low": metric["low"],
        "high": metric["high"],
        "level": metric["level"],
    }
