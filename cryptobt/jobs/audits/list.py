"""Audits that were made: listed, and found by whatever a person calls them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptobt.jobs.audits.report import PAGE
from cryptobt.records.run_index import AuditEntry, find_folder, read_audit, read_audits


def list_audits(out: Path, warn: Callable[[str], None]) -> list[dict[str, Any]]:
    """List the audits in a folder of runs, newest first.

    Parameters
    ----------
    warn : callable
        Told of each folder of an audit that is damaged.

    Returns
    -------
    list of dict
        ``id``, ``folder``, ``audit`` (its kind), ``what`` (strategy, or run, that was audited),
        ``outcome``, ``headline``, ``created_at`` and ``page`` (a path).

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    audits, problems = read_audits(out)
    for problem in problems:
        warn(problem)
    return [_row(audit) for audit in audits]


def find_audit(name: str, out: Path) -> dict[str, Any]:
    """Find an audit by its id, the beginning of one, its folder's name, or its path.

    Returns
    -------
    dict
        As a row of :func:`list_audits`, and the ``document`` itself.

    Raises
    ------
    UsageError
        If there is none, with the nearest there is, or if there are several.
    DataInvalidError
        If its folder is damaged, or is no audit's.
    """
    audit = read_audit(find_folder(name, out, "audit"))
    return _row(audit) | {"document": audit.document}


def _row(audit: AuditEntry) -> dict[str, Any]:
    document = audit.document
    return {
        "id": str(audit.manifest["run_id"]),
        "folder": str(audit.folder),
        "audit": str(document["audit"]),
        "what": document.get("run") or document.get("strategy"),
        "outcome": str(document["outcome"]),
        "headline": str(document["headline"]),
        "created_at": str(audit.manifest["created_at"]),
        "page": str(audit.folder / PAGE),
    }
