"""Tables in HDF5 files, read in a process of its own: the library crashes on damaged files.

Run as a program by :mod:`cryptobt.data.frames`, with the file, the key and a limit of seconds.
"""

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from cryptobt.core.errors import CryptobtError, DataInvalidError, UsageError
from cryptobt.data.frames import KEY_MARK, needed, short
from cryptobt.data.plain import index_as_columns, plain_frame
from cryptobt.data.unpickling import no_pickles


def main() -> None:
    """Answer on stdout: a table as an Arrow stream, or the words of an error whose code is ours."""
    path, key, seconds = sys.argv[1:]
    # kept by the system, also while the library is lost in a loop and whoever asked is gone
    if hasattr(signal, "alarm"):
        signal.alarm(int(seconds))
    stdout = os.dup(1)
    # the library prints where it likes, and stdout is for the answer alone
    os.dup2(2, 1)
    code, content = answer(Path(path), key)
    with os.fdopen(stdout, "wb") as out:
        out.write(content)
    # a library that has met a damaged file can crash when it is closed, with all said
    os._exit(code)


def answer(path: Path, key: str) -> tuple[int, bytes]:
    """Read the one table of a file, or the one of a key, in this process.

    Returns
    -------
    code : int
        0, or the exit code of the error.
    content : bytes
        An Arrow stream of the columns, those of the index first, or the words of the error.
    """
    try:
        return 0, _read(path, key)
    except CryptobtError as error:
        return error.exit_code, str(error).encode(errors="replace")


def _read(path: Path, key: str) -> bytes:
    needed("tables", f"{path}: HDF5 files need PyTables; pip install cryptobt[hdf5]")
    with no_pickles() as refused:
        found = _stored(path, key, refused)
    if refused:
        raise DataInvalidError(
            f"{path}: it holds pickled objects ({refused[0]}), which could run anything and are "
            'never opened; write it with format="table", text as plain strings'
        )
    return found


def _stored(path: Path, key: str, refused: list[str]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with pd.HDFStore(str(path), mode="r") as store:
                return _as_arrow(_table(path, store.get(_one_key(path, key, store.keys()))))
        except CryptobtError:
            raise
        # a damaged file makes pandas and PyTables raise errors of every kind
        except Exception as error:
            if refused:
                return b""
            raise DataInvalidError(
                f"{path}: this is no HDF5 file of pandas that can be read ({short(error)})"
            ) from error


def _table(path: Path, found: Any) -> pd.DataFrame:
    if isinstance(found, pd.Series):
        found = found.to_frame("value" if found.name is None else found.name)
    if not isinstance(found, pd.DataFrame):
        raise DataInvalidError(f"{path}: expected a DataFrame, found {type(found).__name__}")
    return plain_frame(index_as_columns(found))


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


def _as_arrow(frame: pd.DataFrame) -> bytes:
    columns = [pa.array(_in_utc(frame.iloc[:, i])) for i in range(frame.shape[1])]
    table = pa.Table.from_arrays(columns, names=list(frame.columns))
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue().to_pybytes()


def _in_utc(column: pd.Series) -> pd.Series:
    # Arrow does not know every zone that pandas writes
    return column.dt.tz_convert("UTC") if isinstance(column.dtype, pd.DatetimeTZDtype) else column
