"""The tables of a run folder, read strictly: a value that cannot be one is damage."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.time import epoch_ns

TABLES: Mapping[str, Sequence[str]] = {
    "orders": columns.ORDERS,
    "fills": columns.FILLS,
    "weights": columns.WEIGHTS,
    "equity": columns.EQUITY,
    "trades": columns.TRADES,
}
"""Name to columns, in the order in which differences of one time are told."""
KEYS: Mapping[str, Sequence[str]] = {
    "orders": ("order_id",),
    "fills": ("order_id",),
    "weights": ("time", "symbol"),
    "equity": ("time",),
    "trades": ("time", "symbol"),
}
"""Columns by which a row is known, in either account."""
TIMES = frozenset({"time", "valid_until", "decided_at", "exit_time"})
WORDS = frozenset({"symbol", "side", "exec_type", "status", "reason", "direction"})
FLAGS = frozenset({"late", "open"})
COUNTS = frozenset({"order_id", "fill_id", "trade_id", "bars_held"})
_MAY_BE_EMPTY = frozenset(
    {
        "valid_until", "decided_at", "exit_time", "limit_price_quote", "stop_price_quote",
        "target_weight", "reason", "exit_price_quote",
    }
)  # fmt: skip
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_YEARS = (pd.Timestamp("1850-01-01", tz="UTC"), pd.Timestamp("2150-01-01", tz="UTC"))
_LONGEST = 18
"""Digits of a count that a machine's whole number holds."""


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read every table of a run's account.

    Returns
    -------
    dict
        Of :data:`TABLES`: times aware and in UTC, numbers float64 with NaN where a field is empty.

    Raises
    ------
    DataInvalidError
        Naming the file, and the row and column of the first value that is damaged.
    """
    return {name: _read(folder / f"{name}.csv", names) for name, names in TABLES.items()}


def _read(path: Path, names: Sequence[str]) -> pd.DataFrame:
    try:
        text = pd.read_csv(path, dtype=str, na_filter=False, encoding="utf-8")
    except FileNotFoundError as error:
        raise DataInvalidError(f"{path.parent} is no whole run: it has no {path.name}") from error
    except OSError as error:
        raise DataInvalidError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataInvalidError(f"{path} is damaged: {' '.join(str(error).split())}") from error
    if missing := [name for name in names if name not in text.columns]:
        raise DataInvalidError(f"{path} is damaged: it has no column '{missing[0]}'")
    table = pd.DataFrame({name: _column(path, name, text[name].tolist()) for name in names})
    return _ordered(path, table)


def _ordered(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Refuse rows that go back in time, or tell the same thing twice."""
    back = np.flatnonzero(np.diff(epoch_ns(pd.DatetimeIndex(table["time"]))) < 0)
    if len(back):
        raise DataInvalidError(f"{path} is damaged: row {back[0] + 2} goes back in time")
    if path.stem not in ("fills", "trades"):
        twice = np.flatnonzero(table.duplicated(list(KEYS[path.stem])))
        if len(twice):
            raise DataInvalidError(
                f"{path} is damaged: row {twice[0] + 1} repeats the "
                f"{' and '.join(KEYS[path.stem])} of an earlier one"
            )
    return table


def _column(path: Path, name: str, texts: list[str]) -> pd.Series:
    """Read the fields of a column; the first that cannot be read is damage."""
    read, expected = _READERS.get(kind_of(name), _READERS["number"])
    values, good = read(texts)
    # An order without a size, for a symbol that is not listed yet, has none.
    if name in _MAY_BE_EMPTY or name == "quantity_base":
        good = good | np.array([not text for text in texts], dtype=bool)
    bad = np.flatnonzero(~good)
    if len(bad):
        raise DataInvalidError(
            f"{path} is damaged: row {bad[0] + 1}, {name} is '{texts[bad[0]]}'; expected {expected}"
        )
    return values


def kind_of(name: str) -> str:
    """Name what a column holds: time, word, flag, count, or number."""
    kinds = {"time": TIMES, "word": WORDS, "flag": FLAGS, "count": COUNTS}
    return next((kind for kind, names in kinds.items() if name in names), "number")


Read = tuple[pd.Series, np.ndarray]


def _times(texts: list[str]) -> Read:
    read = pd.to_datetime(pd.Series(texts, dtype=object), format=_TIME, utc=True, errors="coerce")
    # A validity may end in the year 1, or 9999: before or after every bar there is.
    early, late = read < _YEARS[0], read > _YEARS[1]
    read = read.mask(early, _YEARS[0]).mask(late, _YEARS[1]).astype("datetime64[ns, UTC]")
    return read, read.notna().to_numpy(bool)


def _words(texts: list[str]) -> Read:
    return pd.Series(texts, dtype=object), np.array([bool(text) for text in texts], dtype=bool)


def _flags(texts: list[str]) -> Read:
    good = np.array([text in ("true", "false") for text in texts], dtype=bool)
    return pd.Series([text == "true" for text in texts], dtype=bool), good


def _counts(texts: list[str]) -> Read:
    good = np.array([text.isdecimal() and len(text) < _LONGEST for text in texts], dtype=bool)
    whole = [int(text) if fine else 0 for text, fine in zip(texts, good, strict=True)]
    return pd.Series(whole, dtype="int64"), good


def _numbers(texts: list[str]) -> Read:
    values = np.array([_number(text) for text in texts], dtype=float)
    return pd.Series(values, dtype="float64"), np.isfinite(values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


_READERS: Mapping[str, tuple[Callable[[list[str]], Read], str]] = {
    "time": (_times, "a time like 2024-01-31T00:00:00Z"),
    "word": (_words, "text"),
    "flag": (_flags, "true or false"),
    "count": (_counts, "a whole number"),
    "number": (_numbers, "a number"),
}
