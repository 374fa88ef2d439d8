"""Tables in Parquet and HDF5 files, read without ever opening a pickled object."""

import importlib
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from pandas.tseries import offsets

from cryptobt.core.errors import CryptobtError, DataInvalidError, UsageError

KEY_MARK = "::"
"""What stands between an HDF5 file and the key of one of its tables."""

_PARQUET = frozenset({".parquet", ".pq"})
_HDF5 = frozenset({".h5", ".hdf5"})
_UNNAMED = "__index_level_0__"
# numbers below are no seconds of any market: 1e8 seconds is 1973
_FIRST_EPOCH = 1e8


def split_key(path: Path) -> tuple[Path, str]:
    """Split ``FILE.h5::key`` into file and key; the key is empty where none is named."""
    file, mark, key = str(path).partition(KEY_MARK)
    if mark and Path(file).suffix.lower() in _HDF5:
        return Path(file), key
    return path, ""


def is_frame_file(path: Path) -> bool:
    """Tell by its suffix whether a file is read here: .parquet, .pq, .h5 or .hdf5."""
    return split_key(path)[0].suffix.lower() in _PARQUET | _HDF5


def read_frame(path: Path, is_time: Callable[[str], bool]) -> pd.DataFrame:
    """Read the one table of a Parquet file, or of an HDF5 file that pandas wrote.

    Parameters
    ----------
    path : Path
        A regular file; of an HDF5 file with several tables one is named as ``FILE.h5::key``.
    is_time : callable
        Tells whether a column of a name holds times. Where none does, an index without a name
        that holds times becomes the column ``time``.

    Returns
    -------
    DataFrame
        Index: row numbers from 1. Column names are text as written, the index among them; columns
        hold numbers, truth values, instants, or text; missing values are NaN or NaT.

    Raises
    ------
    UsageError
        If the package that reads the format is not installed, or the key is not in the file.
    DataInvalidError
        If the file is damaged or of another format, holds no table or several, or pickled objects.
    """
    file, key = split_key(path)
    frame = _read_hdf5(file, key) if file.suffix.lower() in _HDF5 else _read_parquet(file)
    return _plain_frame(_named_time(frame, is_time))


def _read_parquet(path: Path) -> pd.DataFrame:
    advice = f"{path}: Parquet files need pyarrow; pip install pyarrow"
    arrow, parquet = _needed("pyarrow", advice), _needed("pyarrow.parquet", advice)
    try:
        with parquet.ParquetFile(path) as file:
            # without the notes of pandas an index is a column like any other
            table = file.read().replace_schema_metadata(None)
        return table.to_pandas(date_as_object=False)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataInvalidError(
            f"{path}: this is no Parquet file that can be read ({_short(error)})"
        ) from error


