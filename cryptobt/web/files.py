"""Files behind the pages: whether they have changed, and which of them may be handed out."""

import os
import stat
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Literal

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
MIMETYPES = {"page": "text/html", "table": "text/csv", "document": "application/json"}


def state_of(paths: Iterable[Path]) -> Hashable:
    """Give something that differs once one of some files has been changed."""
    return tuple(_state(path) for path in paths)


def folder_state(folder: Path) -> Hashable:
    """Give something that differs once a folder in a folder was added, removed or changed."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((one.name, one.stat().st_mtime_ns) for one in entries))
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
    """Read a file that lies in a folder itself; None where it does not, or is a link.

    Parameters
    ----------
    name : str
        One of a fixed list: it has been compared, and holds no path.
    """
    try:
        # a link could lead to any file that this user can read
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _state(path: Path) -> Hashable:
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
