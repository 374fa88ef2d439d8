"""How far point forecasts were off, in prices and in log returns."""

import numpy as np

from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, absent, measured

PRICE = ("mae", "rmse", "mape", "r2", "skill")
RETURN = ("mae", "rmse", "r2", "skill")
LOG_RETURN = "log return"
TOO_FEW = "fewer than two forecasts with a known outcome"
_SHARES = ("mape", "r2", "skill")


def price_errors(
    last_close: np.ndarray, actual: np.ndarray, predicted: np.ndarray, unit: str
) -> dict[str, Metric | int]:
    """Measure forecasts of a price, beside the forecast that it stays where it is.

    R² of prices is near 1 for any forecast near the last close; ``skill`` is what to look at.

    Parameters
    ----------
    last_close : ndarray, shape (n,)
        Price when the forecast was made, in ``unit``: the forecast of persistence.
    actual, predicted : ndarray, shape (n,)
        Price at the target and its forecast, in ``unit``. A row with a NaN in any of the three is
        left out.
    unit : str
        Of the prices, such as ``USD``.

    Returns
    -------
    dict
        Metrics of :data:`PRICE`: MAE and RMSE in ``unit``; MAPE as a share of the actual price,
        0.02 for 2 %; R² about the mean; ``skill`` = 1 − MSE / MSE of persistence. ``n`` counts the
        pairs. A number that does not exist is None and says why.
    """
    before, actual, predicted = finite_rows(last_close, actual, predicted)
    if len(actual) < 2:
        return absent_errors(TOO_FEW, unit) | {"n": len(actual)}
    errors = actual - predicted
    measures = _errors(errors, actual, actual - before, unit)
    share = float(np.abs(errors / actual).mean()) if actual.all() else np.nan
    measures["mape"] = measured(share, "ratio", "a price was zero")
    return {name: measures[name] for name in PRICE} | {"n": len(actual)}


def return_errors(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Metric | int]:
    """Measure forecasts of a log return, beside the forecast of zero.

    Parameters
    ----------
    actual, predicted : ndarray, shape (n,)
        Log return over the horizon and its forecast. A row with a NaN in either is left out.

    Returns
    -------
    dict
        Metrics of :data:`RETURN`: MAE and RMSE in log return; R² about the mean; ``skill`` =
        1 − MSE / MSE of zero. ``n`` counts the pairs. A number that does not exist is None and
        says why.

    Source: ``skill`` is the R² out of sample of Campbell & Thompson (2008), against zero where
    they have the mean of the past.
    """
    moves, predicted = finite_rows(actual, predicted)
    if len(moves) < 2:
        return absent_errors(TOO_FEW, LOG_RETURN) | {"n": len(moves)}
    return {**_errors(moves - predicted, moves, moves, LOG_RETURN), "n": len(moves)}


def skill_draws(actual: np.ndarray, predicted: np.ndarray, resampler: Resampler) -> np.ndarray:
    """Skill of :func:`return_errors` in every draw of the times, for its interval.

    Parameters
    ----------
    actual, predicted : ndarray, shape (n,) or (n, k)
        Of n times and k symbols; all symbols of a time are drawn together. A pair with a NaN adds
        nothing, as if it had not been drawn.

    Returns
    -------
    ndarray, shape (draws,)
        NaN where nothing moved.
    """
    known = np.isfinite(actual) & np.isfinite(predicted)
    later = tuple(range(1, actual.ndim))
    ours = (np.where(known, actual - predicted, 0.0) ** 2).sum(axis=later)
    still = (np.where(known, actual, 0.0) ** 2).sum(axis=later)

    def redraw(rows: np.ndarray) -> np.ndarray:
        top, bottom = ours[rows].sum(axis=1), still[rows].sum(axis=1)
        share = np.divide(top, bottom, out=np.full(len(rows), np.nan), where=bottom > 0)
        return np.asarray(1 - share)

    return resampler.apply(redraw)


def absent_errors(reason: str, unit: str) -> dict[str, Metric | int]:
    """Errors of a forecaster that predicts a direction and no number.

    Parameters
    ----------
    unit : str
        :data:`LOG_RETURN` for the keys of :func:`return_errors`, otherwise a currency, for those
        of :func:`price_errors`.
    """
    names = RETURN if unit == LOG_RETURN else PRICE
    units = dict.fromkeys(names, unit) | {name: "ratio" for name in names if name in _SHARES}
    return {name: absent(units[name], reason) for name in names} | {"n": 0}


def finite_rows(*columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Keep the rows that are finite in every column, shape (n,) to (m,), m ≤ n."""
    known = np.logical_and.reduce([np.isfinite(column) for column in columns])
    return tuple(column[known] for column in columns)


def _errors(
    errors: np.ndarray, actual: np.ndarray, still_errors: np.ndarray, unit: str
) -> dict[str, Metric]:
    # The mean of equal numbers may miss them by a rounding error, and R² would divide by it.
    about_mean = actual - actual.mean() if np.ptp(actual) else np.zeros_like(actual)
    return {
        "mae": measured(float(np.abs(errors).mean()), unit),
        "rmse": measured(float((errors**2).mean()) ** 0.5, unit),
        "r2": _explained(errors, about_mean, "every outcome was the same"),
        "skill": _explained(errors, still_errors, "nothing moved"),
    }


def _explained(errors: np.ndarray, base_errors: np.ndarray, reason: str) -> Metric:
    """Share of the base's squared error that the forecast does away with."""
    ours, base = float((errors**2).mean()), float((base_errors**2).mean())
    return measured(1 - ours / base if base > 0 else np.nan, "ratio", reason)
