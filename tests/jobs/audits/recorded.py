"""Run folders with real accounts in them: traded by ``run_backtest``, written as a run is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.columns import FORECASTS
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.jobs.audits.accounts import AccountAudit
from cryptobt.jobs.audits.recomputed_account import recompute
from cryptobt.jobs.audits.recorded_account import read_account
from cryptobt.jobs.events import Events
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.run_files import json_text
from cryptobt.jobs.run_folder import keep_snapshot
from cryptobt.records.run_index import read_run
from cryptobt.records.runs import csv_text, write_run

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
RUN_ID = "0a1b2c3d"
TABLES = ("equity", "weights", "orders", "fills", "trades")


def recorded(
    out: Path,
    markets: Sequence[MarketData],
    trader: Trader,
    settings: Settings,
    decided_at: Mapping[pd.Timestamp, pd.Timestamp] | None = None,
) -> Path:
    """Trade, and write what a run folder says of the account; its measures and page are left out.

    A rule without forecasts: with them the first row of ``forecasts.csv`` is the first decision.
    """
    result = run_backtest(markets, None, trader, settings, decided_at=decided_at)
    return written(out, markets, trader, settings, result)


def written(
    out: Path,
    markets: Sequence[MarketData],
    trader: Trader,
    settings: Settings,
    result: BacktestResult,
) -> Path:
    texts = {f"{name}.csv": csv_text(getattr(result, name)) for name in TABLES}
    texts["forecasts.csv"] = csv_text(pd.DataFrame(columns=list(FORECASTS)))
    shared = manifest(settings, markets, {}, trader.spec, texts["forecasts.csv"])
    own = {"run_id": RUN_ID, "created_at": "2025-02-03T04:05:06Z", "command": ""}
    texts["run.json"] = json_text(own | shared)
    counted = {"submitted": len(result.orders)}
    texts["metrics.json"] = json_text(
        {"strategy": trader.spec.name, "rows": {}, "orders": counted}
    )  # fmt: skip
    for market in markets:
        keep_snapshot(market)
    return write_run(out, f"20250203T040506Z-tested-{RUN_ID}", texts)


def audited(folder: Path) -> dict[str, Any]:
    """The document of the audit, without its folder and its page."""
    account = read_account(read_run(folder))
    return AccountAudit(account, recompute(account)).document()


def edit(folder: Path, name: str, row: int, column: str, value: str) -> None:
    """Write another value into a table; rows count from 1."""
    path = folder / f"{name}.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[row][lines[0].index(column)] = value
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")


def value_of(folder: Path, name: str, row: int, column: str) -> str:
    lines = [line.split(",") for line in (folder / f"{name}.csv").read_text().splitlines()]
    return lines[row][lines[0].index(column)]


def without_row(folder: Path, name: str, row: int) -> None:
    """Take a row out of a table."""
    path = folder / f"{name}.csv"
    lines = path.read_text().splitlines()
    del lines[row]
    path.write_text("\n".join(lines) + "\n")


def with_setting(folder: Path, section: str, key: str, value: Any) -> None:
    path = folder / "run.json"
    document = json.loads(path.read_text())
    document["settings"][section][key] = value
    path.write_text(json.dumps(document))
