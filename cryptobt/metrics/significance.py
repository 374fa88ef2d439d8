"""Is a forecast better than nothing, or was it luck? Tests and scores that tell."""

import numpy as np

from cryptobt.metrics.accuracy import LOG_RETURN, TOO_FEW, finite_rows
from cryptobt.metrics.metric import Metric, absent, measured

NAMES = ("statistic", "p_value")
_UNITS = {"statistic": "standard errors", "p_value": "probability"}
# Losses that differ by less than this share of themselves differ by rounding.
_ROUNDING = 1e-12


def pesaran_timmermann(calls: np.ndarray, realised: np.ndarray) -> dict[str, Metric]:
    """Test whether calls of direction are right more often than independent calls would be.

    It takes calls at successive times as independent, so that calls over a horizon of several
    bars, which overlap, look surer than they are.

    Parameters
    ----------
    calls : ndarray, shape (n,)
        Positive for up, negative for down; 0 or NaN is an abstention and left out.
    realised : ndarray, shape (n,)
        Return of the bar called; above 0 is up, 0 counts as down; NaN where it is not known, which
        leaves the call out.

    Returns
    -------
    dict
        ``statistic``, standard normal where calls and outcomes are independent, positive where
        calls are better; ``p_value``, one-sided. Both None, with the reason, where every call or
        every outcome was the same.

    Source: Pesaran & Timmermann (1992), S_n = (P − P*) / √(V(P) − V(P*)), as in statsmodels, which
    leaves the term of order n⁻² out of V(P*): the statistic is √n times Matthews' correlation,
    that of the paper is larger by the factor √(n/(n−1)).
    """
    from statsmodels.stats import diagnostic  # type: ignore[import-untyped]

    called, truth = finite_rows(np.where(calls == 0, np.nan, calls), realised)
    if len(called) < 2:
        return _untested("fewer than two calls with a known outcome")
    if _constant(called > 0):
        return _untested("every call was the same")
    if _constant(truth > 0):
        return _untested("every bar went the same way")
    test = diagnostic.pesaran_timmermann(truth, called, alternative="larger")
    return _tested(test.statistic, test.pvalue)


def diebold_mariano(errors: np.ndarray, base_errors: np.ndarray, horizon: int) -> dict[str, Metric]:
    """Test whether squared errors are smaller, or larger, than those of a base forecast.

    Parameters
    ----------
    errors, base_errors : ndarray, shape (n,)
        Outcome minus forecast, of ours and of the base such as persistence, in any one unit; a row
        with a NaN in either is left out, and those that stay count as successive.
    horizon : int
        Bars between a forecast and its target (h), at least 1.

    Returns
    -------
    dict
        ``statistic``, positive where ours is better, negative where the base is; ``p_value``,
        two-sided, from Student's t with n − 1 degrees of freedom. Both None, with the reason, where
        both make the same errors, where the losses differ by the same amount at all times, and
        with no more than h pairs.

    Source: Diebold & Mariano (1995), times √((n + 1 − 2h + h(h−1)/n)/n) of Harvey, Leybourne &
    Newbold (1997). The variance has h − 1 lags with Newey & West's (1987) weights, where the
    papers weigh every lag alike: it is never negative, and too small for h > 1 where losses
    resemble those just before them.
    """
    from statsmodels.tsa.stattools import diebold_mariano_test  # type: ignore[import-untyped]

    errors, base_errors = finite_rows(errors, base_errors)
    if reason := _too_short(len(errors), horizon):
        return _untested(reason)
    gain = base_errors**2 - errors**2
    rounding = _ROUNDING * max((base_errors**2).max(), (errors**2).max())
    if np.abs(gain).max() <= rounding:
        return _untested("its squared errors are those of the forecast that it is compared with")
    if np.ptp(gain) <= rounding:
        return _untested("the losses differ by the same amount at all times")
    # A forecast of e for an outcome of 0 has the loss of an error of e. The base comes first,
    # because the test subtracts the second loss from the first.
    options = {"horizon": horizon, "lags": horizon - 1, "harvey_adj": True}
    test = diebold_mariano_test(np.zeros_like(errors), base_errors, errors, **options)
    return _tested(test.statistic, test.pvalue)


