"""Two backtests side by side as a document with the lines that a page draws; nothing is written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.time import iso_column
from cryptobt.jobs.compare_runs import compared
from cryptobt.records.run_index import read_run

POINTS = 400
"""Closes that are drawn at most."""


def compare_sheet(one: Path, other: Path) -> dict[str, Any]:
    """Compare the runs of two folders.

    Returns
    -------
    dict
        ``document``, as ``cryptobt runs compare --json`` prints it, and ``series``: ``time``, and
        ``a`` and ``b``, growth of 1 from the first close in common; None where one was lost.

    Raises
    ------
    DataInvalidError
        If they have no dates in common, or a folder is damaged.
    """
    document, equity = compared(read_run(one), read_run(other))
    if equity.to_numpy().min() <= 0:
        return {"document": document, "series": None}
    places = np.unique(np.linspace(0, len(equity) - 1, min(POINTS, len(equity))).round())
    shown = (equity / equity.iloc[0]).iloc[places.astype(int)]
    series = {"time": iso_column(pd.DatetimeIndex(shown.index)).tolist()} | {
        name: shown[name].astype(float).tolist() for name in ("a", "b")
    }
    return {"document": document, "series": series}