def _needed(module: str, advice: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(advice) from error


def _short(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def _read_hdf5(path: Path, key: str) -> pd.DataFrame:
    _needed("tables", f"{path}: HDF5 files need PyTables; pip install cryptobt[hdf5]")
    with _no_pickles() as refused:
        found = _stored(path, key, refused)
    if refused:
        raise DataInvalidError(
            f"{path}: it holds pickled objects ({refused[0]}), which could run anything and are "
            'never opened; write it with format="table", text as plain strings'
        )
    if isinstance(found, pd.Series):
        found = found.to_frame("value" if found.name is None else found.name)
    if not isinstance(found, pd.DataFrame):
        raise DataInvalidError(f"{path}: expected a DataFrame, found {type(found).__name__}")
    return _index_as_columns(found)


def _stored(path: Path, key: str, refused: list[str]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with pd.HDFStore(str(path), mode="r") as store:
                return store.get(_one_key(path, key, store.keys()))
        except CryptobtError:
            raise
        # a damaged file makes pandas and PyTables raise errors of every kind
        except Exception as error:
            if refused:
                return None
            raise DataInvalidError(
                f"{path}: this is no HDF5 file of pandas that can be read ({_short(error)})"
            ) from error


def _one_key(path: Path, key: str, keys: list[str]) -> str:
    names = [name.lstrip("/") for name in keys]
    if key and key.lstrip("/") in names:
        return key
    listed = ", ".join(names)
    if not names:
        raise DataInvalidError(f"{path}: there is no table that pandas wrote")
    if key:
        raise UsageError(f"{path}: there is no table '{key}'; the keys are {listed}")
    if len(names) > 1:
        raise DataInvalidError(
            f"{path}: there are {len(names)} tables, {listed}; name one as "
            f"{path}{KEY_MARK}{names[0]}"
        )
    return names[0]


def _index_as_columns(frame: pd.DataFrame) -> pd.DataFrame:
    index = frame.index
    names = [_UNNAMED if name is None else str(name) for name in index.names]
    levels = [pd.Series(index.get_level_values(i)) for i in range(index.nlevels)]
    columns = [frame.iloc[:, i].reset_index(drop=True) for i in range(frame.shape[1])]
    both = pd.concat([*levels, *columns], axis=1)
    both.columns = pd.Index([*names, *map(str, frame.columns)])
    return both


def _named_time(frame: pd.DataFrame, is_time: Callable[[str], bool]) -> pd.DataFrame:
    """Call an index without a name ``time`` where it is the time; else leave it out."""
    names = [str(name) for name in frame.columns]
    if _UNNAMED in names:
        place = names.index(_UNNAMED)
        if any(map(is_time, names)) or not _may_be_time(frame.iloc[:, place]):
            return frame.iloc[:, [i for i in range(len(names)) if i != place]]
        names[place] = "time"
    return frame.set_axis(names, axis=1)


def _may_be_time(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return True
    return bool(column.abs().median() >= _FIRST_EPOCH)


def _plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in frame.columns]
    columns = {i: _plain(frame.iloc[:, i]) for i in range(len(names))}
    rows = pd.RangeIndex(1, len(frame) + 1)
    return pd.DataFrame(columns).set_axis(rows, axis=0).set_axis(names, axis=1)


def _plain(column: pd.Series) -> pd.Series:
    """Leave numbers, truth values and instants as they are, and write all else as text."""
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or getattr(kind, "kind", "O") in "biuf":
        return column
    return column.astype(object).map(lambda value: str(value).replace("\n", " "), "ignore")


@contextmanager
def _no_pickles() -> Iterator[list[str]]:
    """Let PyTables, which unpickles attributes unasked, build zones and frequencies alone.

    Yields a list that fills with what was refused: PyTables hides the errors of unpickling.
    """
    refused: list[str] = []
    places = [importlib.import_module(f"tables.{name}") for name in ("attributeset", "atom")]
    before = [place.pickle for place in places]
    for place in places:
        setattr(place, "pickle", _Careful(refused))  # noqa: B010
    try:
        yield refused
    finally:
        for place, module in zip(places, before, strict=True):
            setattr(place, "pickle", module)  # noqa: B010


class _Careful:
    """Stands in for the module ``pickle`` while a file is read."""

    def __init__(self, refused: list[str]) -> None:
        self._refused = refused

    def loads(self, data: bytes, **options: Any) -> Any:
        """Read what is built of plain values, zones and frequencies."""
        return _Unpickler(self._refused, bytes(data), options).load()


class _Unpickler(pickle.Unpickler):
    """Knows the few classes with which pandas describes an index of times."""

    def __init__(self, refused: list[str], data: bytes, options: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(data), **options)
        self._refused = refused

    def find_class(self, module: str, name: str) -> Any:
        """Give a class that cannot do harm, or refuse."""
        known: dict[tuple[str, str], Any] = {
            ("datetime", "timedelta"): timedelta,
            ("datetime", "timezone"): timezone,
            ("zoneinfo", "ZoneInfo"): ZoneInfo,
            ("builtins", "getattr"): self._zone_member,
            ("__builtin__", "getattr"): self._zone_member,
        }
        offset = getattr(offsets, name, None) if module == "pandas._libs.tslibs.offsets" else None
        if isinstance(offset, type) and issubclass(offset, offsets.BaseOffset):
            return offset
        if (module, name) not in known:
            self._refuse(f"{module}.{name}")
        return known[module, name]

    def _zone_member(self, owner: Any, name: str) -> Any:
        """Stand for ``getattr``, with which a pickled zone names its own constructor."""
        if owner is not ZoneInfo or name != "_unpickle":
            self._refuse(f"{owner}.{name}")
        return ZoneInfo._unpickle  # type: ignore[attr-defined]

    def _refuse(self, name: str) -> None:
        self._refused.append(name)
        raise pickle.UnpicklingError(name)
