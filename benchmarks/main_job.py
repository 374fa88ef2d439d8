"""Seconds of the main job, cold and warm, beside what this machine can compute.

Run with ``make bench``; writes ``benchmarks/results.md``.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

RESULTS = Path(__file__).parent / "results.md"
SIZE, REPEATS = 2048, 5
COMMAND = ("backtest", "--strategy", "attn_signal", "--source", "sample", "--workers", "2")
CHANGED = ("--set", "costs.fee_bps=20", "--set", "strategy.params.gain=0.6")


def gemm_peak(workers: int) -> float:
    """GFLOP/s of fp32 matrix products on one thread, the median over workers busy at once."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return statistics.median(pool.map(_gemm, range(workers)))


def _gemm(_worker: int) -> float:
    import torch

    torch.set_num_threads(1)
    left, right = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        _ = left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * SIZE**3 / statistics.median(seconds) / 1e9


def run_job(home: Path, *extra: str) -> float:
    """Wall-clock seconds of the main job in its own process."""
    program = Path(sys.executable).with_name("cryptobt")
    began = time.perf_counter()
    subprocess.run(
        [program, *COMMAND, "--out", home / "runs", *extra],
        env=os.environ | {"CRYPTOBT_HOME": str(home)},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory() as folder:
        before = gemm_peak(2)
        cold = run_job(Path(folder))
        warm = [run_job(Path(folder), *CHANGED) for _ in range(3)]
        after = gemm_peak(2)
    lines = [
        "# Benchmarks",
        "",
        f"Measured by `make bench` on {platform.machine()} with {os.cpu_count()} cores, "
        f"Python {platform.python_version()}.",
        f"fp32 GEMM {SIZE}³ on one thread, two workers at once: "
        f"{before:.0f} GFLOP/s a worker before, {after:.0f} after.",
        "",
        "| main job: `cryptobt backtest --strategy attn_signal` on the sample market | seconds |",
        "|---|---|",
        f"| cold: 33 folds × 3 seeds, 2 workers (at most 120) | {cold:.1f} |",
        f"| again with another fee and another strategy setting (at most 8), median of 3 | "
        f"{statistics.median(warm):.1f} |",
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
