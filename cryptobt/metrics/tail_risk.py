"""How bad bad bars are, and whether a quantile said so beforehand."""

import numpy as np
import pandas as pd

from cryptobt.metrics.metric import Metric, absent, measured

TESTS = ("kupiec", "christoffersen", "conditional")
_UNITS = {"statistic": "likelihood ratio", "p_value": "probability"}
NO_QUANTILE = "no quantile with a known outcome"
_NO_PAIR = "no bar with a known outcome follows another"
# 0.05 · 60 must count three bars, whatever the last bit of the product says.
_DECIMALS = 9


def value_at_risk(returns: np.ndarray, tau: float) -> Metric:
    """Loss that a share tau of the bars reached or exceeded: the historical value at risk.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Simple returns per bar, finite.
    tau : float
        Share of the bars in the tail, such as 0.05 for a value at risk of 95 %.

    Returns
    -------
    Metric
        A loss as a positive share of equity; below 0 where even that bar earned. None with fewer
        than 1/tau bars.

    Source: Jorion (2006); of the worst bars the one of rank ⌈n·tau⌉, nothing interpolated.
    """
    if reason := _no_tail(len(returns), tau):
        return absent("ratio", reason)
    last = int(np.ceil(round(len(returns) * tau, _DECIMALS)))
    # No loss is 0, and not minus 0.
    return measured(0.0 - np.sort(returns)[last - 1], "ratio")


def expected_shortfall(returns: np.ndarray, tau: float) -> Metric:
    """Mean loss of the worst share tau of the bars.

    Of n·tau bars the last counts by its fraction, so that equal bars at the border, such as those
    without a position, do not enter by the dozen.

    Parameters
    ----------
    returns, tau
        As in :func:`value_at_risk`.

    Returns
    -------
    Metric
        A loss as a positive share of equity, never below the value at risk; None as there.

    Source: Acerbi & Tasche (2002), definition 2.6.
    """
    if reason := _no_tail(len(returns), tau):
        return absent("ratio", reason)
    size = round(len(returns) * tau, _DECIMALS)
    whole, worst = int(size), np.sort(returns)
    border = (size - whole) * worst[whole] if size > whole else 0.0
    return measured(-(worst[:whole].sum() + border) / size, "ratio")


def tail_ratio(returns: np.ndarray) -> Metric:
    """Good bars over bad ones: the 95 % quantile of the returns over the size of the 5 % one.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Simple returns per bar, finite.

    Returns
    -------
    Metric
        Above 1 where large gains are larger than large losses; quantiles are interpolated. None
        with fewer than 20 bars, and where the 5 % quantile is no loss.
    """
    if reason := _no_tail(len(returns), 0.05):
        return absent("ratio", reason)
    low, high = np.quantile(returns, [0.05, 0.95])
    return measured(high / -low if low < 0 else np.nan, "ratio", "the 5 % quantile is no loss")


def trailing_quantile(returns: np.ndarray, bars: int = 250, tau: float = 0.05) -> np.ndarray:
    """Quantile of the newest returns, to be held against the return that follows.

    Causality: row t uses the returns of rows t − bars + 1 to t.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Returns per bar.
    bars : int
        How many returns back, the row's own among them.
    tau : float
        Probability of the quantile, which is interpolated.

    Returns
    -------
    ndarray, shape (n,)
        In the unit of the returns; NaN before there are so many, and where one of them is NaN.
    """
    return pd.Series(returns, dtype=float).rolling(bars).quantile(tau).to_numpy()


def kupiec(hits: np.ndarray, tau: float) -> dict[str, Metric]:
    """Test whether outcomes fell below a quantile as often as it promised.

    Parameters
    ----------
    hits : ndarray, shape (n,)
        Whether each outcome fell below the forecast quantile, bool.
    tau : float
        Probability of the quantile.

    Returns
    -------
    dict
        ``statistic``, χ² with one degree of freedom where the share is right and hits are
        independent; ``p_value``, of a share too small or too large. Both None, with the reason,
        where not even one hit is expected. The limits of the likelihood hold for no hit and for
        nothing but hits.

    Source: Kupiec (1995), proportion of failures.
    """
    if reason := _no_tail(len(hits), tau):
        return _untested(reason)
    came = int(hits.sum())
    return _tested(_unlikely(came, len(hits), tau), 1)


def christoffersen(hits: np.ndarray, successive: np.ndarray | None = None) -> dict[str, Metric]:
    """Test whether a hit is as likely after a hit as after none.

    Parameters
    ----------
    hits : ndarray, shape (n,)
        As in :func:`kupiec`, in order of time.
    successive : ndarray, shape (n,), optional
        Whether the row is the bar right after that of the row before; the first row's is not
        read. None: every row is. Rows across a gap make no pair.

    Returns
    -------
    dict
        ``statistic``, χ² with one degree of freedom where hits are independent, whatever their
        share; ``p_value``, of hits that cluster or avoid each other. Statistic 0 where all rows
        are alike, or all pairs begin alike: nothing there speaks against independence. Both None,
        with the reason, where no two rows follow each other.

    Source: Christoffersen (1998), independence against a Markov chain of first order.
    """
    pair = np.ones(max(len(hits) - 1, 0), dtype=bool) if successive is None else successive[1:]
    if not pair.any():
        return _untested(_NO_PAIR)
    before, now = hits[:-1][pair], hits[1:][pair]
    after_hit, after_none = now[before], now[~before]
    apart = _log_likelihood(after_hit.sum(), len(after_hit)) + _log_likelihood(
        after_none.sum(), len(after_none)
    )
    return _tested(2 * (apart - _log_likelihood(now.sum(), len(now))), 1)


