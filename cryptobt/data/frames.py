"""Tables in Parquet and HDF5 files, read without ever opening a pickled object."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.data.plain import UNNAMED, plain_frame

KEY_MARK = "::"
"""What stands between an HDF5 file and the key of one of its tables."""

_PARQUET = frozenset({".parquet", ".pq"})
_HDF5 = frozenset({".h5", ".hdf5"})
# numbers below are no seconds of any market: 1e8 seconds is 1973
_FIRST_EPOCH = 1e8
# a healthy file takes a second, one of a gigabyte some ten
_SECONDS, _SECONDS_PER_GB = 60, 120
_READER = (
    "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
    "from cryptobt.data import hdf5; hdf5.main()"
)


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
    return plain_frame(_named_time(frame, is_time))


def _read_parquet(path: Path) -> pd.DataFrame:
    advice = f"{path}: Parquet files need pyarrow; pip install pyarrow"
    arrow, parquet = needed("pyarrow", advice), needed("pyarrow.parquet", advice)
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            # without the notes of pandas an index is a column like any other
            table = file.read().replace_schema_metadata(None)
        return table.to_pandas(date_as_object=False)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataInvalidError(
            f"{path}: this is no Parquet file that can be read ({short(error)})"
        ) from error


def needed(module: str, advice: str) -> ModuleType:
    """Import what reads a format, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(advice) from error


def short(error: Exception) -> str:
    """Give the beginning of what a library says."""
    # that for HDF5 first tells where in its own sources it was
    said = str(error).rpartition("End of HDF5 error back trace")[2].strip()
    return (said or type(error).__name__).splitlines()[0][:120]


def _read_hdf5(path: Path, key: str) -> pd.DataFrame:
    code, content = _asked(path, key)
    for kind in (UsageError, DataInvalidError):
        # without words the code is of some other end
        if code == kind.exit_code and content:
            raise kind(content.decode())
    arrow = importlib.import_module("pyarrow")
    try:
        if code == 0:
            return arrow.ipc.open_stream(content).read_all().to_pandas()
    except arrow.ArrowException:
        # it says that it is done, and has told half
        pass
    raise DataInvalidError(f"{path}: {_end(code)}")


def _asked(path: Path, key: str) -> tuple[int, bytes]:
    """Have another process read the file: its exit code, and what it said.

    The HDF5 library does not survive every damaged file, and takes its process with it.
    """
    limit = _SECONDS + int(_SECONDS_PER_GB * path.stat().st_size / 1e9)
    places = os.pathsep.join(sys.path)
    # should this process be killed, the other one ends by itself a little later
    command = [sys.executable, "-c", _READER, places, str(path), key, str(limit + 5)]
    try:
        # an interrupt kills the other process before it goes on up
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataInvalidError(
            f"{path}: the file is damaged, or too large: it was not read within {limit} seconds"
        ) from error
    return done.returncode, done.stdout


def _end(code: int) -> str:
    name = signal.Signals(-code).name if -code in set(signal.Signals) else ""
    if name == "SIGKILL":
        return "what read it was killed, perhaps for want of memory; free some or split the file"
    end = f"crashed ({name})" if name else f"failed (exit code {code})"
    return f"the file is damaged: the library for HDF5 {end} on it; write it anew or get it again"


def _named_time(frame: pd.DataFrame, is_time: Callable[[str], bool]) -> pd.DataFrame:
    """Call an index without a name ``time`` where it is the time; else leave it out."""
    names = [str(name) for name in frame.columns]
    if UNNAMED in names:
        place = names.index(UNNAMED)
        if any(map(is_time, names)) or not _may_be_time(frame.iloc[:, place]):
            return frame.iloc[:, [i for i in range(len(names)) if i != place]]
        names[place] = "time"
    return frame.set_axis(names, axis=1)


def _may_be_time(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return True
    return bool(column.abs().median() >= _FIRST_EPOCH)
