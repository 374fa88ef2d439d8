"""A user's own feature set: a function of a file, and what is asked of the columns it returns."""

import contextlib
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.user_code import Found, Wanted, explain_failure, load
from cryptobt.features.feature_set import FeatureSet


class FeatureError(UsageError):
    """A feature set of the user's does not import, fails, or returns what cannot be used."""


def _is_feature_set(value: Any, module: str | None) -> bool:
    if not inspect.isfunction(value) or value.__name__.startswith("_"):
        return False
    return module in (None, value.__module__) and _takes(value) in (1, 2)


def _takes(function: Any) -> int:
    """Arguments without a default; 0 where it cannot be called with positions alone."""
    parameters = inspect.signature(function).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.default is one.empty]
    return len(needed) if all(one.kind in positional for one in needed) else 0


FEATURES = Wanted(
    "feature",
    "no feature set: a function of (bars), or of (bars, extras), that returns columns",
    "compute",
    FeatureError,
    _is_feature_set,
)


def load_feature_set(reference: str) -> FeatureSet:
    """Import a feature set from ``FILE.py:FUNCTION``.

    The function is given the bars (open, high, low, close, volume; index ``time``, the opens in
    UTC) and, where it takes two arguments, the series beside them as they were published by the
    close of each bar. It returns a frame of numbers on the bars' index; row t may use rows up to
    t alone, which ``cryptobt audit leakage`` checks. What it prints goes to stderr.

    Raises
    ------
    FeatureError
        If there is no such file or function, or the file does not import; with its own line.
    """
    found = load(reference, FEATURES)
    summary = (inspect.getdoc(found.value) or "").partition("\n")[0]

    def compute(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
        return _checked(found, _called(found, bars, extras), bars.index)

    name = f"{Path(found.file).stem}.{found.name}"
    return FeatureSet(name, summary, compute, None, None, found.file, found.file_hash)


def _called(found: Found, bars: pd.DataFrame, extras: pd.DataFrame) -> Any:
    # Copies: what it writes into them must not reach anybody else.
    given = (bars.copy(), extras.copy())[: _takes(found.value)]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return found.value(*given)
    except (Exception, SystemExit) as error:
        raise explain_failure(error, found.file, FEATURES, f"in '{found.name}'") from error


def _checked(found: Found, said: Any, index: pd.Index) -> pd.DataFrame:
    """Take what was returned as columns of numbers on the bars' index."""
    frame = said.to_frame() if isinstance(said, pd.Series) else said
    told = f"feature file {found.file}:{found.name} returned"
    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        what = "no columns" if isinstance(frame, pd.DataFrame) else f"a {type(said).__name__}"
        raise FeatureError(f"{told} {what}; expected a DataFrame of numbers on the bars' index")
    if not frame.index.equals(index):
        raise FeatureError(
            f"{told} {_other_rows(frame.index, index)}; expected one row for each bar, on the "
            "bars' index: leave warm-up rows empty instead of dropping them"
        )
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    for number, name in enumerate(frame.columns):
        if name in frame.columns[:number]:
            raise FeatureError(f"{told} two columns '{name}'; expected each name once")
        if frame.iloc[:, number].dtype.kind not in "biuf":
            kind = frame.iloc[:, number].dtype
            raise FeatureError(f"{told} column '{name}' of type {kind}; expected numbers")
    return frame.astype(np.float64)


def _other_rows(index: pd.Index, bars: pd.Index) -> str:
    if len(index) != len(bars):
        return f"{len(index):,} rows for {len(bars):,} bars"
    return "rows in another order or at other times than the bars"
