"""Whether features depend on where the bars begin."""

import pandas as pd

from cryptobt.jobs.audits.asking import Columns
from cryptobt.jobs.audits.checks import Check, Question, listed
from cryptobt.jobs.audits.differences import first_difference
from cryptobt.jobs.audits.futures import World, without_oldest

HISTORY = Question(
    "features, shorter history",
    "features",
    "long after the warm-up no value depends on where the bars begin",
)
_FORGOTTEN = 1e-4
"""Relative; an exponential mean never forgets its first value altogether."""
_DROPPED = 97
"""Bars that the shorter history lacks; no round number of weeks or months."""


def shorter_history(
    columns: Columns, world: World, whole: pd.DataFrame, symbol: str | None
) -> Check:
    """Leave the oldest bars out, and look at rows long after the warm-up.

    Parameters
    ----------
    whole : DataFrame
        Columns of the world as it is.
    """
    count = len(world.times)
    rows = whole.notna().all(axis=1).to_numpy()
    late = (int(rows.argmax()) if rows.any() else 0) * 2 + _DROPPED
    if late + _DROPPED >= count:
        return HISTORY.not_asked(f"{count} bars are too few to leave the oldest out")
    other = columns.or_none(without_oldest(world, _DROPPED))
    if other is None:
        return HISTORY.not_asked("the feature set fails without its oldest bars")
    found = first_difference(whole.iloc[late:], other, tolerance=_FORGOTTEN)
    if found is None:
        return HISTORY.passed()
    return HISTORY.noted(
        f"without the oldest {_DROPPED} bars {listed(found.columns)} differ long after the "
        f"warm-up (at {found.told('without them')}): no leak, but a run that begins elsewhere "
        "sees other values",
        time=found.time,
        column=found.column,
        symbol=symbol,
    )
