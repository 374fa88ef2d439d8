"""Parts of a run that are looked at by themselves: years, and kinds of market."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.time import DAY, iso
from cryptobt.features.volatility import MIN_ROWS, SPAN

TREND_DAYS = 200
"""Days whose mean tells a bull from a bear market."""
_FEW = 2
"""Years, or quarters, up to which a run is parted more finely."""


@dataclass(frozen=True)
class Stretch:
    """Some of the bars after the first decision.

    Attributes
    ----------
    labels : dict
        What it is called in ``metrics.json``.
    bars : ndarray of bool, shape (n,)
        Which of them belong to it.
    """

    labels: dict[str, str]
    bars: np.ndarray


def periods_of(times: pd.DatetimeIndex) -> list[Stretch]:
    """Calendar years; of a run within one or two, its quarters, of a shorter one its months."""
    if not len(times):
        return []
    named = times.tz_convert(None).to_period("Y")
    if len(named.unique()) <= _FEW:
        named = times.tz_convert(None).to_period("Q")
    if len(named.unique()) <= _FEW:
        named = times.tz_convert(None).to_period("M")
    return [_period(times, str(name), np.asarray(named == name)) for name in named.unique()]


def _period(times: pd.DatetimeIndex, name: str, bars: np.ndarray) -> Stretch:
    own = times[bars]
    return Stretch({"name": name, "first": iso(own[0]), "last": iso(own[-1])}, bars)


def regimes_of(
    moves: pd.DataFrame, times: pd.DatetimeIndex, interval: pd.Timedelta
) -> list[Stretch]:
    """Bull and bear, quiet and wild: what the market was known to be when each bar began.

    Parameters
    ----------
    moves : DataFrame
        Simple returns from close to close by time, one column a symbol, all history; the market is
        their mean.
    times : DatetimeIndex
        Deciding bars; the stretches are of those after the first.

    Notes
    -----
    Causality: bull or bear and the volatility of a bar are known at the close before it. Where
    quiet ends and wild begins is the median of the run, known at its end: a description.
    """
    market = moves.mean(axis=1)
    level = (1 + market.fillna(0.0).clip(lower=-0.999)).cumprod()
    mean = level.rolling(max(round(TREND_DAYS * DAY / interval), 2)).mean()
    deviation = market.ewm(span=SPAN, min_periods=MIN_ROWS).std()
    before = times[:-1]
    above, known = (level > mean).reindex(before).to_numpy(), mean.reindex(before).notna()
    volatility = deviation.reindex(before)
    wild = (volatility > volatility.median()).to_numpy()
    measurable = volatility.notna().to_numpy()
    middle = "the run's median"
    if measurable.any():
        middle += f", {volatility.median():.2%} a bar"
    kinds = (
        ("bull", f"market above its mean of {TREND_DAYS} days", known.to_numpy() & above),
        ("bear", f"market below its mean of {TREND_DAYS} days", known.to_numpy() & ~above),
        ("quiet", f"volatility up to {middle}", measurable & ~wild),
        ("wild", f"volatility above {middle}", measurable & wild),
    )
    return [Stretch({"name": name, "meaning": text}, bars) for name, text, bars in kinds]
