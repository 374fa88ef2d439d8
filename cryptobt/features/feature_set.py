"""What a feature set is: a named function from bars and the series beside them to columns."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class FeatureSet:
    """A named function from bars and joined extras to feature columns.

    Attributes
    ----------
    compute : callable
        ``(bars, extras) -> DataFrame`` on the bars' index; row t may use rows up to t.
    warm_up_bars : int or None
        Bars before the first row without a missing value, where the data have no gap; None where
        the columns themselves have to tell.
    extras : tuple of str or None
        Extra columns that it uses where they are there; None for all that there are.
    file, file_hash : str
        Of a user's own; empty for those that come with cryptobt.
    """

    name: str
    summary: str
    compute: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
    warm_up_bars: int | None
    extras: tuple[str, ...] | None = ()
    file: str = ""
    file_hash: str = ""


@dataclass(frozen=True)
class FeatureTable:
    """Features of one symbol, row by row beside its bars.

    Attributes
    ----------
    frame : DataFrame, shape (n, F)
        Index as the bars'; float64; NaN in warm-up.
    missing : tuple of str
        Columns that the set would have used and that the data do not have.
    warm_up_bars : int
        Of the set.
    """

    frame: pd.DataFrame
    missing: tuple[str, ...]
    warm_up_bars: int = 0
