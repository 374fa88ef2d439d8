"""Files of rows as they come: header found, every row kept, every line or row number known."""

import gzip
import re
import warnings
import zlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.data.frames import is_frame_file, read_frame, split_key

TIME_NAMES = (
    "unix", "unix time", "unix timestamp", "timestamp", "open time", "time", "datetime", "date",
    "date time", "period", "start",
)  # fmt: skip
"""Names under which a time column is found, normalised as by :func:`normalise`."""

_HEADER_SEARCH_LINES = 5
_SNIFF_BYTES = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Attributes
    ----------
    label : str
        The file, as the user named it; it opens every message about the file.
    header : tuple of str
        Column names as written.
    frame : DataFrame
        Index: line number in the file, from 1; of a Parquet or HDF5 file the row number. Columns:
        positions 0..n-1 of the header and one more, n, which holds the first field that a row has
        too many. Columns that hold text anywhere are text throughout; missing fields are NaN.
    unit : {"line", "row"}
        What the index counts.
    """

    label: str
    header: tuple[str, ...]
    frame: pd.DataFrame
    unit: Literal["line", "row"] = "line"

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in lower case, with single spaces for underscores."""
        return tuple(normalise(name) for name in self.header)

    def position(self, names: Iterable[str], wanted: str) -> int:
        """Find the column that carries the first of ``names`` there is.

        Raises
        ------
        DataInvalidError
            Naming the file, what was wanted and the columns found; or if two carry the name.
        """
        for name in names:
            if name in self.names:
                return self._only(name)
        found = ", ".join(name or "(no name)" for name in self.header)
        raise DataInvalidError(
            f"{self.label}: there is no {wanted} column; the columns found are {found[:200]}"
        )

    def time_position(self) -> int:
        """Find the time column; where several could be it, one that counts from 1970 wins."""
        candidates = [name for name in TIME_NAMES if name in self.names]
        for name in candidates:
            column = self._only(name)
            if pd.api.types.is_numeric_dtype(self.frame[column].dtype):
                return column
        return self.position(TIME_NAMES, "time")

    def _only(self, name: str) -> int:
        if self.names.count(name) > 1:
            raise DataInvalidError(
                f"{self.label}: there are two columns '{name}'; name one anew or leave it out"
            )
        return self.names.index(name)

    def surplus(self) -> pd.Series:
        """Select the fields that stand beyond the last column of the header."""
        return self.frame[len(self.header)].dropna()

    def place(self, number: Hashable) -> str:
        """Name a row of the file, to open a message."""
        return f"{self.label}, {self.unit} {number}"

    def counted(self, text: str) -> str:
        """Say "row 3" for "line 3" where the file has no lines; quoted values stay as they are."""
        if self.unit == "line":
            return text
        kept = rf"{re.escape(self.label)}|'[^']*'|\bline (?=\d)"
        return re.sub(kept, lambda found: "row " if found[0] == "line " else found[0], text)


def normalise(name: str) -> str:
    """Write a column name in lower case with single spaces, so that spellings meet."""
    return re.sub(r"[\s_]+", " ", name.strip().strip("\"'")).lower()


def read_table(path: Path) -> Table:
    """Read a delimited text file, plain or gzip, or one of Parquet or HDF5, not judging its rows.

    The header of a text is the first of the first five lines that names a time column, so that a
    line with an address above it does no harm; fields are separated by comma, semicolon or tab.
    Files that end in .parquet, .pq, .h5 or .hdf5 are read by :mod:`cryptobt.data.frames`.

    Raises
    ------
    UsageError
        If the file is missing, no regular file (a pipe or folder), or cannot be opened; if what
        reads its format is not installed, or it has no table of the key named.
    DataInvalidError
        If it is empty, no text, no table, or holds no row below its header.
    """
    label = str(path)
    head = _read_head(split_key(path)[0])
    if is_frame_file(path):
        return _table_of_frame(path, label)
    # only these end a line for the reader of the rows too, whose lines are counted from here
    lines = re.split("\r\n|\n|\r", _decode(head, label))
    if not any(line.strip() for line in lines):
        raise DataInvalidError(f"{label}: the file is empty; expected a header and rows")
    number = _header_line(lines)
    separator = max(",;\t", key=lines[number].count)
    header = tuple(cell.strip().strip('"') for cell in lines[number].split(separator))
    first = lines[number + 1].split(separator) if len(lines) > number + 1 else []
    frame = _read_rows(path, head, number + 1, separator, header, _dated(header, first))
    if not _holds_a_row(frame):
        raise DataInvalidError(f"{label}: there is a header but no row below it")
    return Table(label, header, frame)


