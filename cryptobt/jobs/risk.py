"""From an account and its forecasts to the risk of ``metrics.json``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.time import iso
from cryptobt.core.types import BacktestResult
from cryptobt.metrics.accuracy import LOG_RETURN
from cryptobt.metrics.drawdowns import (
    Calendar,
    Drawdown,
    drawdowns,
    extreme_periods,
    longest_under_water,
    time_under_water,
)
from cryptobt.metrics.metric import Metric, measured
from cryptobt.metrics.tail_risk import (
    coverage,
    expected_shortfall,
    no_coverage,
    tail_ratio,
    trailing_quantile,
    value_at_risk,
)

TAU = 0.05
TRAILING_BARS = 250
_TAILS = {"95": 0.05, "99": 0.01}


def risk_document(
    result: BacktestResult,
    forecasts: pd.DataFrame | None,
    realised: pd.Series,
    interval: pd.Timedelta,
    level: float,
) -> dict[str, Any]:
    """Build ``risk`` of ``metrics.json``: what the account risked, and whether that was foreseen.

    Parameters
    ----------
    forecasts : DataFrame or None
        The rows of the strategy's forecaster, indexed by symbol and time, one horizon; None where
        it has none.
    realised : Series
        Log return over that horizon, indexed alike, by the last bar used; NaN where unknown.
    interval : Timedelta
        Of the bars.
    level : float
        Of the intervals.
    """
    returns = result.returns.iloc[1:]
    equity = result.equity.set_index(TIME)["equity_quote"]
    return {
        "realised": _realised(returns.to_numpy()),
        "quantile": _plain(_forecast(forecasts, realised, interval, level)),
        "trailing": _plain(_trailing(returns, interval, level)),
        "drawdowns": [_fall(fall) for fall in drawdowns(equity)],
        **_calendar(returns, interval),
        "tail_ratio": tail_ratio(returns.to_numpy()).to_json(),
        "time_under_water": time_under_water(equity).to_json(),
        "longest_under_water_bars": longest_under_water(equity).to_json(),
        "invested": _invested(result).to_json(),
    }


def _realised(returns: np.ndarray) -> dict[str, Any]:
    measures = {"var": value_at_risk, "es": expected_shortfall}
    return {
        f"{name}_{share}": measure(returns, tau).to_json()
        for share, tau in _TAILS.items()
        for name, measure in measures.items()
    }


def _forecast(
    forecasts: pd.DataFrame | None, realised: pd.Series, interval: pd.Timedelta, level: float
) -> dict[str, Any]:
    """Coverage of the forecaster's 5 % quantile, all symbols together."""
    if forecasts is None or forecasts.empty:
        return no_coverage("no forecast of a quantile", LOG_RETURN)
    horizon = int(forecasts["horizon_bars"].iloc[0])
    known = forecasts["q05"].notna() & realised.reindex(forecasts.index).notna()
    apart = _apart(forecasts[known], horizon, interval)
    outcomes = realised.reindex(apart.index).to_numpy(float)
    quantiles = apart["q05"].to_numpy(float)
    follows = _successive(apart.index, horizon * interval)
    return coverage(outcomes, quantiles, TAU, follows, level, LOG_RETURN)


def _apart(forecasts: pd.DataFrame, horizon: int, interval: pd.Timedelta) -> pd.DataFrame:
    """Keep forecasts whose outcomes share no bar: hits of others would follow each other.

    Of each symbol the bars that are whole multiples of the horizon after its first one, so that a
    gap moves none of them.
    """
    times = forecasts.index.get_level_values(1)
    first = times.to_series().groupby(forecasts.index.get_level_values(0)).transform("min")
    bars = np.asarray((times - pd.DatetimeIndex(first)) // interval)
    return forecasts[bars % horizon == 0]


def _successive(index: pd.Index, step: pd.Timedelta) -> np.ndarray:
    """Whether each row is of the same symbol as the row before, and one step later."""
    symbols, times = index.get_level_values(0), index.get_level_values(1)
    follows = np.zeros(len(index), dtype=bool)
    follows[1:] = (symbols[1:] == symbols[:-1]) & (times[1:] - times[:-1] == step)
    return follows


def _trailing(returns: pd.Series, interval: pd.Timedelta, level: float) -> dict[str, Any]:
    """Coverage of the quantile of the account's own newest returns, held against the next."""
    values, times = returns.to_numpy(), pd.DatetimeIndex(returns.index)
    if len(values) <= TRAILING_BARS:
        return no_coverage(f"no more than {TRAILING_BARS} bars after the first decision", "ratio")
    quantiles = trailing_quantile(values, TRAILING_BARS, TAU)[:-1]
    follows = np.asarray(times[1:] - times[:-1] == interval)
    return coverage(values[1:], quantiles, TAU, follows, level, "ratio")


def _calendar(returns: pd.Series, interval: pd.Timedelta) -> dict[str, Any]:
    worst_day, best_day = extreme_periods(returns, interval, "day")
    worst_month, best_month = extreme_periods(returns, interval, "month")
    found = {
        "worst_day": worst_day,
        "best_day": best_day,
        "worst_month": worst_month,
        "best_month": best_month,
    }
    return {name: _period(period) for name, period in found.items()}


def _invested(result: BacktestResult) -> Metric:
    """Share of the bars after the first decision at whose close something was held."""
    held = result.equity["gross_weight"].to_numpy()[1:]
    share = (held > 0).mean() if len(held) else np.nan
    return measured(share, "ratio", "no bar after the first decision")


def _fall(fall: Drawdown) -> dict[str, Any]:
    return {
        "start": iso(fall.start),
        "bottom": iso(fall.bottom),
        "recovered": None if fall.recovered is None else iso(fall.recovered),
        "depth": fall.depth,
        "bars": fall.bars,
        "bars_down": fall.bars_down,
    }


def _period(period: Calendar) -> dict[str, Any]:
    return {"value": period.value.to_json(), "at": period.at}


def _plain(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Coverage as it stands in the document: tests are one level deeper."""
    return {
        name: _plain(value)
        if isinstance(value, dict)
        else value.to_json()
        if isinstance(value, Metric)
        else value
        for name, value in measures.items()
    }
