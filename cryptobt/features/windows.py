"""Windows as indices over one array: which bars can end one."""

import numpy as np
import pandas as pd


def unbroken_rows(times: pd.DatetimeIndex, interval: pd.Timedelta) -> np.ndarray:
    """Count, for each bar, how many bars before it follow one another without a gap.

    Returns
    -------
    ndarray of int, shape (n,)
        0 in the first row and after every gap; counts up by one otherwise.
    """
    follows = np.asarray(times[1:] - times[:-1] == interval)
    rows = np.arange(len(times))
    breaks = np.zeros(len(times), dtype=int)
    breaks[1:] = np.where(follows, 0, rows[1:])
    return rows - np.maximum.accumulate(breaks)


def window_ends(
    values: np.ndarray, times: pd.DatetimeIndex, interval: pd.Timedelta, length: int
) -> np.ndarray:
    """Find the bars at which a whole window of features ends.

    Causality: whether t can end a window depends on rows up to t.

    Parameters
    ----------
    values : ndarray, shape (n, F)
        Features; NaN in warm-up.
    times : DatetimeIndex, length n
        Open times of the bars.
    length : int
        Bars in a window.

    Returns
    -------
    ndarray of int
        Rows t such that t−length+1..t are finite and no bar is missing between t−length and t
        (the bar before the window gives its first return).
    """
    finite = np.isfinite(values).all(axis=1)
    rows = np.arange(len(values))
    last_broken = np.maximum.accumulate(np.where(finite, -1, rows))
    complete = rows - last_broken >= length
    return np.flatnonzero(complete & (unbroken_rows(times, interval) >= length))