def conditional_coverage(
    hits: np.ndarray, tau: float, successive: np.ndarray | None = None
) -> dict[str, Metric]:
    """Test both at once: hits as often as promised, and independent of the hit before.

    Parameters
    ----------
    hits, tau, successive
        As in :func:`kupiec` and :func:`christoffersen`.

    Returns
    -------
    dict
        ``statistic``, the sum of the two, χ² with two degrees of freedom; ``p_value``. Both None,
        with the reason, where one of the two is.

    Source: Christoffersen (1998). His sum leaves the first row out of the share of hits; here it,
    and a row after a gap, is counted.
    """
    parts = (kupiec(hits, tau)["statistic"], christoffersen(hits, successive)["statistic"])
    for part in parts:
        if part.value is None:
            return _untested(part.reason or "")
    return _tested(sum(part.value or 0.0 for part in parts), 2)


def coverage(
    outcomes: np.ndarray,
    quantiles: np.ndarray,
    tau: float,
    successive: np.ndarray | None,
    level: float,
    unit: str,
) -> dict[str, Metric | int | dict[str, Metric]]:
    """Hold a forecast quantile against what came.

    The tests and the interval take rows as independent: symbols that fall together make them look
    surer than they are.

    Parameters
    ----------
    outcomes, quantiles : ndarray, shape (n,)
        Return and the quantile forecast for it, in ``unit``, in order of time; a row with a NaN in
        either is left out, and parts the rows about it.
    tau : float
        Probability of the quantile.
    successive : ndarray, shape (n,), or None
        As in :func:`christoffersen`.
    level : float
        Of the interval of the share.
    unit : str
        Of the returns.

    Returns
    -------
    dict
        ``n`` rows, of them ``hits``, outcomes below the quantile; ``rate``, their share, with the
        interval of Clopper & Pearson (1934); the tests ``kupiec``, ``christoffersen`` and
        ``conditional``; ``es``, the mean outcome of the hits, as a return: a loss is below 0.
    """
    known = np.isfinite(outcomes) & np.isfinite(quantiles)
    follows = np.ones(len(known), dtype=bool) if successive is None else successive.copy()
    follows[1:] &= known[:-1]
    hits, follows = (outcomes < quantiles)[known], follows[known]
    if not len(hits):
        return no_coverage(NO_QUANTILE, unit)
    fell = outcomes[known][hits]
    return {
        "n": len(hits),
        "hits": int(hits.sum()),
        "rate": _share(int(hits.sum()), len(hits), level),
        "kupiec": kupiec(hits, tau),
        "christoffersen": christoffersen(hits, follows),
        "conditional": conditional_coverage(hits, tau, follows),
        "es": measured(fell.mean(), unit) if len(fell) else absent(unit, "no outcome fell below"),
    }


def no_coverage(reason: str, unit: str) -> dict[str, Metric | int | dict[str, Metric]]:
    """Coverage where there is no quantile to hold against anything."""
    tests = {name: _untested(reason) for name in TESTS}
    rest = {"rate": absent("ratio", reason), "es": absent(unit, reason)}
    return {"n": 0, "hits": 0, **rest, **tests}


def _share(hits: int, rows: int, level: float) -> Metric:
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    interval = binomtest(hits, rows).proportion_ci(level, method="exact")
    return Metric(hits / rows, "ratio", float(interval.low), float(interval.high), level)


def _unlikely(hits: int, rows: int, tau: float) -> float:
    """Likelihood ratio of the share that came against the share tau."""
    promised = hits * np.log(tau) + (rows - hits) * np.log1p(-tau)
    return float(2 * (_log_likelihood(hits, rows) - promised))


def _log_likelihood(hits: int, rows: int) -> float:
    """Of independent rows at the share that came; 0·log 0 = 0."""
    from scipy.special import xlogy  # type: ignore[import-untyped]

    missed = rows - hits
    if not rows:
        return 0.0
    return float(xlogy(hits, hits / rows) + xlogy(missed, missed / rows))


def _no_tail(rows: int, tau: float) -> str:
    if rows * tau >= 1 - 1e-9:
        return ""
    needed = np.ceil(round(1 / tau, _DECIMALS))
    return f"a tail of {tau:.0%} needs {needed:.0f} bars; there are {rows}"


def _tested(statistic: float, freedom: int) -> dict[str, Metric]:
    from scipy.stats import chi2

    # Equal likelihoods differ by rounding, in either direction.
    statistic = max(statistic, 0.0)
    values = {"statistic": statistic, "p_value": float(chi2.sf(statistic, freedom))}
    return {name: measured(value, _UNITS[name]) for name, value in values.items()}


def _untested(reason: str) -> dict[str, Metric]:
    return {name: absent(unit, reason) for name, unit in _UNITS.items()}
