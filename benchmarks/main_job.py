"""The main job by its command line: seconds cold and warm, and the memory of all its processes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.crew import ROOT
from benchmarks.memory import EVERY_S, Usage, run_and_watch
from benchmarks.table import Figure, Section, skipped, spread

PROGRAM = Path(sys.executable).with_name("cryptobt")
MAIN = ("backtest", "--strategy", "attn_signal", "--source", "sample", "--workers", "2")
CHANGED = ("--set", "costs.fee_bps=20", "--set", "strategy.params.gain=0.6")
FIVE_MINUTES = "btc_usdt_binance_5m_2022_2023.csv.gz"
BUDGET = (
    "forecaster.window_bars=256",
    "walkforward.refit_days=180",
    "walkforward.ensemble_seeds=2",
    "training.epochs=1",
    "metrics.bootstrap_draws=200",
)
REAL_DATA = "CRYPTOBT_REAL_DATA"
WARM_RUNS, HELP_RUNS = 3, 15


class Job(NamedTuple):
    """One finished run: what it took, and the seconds of its steps by its own clock."""

    usage: Usage
    steps: Mapping[str, float]


def sections() -> list[Section]:
    """Measure the main job, cold and warm, and the five-minute job."""
    with tempfile.TemporaryDirectory() as folder:
        cold = _run(Path(folder), *MAIN)
        warm = [_run(Path(folder), *MAIN, *CHANGED) for _ in range(WARM_RUNS)]
        page = _page(Path(folder))
    return [
        Section("Main job", [_help(), *_seconds(cold, warm), page], [_steps(cold, warm[-1])]),
        Section("Memory of all processes together", [_main_memory(cold), _five_minutes()]),
    ]


def _run(home: Path, *arguments: str) -> Job:
    usage = run_and_watch(
        [PROGRAM, *arguments, "--out", str(home / "runs")], {"CRYPTOBT_HOME": str(home)}
    )
    newest = max((home / "runs").glob("*/run.json"), key=lambda file: file.stat().st_mtime_ns)
    return Job(usage, json.loads(newest.read_text(encoding="utf-8"))["timings_s"])


def _help() -> Figure:
    seconds = []
    for _ in range(HELP_RUNS):
        began = time.perf_counter()
        subprocess.run([PROGRAM, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return Figure(
        "`cryptobt --help`",
        "0.25 s",
        f"{statistics.median(seconds):.2f} s",
        f"median of {HELP_RUNS}; {spread(seconds, 2)}",
    )


def _seconds(cold: Job, warm: list[Job]) -> list[Figure]:
    again = [job.usage.seconds for job in warm]
    drawing = [job.steps["drawing the tearsheet"] for job in warm]
    return [
        Figure(
            "`cryptobt backtest --strategy attn_signal`, sample market, cold",
            "120 s",
            f"{cold.usage.seconds:.1f} s",
            "33 folds × 3 seeds, 2 workers, nothing in the cache; once",
        ),
        Figure(
            "… again with another fee and another strategy setting",
            "12 s",
            f"{statistics.median(again):.1f} s",
            f"median of {WARM_RUNS}; {spread(again, 1)}",
        ),
        Figure(
            "the tearsheet part of it",
            "5 s",
            f"{statistics.median(drawing):.1f} s",
            "by the job's own clock; quantstats began to draw while the rows were measured; "
            f"{spread(drawing, 1)}",
        ),
    ]


def _page(home: Path) -> Figure:
    command = [sys.executable, "-m", "benchmarks.page_cost", str(home / "runs")]
    environment = {**os.environ, "CRYPTOBT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    first, *again = json.loads(told.stdout)
    return Figure(
        "the page beyond quantstats' own time",
        "1.5 s",
        f"{first:.2f} s",
        f"the first drawing, its imports among it; {spread(again, 2)} when drawn again",
    )


def _steps(cold: Job, warm: Job) -> str:
    """Where the time went, by the job's own clock."""
    spent = [f"{step} {warm.steps[step]:.2f} ({cold.steps[step]:.2f})" for step in warm.steps]
    return f"Seconds by step, warm (cold): {', '.join(spent)}."


def _main_memory(cold: Job) -> Figure:
    return Figure("main job, cold", "1.5 GB", _gigabytes(cold.usage), _sampled())


def _five_minutes() -> Figure:
    name, limit = f"`--csv BTC={FIVE_MINUTES}`, 123,119 five-minute bars, window 256", "3 GB"
    data = os.environ.get(REAL_DATA)
    if not data:
        return skipped(name, limit, f"skipped: {REAL_DATA} names no folder with the file")
    settings = [argument for setting in BUDGET for argument in ("--set", setting)]
    source = f"BTC={Path(data) / FIVE_MINUTES}"
    arguments = ("backtest", "--strategy", "attn_signal", "--csv", source, "--workers", "2")
    with tempfile.TemporaryDirectory() as folder:
        usage = _run(Path(folder), *arguments, *settings).usage
    how = f"{', '.join(BUDGET)}, 2 workers, cold, {usage.seconds:.0f} s; {_sampled()}"
    return Figure(name, limit, _gigabytes(usage), how)


def _gigabytes(usage: Usage) -> str:
    return f"{usage.peak_bytes / 1e9:.2f} GB"


def _sampled() -> str:
    return f"summed PSS of the session's processes, sampled every {EVERY_S:g} s; the highest sum"
