"""``cryptobt runs list`` and ``show``: what was backtested, and how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptobt.records.run_index import RunEntry, find_run, read_runs
from cryptobt.reports.runs_terminal import runs_table
from cryptobt.reports.terminal import summary


@dataclass(frozen=True)
class RunList:
    """Backtests of a folder, newest first.

    Attributes
    ----------
    rows : list of dict
        One document a run: what it was, its Sharpe ratio, verdict and number of trials; None where
        a run, which may be an old one, has none.
    out : Path
        The folder.
    """

    rows: list[dict[str, Any]]
    out: Path

    def text(self) -> str:
        """The table, or a sentence where there is nothing to show."""
        if not self.rows:
            return f"no such run in {self.out}; `cryptobt backtest` makes one"
        return runs_table(self.rows)


def list_runs(
    out: Path, strategy: str | None, symbol: str | None, warn: Callable[[str], None]
) -> RunList:
    """List the backtests in a folder of runs.

    Parameters
    ----------
    strategy, symbol : str or None
        Which to show; None for all.
    warn : callable
        Told of each folder that is damaged or not whole.

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    runs, problems = read_runs(out)
    for problem in problems:
        warn(problem)
    rows = [row_of(run) for run in runs]
    return RunList(
        [
            row
            for row in rows
            if strategy in (None, row["strategy"]) and (symbol is None or symbol in row["symbols"])
        ],
        out,
    )


def show_run(name: str, out: Path) -> str:
    """Sum a run up as it was summed up when it ended, and say where it lies.

    Raises
    ------
    UsageError
        If there is no such run, or there are several.
    DataInvalidError
        If its folder is damaged.
    """
    run = find_run(name, out)
    page = run.folder / "tearsheet.html"
    return summary(run.metrics, run_folder=str(run.folder), tearsheet=str(page))


def row_of(run: RunEntry) -> dict[str, Any]:
    """Tell a run in a row of the list."""
    metrics, manifest = run.metrics, run.manifest
    symbols = metrics.get("symbols")
    return {
        "run_id": run.run_id,
        "created_at": str(manifest["created_at"]),
        "strategy": str(metrics["strategy"]),
        "account": manifest.get("account"),
        "symbols": [str(one) for one in symbols] if isinstance(symbols, list) else [],
        "interval": metrics.get("interval"),
        "first": metrics.get("first"),
        "last": metrics.get("last"),
        "simulated": bool(metrics.get("simulated")),
        "sharpe": _at(metrics, "rows", "strategy", "performance", "sharpe", "value"),
        "verdict": _at(metrics, "verdict", "grade"),
        "trials": _at(manifest, "trials", "n"),
        "folder": str(run.folder),
    }


def _at(document: Any, *keys: str) -> Any:
    """Follow keys; None where one of them is not there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document
