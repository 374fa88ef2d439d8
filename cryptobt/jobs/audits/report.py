"""What every audit leaves behind: a run folder with its document and its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.run_files import json_text
from cryptobt.jobs.run_folder import Steps, write_run_folder
from cryptobt.strategies.registry import find_strategy

SCHEMA = 1
DOCUMENT, PAGE = "audit.json", "audit.html"
_OF_A_TRADE = {"forecasts_hash", "trials"}


@dataclass(frozen=True)
class AuditReport:
    """What an audit left behind.

    Attributes
    ----------
    folder : Path
        The run folder.
    document : dict
        The ``audit.json`` document.
    """

    folder: Path
    document: dict[str, Any]

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / PAGE

    def summary(self) -> str:
        """Sum the audit up for a terminal, in fewer than 30 lines."""
        from cryptobt.reports.audit_terminal import audit_summary

        return audit_summary(self.document, run_folder=str(self.folder), page=str(self.page))

    def problem(self) -> str:
        """What was found wrong, in one line."""
        return f"{str(self.document['headline']).rstrip('.')}; see {self.page}"


def write_audit(
    document: dict[str, Any],
    label: str,
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    now: pd.Timestamp,
    command: str,
    steps: Steps,
    shared: Mapping[str, Any] | None = None,
) -> AuditReport:
    """Draw the page and write the run folder, whole or not at all.

    Parameters
    ----------
    document : dict
        Of the audit, JSON values alone; it repeats byte for byte.
    label : str
        For the folder's name: ``audit-``, the kind, and what was audited.
    command : str
        As the user typed it; kept in ``run.json`` alone.
    steps : Steps
        Ended here; the seconds of each go to ``run.json``.
    shared : mapping, optional
        What ``run.json`` of a repetition would have in common; by default what the settings and
        the data tell. An audit of a finished run brings that run's own.
    """
    from cryptobt.reports.audit_page import render_audit

    steps.begin("drawing the page")
    files = {DOCUMENT: json_text(document), PAGE: render_audit(document)}
    known = _shared(settings, markets, extras) if shared is None else shared
    spent = {"timings_s": steps.end()}
    folder = write_run_folder(label, files, known, settings, markets, now, command, spent)
    return AuditReport(folder, document)


def _shared(
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
) -> dict[str, Any]:
    whole = manifest(settings, markets, extras, find_strategy(settings.strategy.name), "")
    return {key: value for key, value in whole.items() if key not in _OF_A_TRADE}
