"""Calibration: whether what is said to have a probability comes as often as that."""

import numpy as np

from cryptobt.metrics.accuracy import LOG_RETURN, TOO_FEW, finite_rows
from cryptobt.metrics.metric import Metric, absent, measured

BINS = 10
QUANTILES = (0.05, 0.5, 0.95)


def reliability(
    p_up: np.ndarray, realised: np.ndarray, bins: int = BINS, level: float = 0.95
) -> list[dict[str, float | int]]:
    """Compare probabilities of up with the share that went up, bin by bin.

    Parameters
    ----------
    p_up : ndarray, shape (n,)
        Probability that the return is above 0, in 0..1; a row with a NaN is left out.
    realised : ndarray, shape (n,)
        Return; above 0 is up, 0 counts as down; a row with a NaN is left out.
    bins : int
        Of equal width over 0..1; each holds its lower end, the last one also 1.
    level : float
        Of the intervals.

    Returns
    -------
    list of dict
        For each bin that holds a forecast, from low to high: its ends ``low`` and ``high``, the
        forecasts ``n``, their mean ``said``, the share ``came`` that went up, and the interval of
        that share, ``came_low`` to ``came_high``. Empty without a pair.

    Source: the interval is that of Clopper & Pearson (1934), which holds at least ``level`` for
    independent outcomes; forecasts whose targets overlap, or of symbols that move together, know
    less than it says.
    """
    from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
        proportion_confint,
    )

    p_up, realised = finite_rows(p_up, realised)
    # Division makes the ends that are meant: a multiple of the width may miss 0.3 by rounding.
    ends = np.arange(bins + 1) / bins
    number = np.digitize(p_up, ends[1:-1])
    table: list[dict[str, float | int]] = []
    for place in np.unique(number):
        here = number == place
        n, ups = int(here.sum()), int((realised[here] > 0).sum())
        low, high = proportion_confint(ups, n, alpha=1 - level, method="beta")
        row: dict[str, float | int] = {"low": float(ends[place]), "high": float(ends[place + 1])}
        row |= {"n": n, "said": float(p_up[here].mean()), "came": ups / n}
        table.append(row | {"came_low": float(low), "came_high": float(high)})
    return table


def crps_from_quantiles(
    q05: np.ndarray, q50: np.ndarray, q95: np.ndarray, realised: np.ndarray
) -> Metric:
    """Twice the mean pinball loss of three quantiles: the ranked probability score, roughly.

    The continuous ranked probability score is twice the pinball loss averaged over all
    probabilities; three of them, weighed alike, are a coarse average. It ranks forecasters that
    give these quantiles and is not to be compared with scores of whole distributions. For a
    forecast without spread it is the mean absolute error, as the exact score is.

    Parameters
    ----------
    q05, q50, q95 : ndarray, shape (n,)
        Forecast quantiles of the log return; a row with a NaN in any is left out.
    realised : ndarray, shape (n,)
        Log return; a row with a NaN is left out.

    Returns
    -------
    Metric
        In log return, smaller is better; None with fewer than two rows.

    Source: Gneiting & Raftery (2007); the integral over quantiles is that of Laio & Tamea (2007).
    """
    from sklearn.metrics import mean_pinball_loss

    *quantiles, realised = finite_rows(q05, q50, q95, realised)
    if len(realised) < 2:
        return absent(LOG_RETURN, TOO_FEW)
    losses = [
        mean_pinball_loss(realised, q, alpha=tau)
        for q, tau in zip(quantiles, QUANTILES, strict=True)
    ]
    return measured(2 * float(np.mean(losses)), LOG_RETURN)