def clark_west(actual: np.ndarray, predicted: np.ndarray, horizon: int) -> dict[str, Metric]:
    """Test whether a model that could have learnt to forecast zero knows more than that.

    A fitted model pays for its noise: even where zero is the best forecast its squared error is
    expected to be larger. The test gives that back, so it can find a forecast informative whose
    ``skill`` is negative.

    Parameters
    ----------
    actual, predicted : ndarray, shape (n,)
        Log return over the horizon and its forecast; a row with a NaN in either is left out, and
        those that stay count as successive.
    horizon : int
        Bars between a forecast and its target (h), at least 1.

    Returns
    -------
    dict
        ``statistic``, the mean of e0² − [e1² − (f0 − f1)²] over its standard error, positive where
        the forecast is better than zero; ``p_value``, one-sided, standard normal. Both None, with
        the reason, where the forecast is zero throughout, where the gain does not vary, and with
        no more than h pairs.

    Source: Clark & West (2007), with f0 = 0. The standard error is that of least squares for
    h = 1; otherwise Newey & West's (1987) with h − 1 lags, times √(n/(n−1)).
    """
    from scipy.stats import norm  # type: ignore[import-untyped]
    from statsmodels.regression.linear_model import OLS  # type: ignore[import-untyped]

    actual, predicted = finite_rows(actual, predicted)
    if reason := _too_short(len(actual), horizon):
        return _untested(reason)
    if not predicted.any():
        return _untested("it forecasts zero itself")
    # With f0 = 0 the bracket is a² − 2af, so all that is left of the gain is 2af.
    gain = 2 * actual * predicted
    if np.ptp(gain) <= _ROUNDING * np.abs(gain).max():
        return _untested("its gain over zero does not vary")
    options = {"maxlags": horizon - 1, "use_correction": True}
    fit = OLS(gain, np.ones_like(gain)).fit(cov_type="HAC", cov_kwds=options)
    statistic = float(fit.tvalues[0])
    return _tested(statistic, norm.sf(statistic))


def binomial_band(n: int, level: float, p: float = 0.5) -> tuple[float, float]:
    """Accuracies that a coin reaches over n calls, the luckiest and unluckiest left out.

    Parameters
    ----------
    n : int
        Independent calls.
    level : float
        Least probability of the band, the rest cut equally at both ends.
    p : float
        Probability that a call is right.

    Returns
    -------
    tuple of float
        Lowest and highest share of right calls inside the band, both inclusive; NaN without calls.

    Source: the acceptance region of Clopper & Pearson (1934), from ``scipy.stats.binom``.
    """
    from scipy.stats import binom

    if n < 1:
        return float("nan"), float("nan")
    low, high = binom.interval(level, n, p)
    return float(low) / n, float(high) / n


def brier(p_up: np.ndarray, realised: np.ndarray) -> Metric:
    """Mean squared distance of the probability of up from what came; 0.25 for a coin's.

    Parameters
    ----------
    p_up : ndarray, shape (n,)
        Probability that the return is above 0, in 0..1; a row with a NaN is left out.
    realised : ndarray, shape (n,)
        Return; above 0 is up, 0 counts as down; a row with a NaN is left out.

    Returns
    -------
    Metric
        In 0..1, smaller is better; None with fewer than two pairs.

    Source: Brier (1950), halved: he sums over up and over down.
    """
    from sklearn.metrics import brier_score_loss

    p_up, realised = finite_rows(p_up, realised)
    if len(p_up) < 2:
        return absent("ratio", TOO_FEW)
    return measured(float(brier_score_loss(realised > 0, p_up)), "ratio")


def pinball(q: np.ndarray, tau: float, realised: np.ndarray) -> Metric:
    """Mean pinball loss of a forecast quantile: smallest, on average, for the true one.

    Parameters
    ----------
    q : ndarray, shape (n,)
        Forecast quantile of the log return; a row with a NaN is left out.
    tau : float
        Its probability, in 0..1: an outcome above q costs tau times the distance, one below
        1 − tau times.
    realised : ndarray, shape (n,)
        Log return; a row with a NaN is left out.

    Returns
    -------
    Metric
        In log return, smaller is better; None with fewer than two pairs.

    Source: Koenker & Bassett (1978).
    """
    from sklearn.metrics import mean_pinball_loss

    q, realised = finite_rows(q, realised)
    if len(q) < 2:
        return absent(LOG_RETURN, TOO_FEW)
    return measured(float(mean_pinball_loss(realised, q, alpha=tau)), LOG_RETURN)


def _tested(statistic: float, p_value: float) -> dict[str, Metric]:
    values = dict(zip(NAMES, (statistic, p_value), strict=True))
    return {name: measured(float(value), _UNITS[name]) for name, value in values.items()}


def _untested(reason: str) -> dict[str, Metric]:
    return {name: absent(_UNITS[name], reason) for name in NAMES}


def _constant(up: np.ndarray) -> bool:
    return bool(up.all() or not up.any())


def _too_short(pairs: int, horizon: int) -> str | None:
    if pairs < 2:
        return TOO_FEW
    if pairs <= horizon:
        # The factor of Harvey, Leybourne & Newbold is 0 at n = h, and means nothing below.
        return f"{pairs} forecasts are too few for a horizon of {horizon} bars"
    return None
