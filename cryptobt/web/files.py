"""Files behind the pages: whether they have changed, and which of them may be handed out."""

import os
import stat
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Literal

from cryptobt.core.files import read_whole

Kind = Literal["page", "table", "document"]
RUN_FILES: dict[str, Kind] = {
    "tearsheet.html": "page",
    "run.json": "document",
    "metrics.json": "document",
    "equity.csv": "table",
    "weights.csv": "table",
    "orders.csv": "table",
    "fills.csv": "table",
    "trades.csv": "table",
    "forecasts.csv": "table",
}
"""Files of a backtest's folder that are handed out."""
AUDIT_FILES: dict[str, Kind] = {
    "audit.html": "page", "audit.json": "document", "run.json": "document",
}  # fmt: skip
"""Files of an audit's folder that are handed out."""
MOST_BYTES = 128 * 1024 * 1024
"""Of a file that is handed out: it is read at once."""
MIMETYPES = {"page": "text/html", "table": "text/csv", "document": "application/json"}


def state_of(paths: Iterable[Path]) -> Hashable:
    """Give something that differs once one of some files has been changed."""
    return tuple(_state(path) for path in paths)


def folder_state(folder: Path) -> Hashable:
    """Give something that differs once a folder in a folder was added, removed or changed."""
    try:
        with os.scandir(folder) as entries:
            # of a link that leads nowhere the name is left
            found = sorted(entries, key=lambda one: one.name)
            return tuple((one.name, _state(one)) for one in found)
    except OSError:
        return None


def tree_state(folder: Path) -> Hashable:
    """Give something that differs once a file anywhere below a folder was changed."""
    return tuple(
        (path, _state(Path(path) / name))
        for path, _, names in os.walk(folder)
        for name in sorted(names)
    )


def listed(folder: Path, names: dict[str, Kind]) -> list[dict[str, Any]]:
    """List the files of a folder that are handed out."""
    found = []
    for name, kind in names.items():
        size = _size(folder / name)
        if size is not None:
            found.append({"file": name, "bytes": size, "kind": kind})
    return found


def read_own(folder: Path, name: str) -> bytes | None:
    """Read a file that lies in a folder itself; None where it does not, is a link, or too large.

    Parameters
    ----------
    name : str
        One of a fixed list: it has been compared, and holds no path.
    """
    if folder.is_symlink():
        return None  # it was none when it was listed
    try:
        # a link could lead to any file that this user can read
        return read_whole(folder / name, MOST_BYTES, links=False)
    except OSError:
        return None


def _state(path: "Path | os.DirEntry[str]") -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
