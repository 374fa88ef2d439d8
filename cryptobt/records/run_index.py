"""Runs that lie in a folder: read, and found by whatever a person calls them."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.files import read_whole

_PART = ".part-"
AUDIT = "audit.json"
_OTHERS = ("evaluation.json", "explanation.json", "reproduction.json", AUDIT)
"""Documents of folders that are whole, and no backtests."""
_MOST_BYTES = 64 * 1024 * 1024
"""Of a document; that of a backtest has some hundred thousand."""


@dataclass(frozen=True)
class AuditEntry:
    """An audit's folder, read.

    Attributes
    ----------
    folder : Path
        Where it lies.
    manifest, document : dict
        ``run.json`` and ``audit.json``.
    """

    folder: Path
    manifest: dict[str, Any]
    document: dict[str, Any]


@dataclass(frozen=True)
class RunEntry:
    """A backtest's folder, read.

    Attributes
    ----------
    folder : Path
        Where it lies.
    manifest, metrics : dict
        ``run.json`` and ``metrics.json``.
    """

    folder: Path
    manifest: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Eight hexadecimal digits."""
        return str(self.manifest["run_id"])


def read_runs(out: Path) -> tuple[list[RunEntry], list[str]]:
    """Read every backtest in a folder of runs.

    Returns
    -------
    list of RunEntry
        Newest first.
    list of str
        A line for each folder that is damaged or not whole.

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    runs, problems = [], []
    for folder in _folders(out):
        try:
            if not _is_other(folder):
                runs.append(read_run(folder))
        except DataInvalidError as error:
            problems.append(str(error))
    runs.sort(key=lambda run: (str(run.manifest["created_at"]), run.run_id), reverse=True)
    return runs, problems


def read_audits(out: Path) -> tuple[list[AuditEntry], list[str]]:
    """Read every audit in a folder of runs, newest first; also a line for each damaged one.

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    audits, problems = [], []
    for folder in _folders(out):
        try:
            if _has(folder, AUDIT) and not folder.name.startswith(_PART):
                audits.append(read_audit(folder))
        except DataInvalidError as error:
            problems.append(str(error))
    audits.sort(key=lambda one: (str(one.manifest["created_at"]), one.folder.name), reverse=True)
    return audits, problems


def read_audit(folder: Path) -> AuditEntry:
    """Read an audit's folder.

    Raises
    ------
    DataInvalidError
        If it is damaged, or no audit.
    """
    manifest = _document(folder, "run.json", ("run_id", "created_at"))
    if not _has(folder, AUDIT):
        raise DataInvalidError(f"{folder} is no audit: it has no {AUDIT}")
    return AuditEntry(folder, manifest, _document(folder, AUDIT, ("audit", "outcome", "headline")))


def read_run(folder: Path) -> RunEntry:
    """Read a backtest's folder.

    Raises
    ------
    DataInvalidError
        If it is damaged, half written, or no backtest.
    """
    if folder.name.startswith(_PART):
        raise DataInvalidError(
            f"{folder} is being written, or was left by a run that was killed: remove it then"
        )
    manifest = _document(folder, "run.json", ("run_id", "created_at"))
    if _is_other(folder):
        raise DataInvalidError(f"{folder} is no backtest: it has no metrics.json")
    return RunEntry(folder, manifest, _document(folder, "metrics.json", ("strategy", "rows")))


def find_run(name: str, out: Path) -> RunEntry:
    """Find a backtest by its id, the beginning of one, its folder's name, or its path.

    Raises
    ------
    UsageError
        If there is none, with the nearest there is, or if there are several.
    DataInvalidError
        If its folder is damaged.
    """
    return read_run(find_folder(name, out, "run"))


def find_folder(name: str, out: Path, what: str) -> Path:
    """Find a folder of any kind by its id, the beginning of one, its name, or its path.

    Parameters
    ----------
    what : str
        What is looked for, as a user calls it.

    Raises
    ------
    UsageError
        If there is none, with the nearest there is, or if there are several.
    """
    if (Path(name) / "run.json").is_file():
        return Path(name)
    calls = {folder: _calls(folder) for folder in _folders(out)}
    found = [folder for folder, known in calls.items() if name in known] or [
        folder for folder, known in calls.items() if any(one.startswith(name) for one in known)
    ]
    if not name or not found:
        raise UsageError(f"there is no {what} '{name}' in {out}; {_hint(name, calls.values())}")
    if len(found) > 1:
        shown = ", ".join(folder.name for folder in found[:4]) + (", …" if len(found) > 4 else "")
        raise UsageError(f"'{name}' could be {shown}; write more of its name")
    return found[0]


def _folders(out: Path) -> list[Path]:
    """Folders among the runs; hidden ones are ours only where a run is being written."""
    if not out.is_dir():
        raise UsageError(
            f"there is no folder {out}; say with --out where the runs are, or make one with "
            "`cryptobt backtest`"
        )
    try:
        every = sorted(path for path in out.iterdir() if path.is_dir())
    except OSError as error:
        raise DataInvalidError(f"{out} cannot be read: {error.strerror or error}") from error
    return [path for path in every if path.name.startswith(_PART) or path.name[0] != "."]


def _calls(folder: Path) -> tuple[str, ...]:
    """Names by which a folder may be called; of a damaged one its name is left."""
    try:
        return str(_document(folder, "run.json", ("run_id",))["run_id"]), folder.name
    except DataInvalidError:
        return (folder.name,)


def _hint(name: str, calls: Iterable[tuple[str, ...]]) -> str:
    known = [one for names in calls for one in names]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else "`cryptobt runs list` shows what there is"


def _is_other(folder: Path) -> bool:
    return not _has(folder, "metrics.json") and any(_has(folder, name) for name in _OTHERS)


def _has(folder: Path, name: str) -> bool:
    """Whether something lies in a folder; who may not look is told so once it is read."""
    try:
        return (folder / name).exists()
    except OSError:
        return False


def _document(folder: Path, name: str, needed: Iterable[str]) -> dict[str, Any]:
    """Read a JSON document with all keys that are needed."""
    path = folder / name
    try:
        document = json.loads(read_whole(path, _MOST_BYTES).decode())
    except FileNotFoundError as error:
        raise DataInvalidError(f"{folder} is no whole run: it has no {name}") from error
    except OSError as error:
        raise DataInvalidError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataInvalidError(f"{path} is damaged: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise DataInvalidError(f"{path} is damaged: it is no JSON object")
    if missing := [key for key in needed if key not in document]:
        raise DataInvalidError(f"{path} is damaged: it has no '{missing[0]}'")
    return document
