"""One backtest as a document: what it came to, what it was made from, and how to repeat it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptobt.jobs.run_differences import flat_settings
from cryptobt.jobs.runs import row_of
from cryptobt.records.run_index import RunEntry, read_run
from cryptobt.reports.comparison_words import OWN, PAIRED
from cryptobt.reports.numbers import finite, measure
from cryptobt.reports.terminal import summary

_LONGEST = 500
"""Characters of a setting that are shown."""
_FOLDERS = re.compile(r"""(["=])(?:/|[A-Za-z]:\\)[^"]*[/\\]""")
"""The folders of an absolute path in a JSON text."""


def run_sheet(folder: Path) -> dict[str, Any]:
    """Read a backtest's folder and give everything that a page shows of it.

    Returns
    -------
    dict
        A row of :func:`~cryptobt.jobs.runs.list_runs`, and ``summary`` (lines, as at its end),
        ``headline`` (numbers with intervals), ``verdict_text``, ``reasons``, ``warnings``,
        ``command``, ``settings`` and ``data``.

    Raises
    ------
    DataInvalidError
        If the folder is damaged, or no backtest.
    """
    run = read_run(folder)
    verdict = _mapping(run.metrics.get("verdict"))
    lines = summary(run.metrics, run_folder="", tearsheet="").splitlines()
    return row_of(run) | {
        # the last two name files of the machine it was made on
        "summary": lines[:-2],
        "headline": _headline(run.metrics),
        "verdict_text": _text(verdict.get("text")),
        "reasons": [_reason(_mapping(one)) for one in _list(verdict.get("reasons"))],
        "warnings": [_said(one) for one in _list(verdict.get("warnings"))],
        "command": _text(run.manifest.get("command")) or None,
        "settings": _settings(run),
        "data": [_data(_mapping(one)) for one in _list(run.manifest.get("data"))],
    }


def shown_value(value: Any) -> str:
    """Write a setting as JSON, of files their names alone, cut where it is long."""
    text = _FOLDERS.sub(r"\1", json.dumps(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _headline(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, (label, _) in (PAIRED | OWN).items():
        part = "direction" if name == "accuracy" else "performance"
        one = measure(metrics, "rows", "strategy", part, name)
        told = _mapping(_mapping(_mapping(metrics["rows"]).get("strategy")).get(part)).get(name)
        found.append({
            "name": name, "label": label, "value": one.value, "low": one.low, "high": one.high,
            "unit": _text(_mapping(told).get("unit")), "reason": one.reason or None,
        })  # fmt: skip
    return found


def _settings(run: RunEntry) -> list[dict[str, str]]:
    settings = _mapping(run.manifest.get("settings"))
    if not all(isinstance(part, dict) for part in settings.values()):
        return []
    flat = flat_settings(run.manifest)
    return [{"key": str(key), "value": shown_value(value)} for key, value in flat.items()]


def _data(told: Mapping[str, Any]) -> dict[str, Any]:
    rows = finite(told.get("rows"))
    return {
        "symbol": _text(told.get("symbol")),
        "source": _text(told.get("source")),
        "bars": None if rows is None else int(rows),
        "first": _text(told.get("first")) or None,
        "last": _text(told.get("last")) or None,
    }


def _reason(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": _text(told.get("text")), "holds": told.get("holds")}


def _said(warning: Any) -> str:
    return _text(_mapping(warning).get("text")) if isinstance(warning, dict) else _text(warning)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
