"""Run folders written by hand: as small as a reader of them allows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings


def made_run(
    out: Path,
    run_id: str,
    first: str = "2020-01-01",
    days: int = 100,
    interval: str = "1d",
    seed: int = 0,
    strategy: str = "momentum",
    symbols: tuple[str, ...] = ("BTC-USD",),
    at: str = "2025-02-03T04:05:06Z",
    equity: np.ndarray | None = None,
    **manifest: Any,
) -> Path:
    """Write a run of some days, whose returns are drawn."""
    step = pd.Timedelta(interval.replace("d", "D"))
    times = pd.date_range(first, periods=days, freq=step, tz="UTC")
    if equity is None:
        equity = 10_000 * (1 + np.random.default_rng(seed).normal(0.001, 0.02, days)).cumprod()
    folder = out / f"{at.replace('-', '').replace(':', '')}-{strategy}-{symbols[0]}-{run_id}"
    folder.mkdir(parents=True)
    stamps = times.strftime("%Y-%m-%dT%H:%M:%SZ")
    table = pd.DataFrame({"time": stamps, "equity_quote": equity, "cash_quote": 0.0})
    table.to_csv(folder / "equity.csv", index=False)
    documents = {
        "run.json": {
            "run_id": run_id,
            "created_at": at,
            "settings": Settings.model_validate({"strategy": {"name": strategy}}).model_dump(
                mode="json", exclude={"run"}
            ),
            "data": [{"symbol": symbol, "hash": f"{seed}" * 64} for symbol in symbols],
            "code_version": "0.1.0+abc",
            "libraries": {"numpy": "2"},
            "trials": {"n": 7},
            **manifest,
        },
        "metrics.json": {
            "strategy": strategy,
            "simulated": False,
            "symbols": list(symbols),
            "interval": interval,
            "first": stamps[0],
            "last": stamps[-1],
            "rows": {"strategy": {"performance": {"sharpe": {"value": 1.25}, "trades": 3}}},
            "verdict": {"grade": "none", "text": "no evidence of skill"},
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder
