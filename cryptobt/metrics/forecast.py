"""How far forecasts were off, against the forecast that nothing happens."""

import numpy as np
import pandas as pd

from cryptobt.metrics.accuracy import RETURN, return_errors
from cryptobt.metrics.metric import Metric, absent, measured

NAMES = ("mae", "rmse", "r2", "skill", "interval_coverage", "seed_correlation")


def forecast_errors(
    forecasts: pd.DataFrame, realised: pd.Series, members: int
) -> dict[str, Metric]:
    """Measure a forecaster's log returns against those that came.

    Parameters
    ----------
    forecasts : DataFrame
        One forecaster's rows, indexed by ``time``.
    realised : Series
        Log return over the horizon, by the ``time`` of the last bar used; NaN where unknown.
    members : int
        Networks in the ensemble.

    Returns
    -------
    dict
        MAE, RMSE in log return; R² about the mean; ``skill`` = 1 − MSE / MSE of "no change";
        share of outcomes inside q05..q95; mean correlation between members of the ensemble.
    """
    outcome = realised.reindex(forecasts.index)
    known = forecasts["mean"].notna() & outcome.notna()
    result = _errors(forecasts["mean"][known].to_numpy(), outcome[known].to_numpy())
    inside = (outcome >= forecasts["q05"]) & (outcome <= forecasts["q95"])
    share = float(inside[known].mean()) if known.any() else np.nan
    result["interval_coverage"] = measured(share, "ratio", "no calibrated forecast")
    result["seed_correlation"] = seed_correlation(forecasts, members)
    return result


def no_forecast(reason: str) -> dict[str, Metric]:
    """Errors of a run that forecasts nothing."""
    return {name: absent(_UNITS[name], reason) for name in NAMES}


def seed_correlation(forecasts: pd.DataFrame, members: int) -> Metric:
    """Intraclass correlation of the ensemble's members, from their spread at each bar.

    ``1 − E[s²] / (Var(mean) + (k−1)/k·E[s²])`` with s the members' deviation (ddof 1): 1 when
    every seed says the same, 0 when they share nothing.
    """
    if members < 2 or forecasts["seed_spread"].isna().all():
        return absent("correlation", "one seed, or nothing random")
    within = float((forecasts["seed_spread"] ** 2).mean())
    total = float(forecasts["score"].var(ddof=0)) + (members - 1) / members * within
    value = 1 - within / total if total > 0 else np.nan
    return measured(value, "correlation", "the score does not vary")


_UNITS = dict.fromkeys(NAMES, "ratio") | {
    "mae": "log return",
    "rmse": "log return",
    "seed_correlation": "correlation",
}


def _errors(mean: np.ndarray, outcome: np.ndarray) -> dict[str, Metric]:
    if len(mean) < 2:
        reason = "fewer than two calibrated forecasts with a known outcome"
        return {name: absent(_UNITS[name], reason) for name in RETURN}
    errors = return_errors(outcome, mean)
    return {name: metric for name, metric in errors.items() if isinstance(metric, Metric)}
