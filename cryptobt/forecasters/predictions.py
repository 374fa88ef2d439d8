"""Forecasts beside what came: predicted and actual price of every forecast with an outcome."""

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.types import MarketData
from cryptobt.forecasters.answers import Answers
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.forecasters.table import ForecastTable, realised


def predictions(
    market: MarketData, spec: ForecasterSpec, answers: Answers, table: ForecastTable
) -> pd.DataFrame:
    """Set a forecaster's predictions beside the prices that came.

    What is predicted is the return that the forecaster itself answers; where its target is none (a
    direction, or the smoothed trend), the calibrated ``mean``, NaN until there is one. A rule that
    calls directions predicts nothing.

    Causality: ``actual`` and what is made of it are known ``horizon_bars`` after ``time``; the
    other columns at the close of ``time``.

    Returns
    -------
    DataFrame
        The columns of ``predictions.csv`` and, beside them, ``actual_return`` and
        ``predicted_return`` (log), ``call`` (positive for up, 0 for none), ``p_up``, ``q05``,
        ``q50``, ``q95``, ``fold``; sorted by time and horizon. Rows without an outcome yet, or
        with a gap before it, have a NaN ``actual``.
    """
    frame = table.rows(spec.name, spec, answers.z).sort_values(
        ["time", "horizon_bars"], ignore_index=True
    )
    places = market.times.get_indexer(pd.DatetimeIndex(frame["time"]))
    horizons = [outcomes.horizon for outcomes in table.outcomes]
    column = np.searchsorted(horizons, frame["horizon_bars"].to_numpy())
    own = answers.returns[np.searchsorted(answers.rows, places), column]
    predicted = np.where(np.isfinite(own), own, frame["mean"].to_numpy())
    if spec.answers == "direction":
        # Calibration makes a return of any call, and may turn it round; what it called stays.
        predicted = np.full(len(frame), np.nan)
    actual = _log_returns(market, horizons)[places, column]
    last = market.bars[CLOSE].to_numpy()[places]
    call = np.where(np.isfinite(predicted), predicted, frame["score"].to_numpy())
    error = last * (np.exp(predicted) - np.exp(actual))
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("time", "symbol", "model_id", "horizon_bars")},
            "last_close": last,
            "actual": last * np.exp(actual),
            "predicted": last * np.exp(predicted),
            "error": error,
            "pct_error": error / (last * np.exp(actual)),
            "unit": quote_unit(market.symbol),
            "forecaster": spec.name,
            "actual_return": actual,
            "predicted_return": predicted,
            "call": call,
            **{name: frame[name] for name in ("p_up", "q05", "q50", "q95", "fold")},
        }
    )


def quote_unit(symbol: str) -> str:
    """Name what a symbol is quoted in: what stands behind ``-`` or ``/``, else ``quote``."""
    _, _, quote = symbol.replace("/", "-").rpartition("-")
    return quote if quote != symbol and quote.isalpha() else "quote"


def _log_returns(market: MarketData, horizons: list[int]) -> np.ndarray:
    """Log return over each horizon from each bar on, (n, horizons); NaN unknown or over a gap."""
    known = [realised(market, horizon) for horizon in horizons]
    return np.column_stack([one.outcome * one.deviation for one in known])