def _table_of_frame(path: Path, label: str) -> Table:
    frame = read_frame(path, lambda name: normalise(name) in TIME_NAMES)
    if not _holds_a_row(frame):
        raise DataInvalidError(f"{label}: the table holds no row")
    header = tuple(str(name) for name in frame.columns)
    # no row of such a file is longer than its header
    surplus = frame.set_axis(range(len(header)), axis=1).reindex(columns=range(len(header) + 1))
    return Table(label, header, surplus, "row")


def _holds_a_row(frame: pd.DataFrame) -> bool:
    """Whether any row has a value; mostly the first has."""
    first = bool(frame.iloc[:1].notna().any(axis=None))
    return first or bool(frame.notna().any(axis=None))


def _read_head(path: Path) -> bytes:
    try:
        # a pipe can be read once only, and the file is opened more than once
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not a regular file; give a file")
        with path.open("rb") as file:
            head = file.read(_SNIFF_BYTES)
        if head.startswith(_GZIP_MAGIC):
            with gzip.open(path, "rb") as file:
                head = file.read(_SNIFF_BYTES)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataInvalidError(f"{path}: the compressed file is damaged ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be read ({error.strerror})") from error
    return head


def _decode(head: bytes, label: str) -> str:
    if b"\x00" in head:
        raise DataInvalidError(f"{label}: this is no text file; expected comma-separated text")
    return head.removeprefix(_BOM).decode("utf-8", errors="replace")


def _header_line(lines: list[str]) -> int:
    filled = [number for number, line in enumerate(lines[:_HEADER_SEARCH_LINES]) if line.strip()]
    for number in filled:
        if {normalise(cell) for cell in re.split("[,;\t]", lines[number])} & set(TIME_NAMES):
            return number
    return filled[0] if filled else 0


def _dated(header: tuple[str, ...], first: list[str]) -> list[int]:
    """List the time columns that hold dates, judged by their first row."""
    times = [i for i, name in enumerate(header) if normalise(name) in TIME_NAMES]
    return [i for i in times if i < len(first) and re.match(r'\s*"?\d+-', first[i])]


def _read_rows(
    path: Path,
    head: bytes,
    header_lines: int,
    separator: str,
    header: tuple[str, ...],
    dated: list[int],
) -> pd.DataFrame:
    width = len(header)
    options: dict[str, Any] = {
        "sep": separator,
        "index_col": False,
        "skip_blank_lines": False,
        "parse_dates": dated,
        "date_format": "ISO8601",
        "compression": "gzip" if _is_gzip(path) else None,
        "encoding": "utf-8-sig" if head.startswith(_BOM) else "utf-8",
        # a column is of one type throughout
        "low_memory": False,
    }
    try:
        frame = _parse(path, options | {"header": header_lines - 1, "names": range(width)})
        frame[width] = np.nan
    except DataInvalidError:
        # Some row has a field too many. To look for one in every file would take a tenth longer,
        # and so would to skip lines.
        options |= {"header": None, "skiprows": header_lines, "names": range(width + 1)}
        frame = _parse(path, options)
    frame.index = pd.RangeIndex(header_lines + 1, header_lines + 1 + len(frame))
    return frame


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _parse(path: Path, options: dict[str, Any]) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # pandas drops surplus fields of a first row with a mere warning
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame: pd.DataFrame = pd.read_csv(path, **options)
        except pd.errors.EmptyDataError as error:
            raise DataInvalidError(f"{path}: there is a header but no row below it") from error
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise DataInvalidError(_explain(path, error)) from error
        except UnicodeDecodeError as error:
            raise DataInvalidError(f"{path}: this is no UTF-8 text ({error.reason})") from error
        except (EOFError, OSError, zlib.error) as error:
            raise DataInvalidError(f"{path}: the compressed file is damaged ({error})") from error
    return frame


def _explain(path: Path, error: Exception) -> str:
    place = re.search(r"line (\d+)", str(error))
    where = f"{path}, line {place[1]}" if place else f"{path}, first row"
    return f"{where}: there are more fields than the header names; mend the row"
