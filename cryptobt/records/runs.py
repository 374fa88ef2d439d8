"""Run folders: they appear complete or not at all."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cryptobt.core.errors import CannotWriteError
from cryptobt.core.files import umask
from cryptobt.core.time import iso_column

_LONGEST = 200


def write_run(out: Path, name: str, files: Mapping[str, str]) -> Path:
    """Write the files of a run into a new folder, made visible by one rename.

    Parameters
    ----------
    out : Path
        Folder of runs; made if it is missing.
    name : str
        Of the run; made safe for any file system.
    files : mapping
        File name to text.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CannotWriteError
        If anything cannot be written; nothing is left behind.
    """
    folder = out / _safe(name)
    temporary: Path | None = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=out, prefix=".part-"))
        for file, text in files.items():
            _write(temporary / file, text)
        # mkdtemp makes a private folder; a run is as readable as any file of the user's.
        temporary.chmod(0o777 & ~umask())
        temporary.rename(folder)
    except OSError as error:
        raise CannotWriteError(
            f"cannot write the run to {folder}: {error.strerror or error}; "
            "free space or choose another folder with --out"
        ) from error
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_writable(out: Path) -> None:
    """Refuse a folder that no run could be written to, before an hour is spent on one.

    Raises
    ------
    CannotWriteError
        Naming the folder and the reason.
    """
    nearest = out.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        Path(tempfile.mkdtemp(dir=nearest, prefix=".part-")).rmdir()
    except OSError as error:
        raise CannotWriteError(
            f"cannot write runs to {out}: {error.strerror or error}; choose another with --out"
        ) from error


def csv_text(frame: pd.DataFrame) -> str:
    r"""Write a frame as the contract's CSV: times ISO 8601 UTC, floats as repr, empty for NaN."""
    text = frame.copy()
    for column in text.columns:
        if isinstance(text[column].dtype, pd.DatetimeTZDtype):
            text[column] = iso_column(text[column]).to_numpy()
        elif text[column].dtype == bool:
            text[column] = text[column].map({True: "true", False: "false"})
    return text.to_csv(index=False, lineterminator="\n")


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _safe(name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "run"
    # File systems take 255 bytes; what tells runs apart stands at the ends.
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 40]}-{safe[-39:]}"
