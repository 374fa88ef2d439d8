"""``python -m benchmarks [PART ...]``: measure everything and write ``results.md``.

With parts named (training, nets, backtest, job, data, paper, serve), these alone are measured, and
printed only.
"""

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import (
    backtest_speed,
    data_speed,
    main_job,
    nets,
    paper_nights,
    serving,
    training,
)
from benchmarks.table import Section
from cryptobt.core.processes import usable_cores

RESULTS = Path(__file__).parent / "results.md"
PARTS: dict[str, Callable[[], list[Section]]] = {
    "training": lambda: [training.section()],
    "nets": nets.sections,
    "backtest": lambda: [backtest_speed.section()],
    "job": main_job.sections,
    "data": lambda: [data_speed.section()],
    "paper": lambda: [paper_nights.section()],
    "serve": lambda: [serving.section()],
}


def main() -> None:
    """Measure, print the results, and write them where nothing was left out."""
    chosen = sys.argv[1:]
    if unknown := set(chosen) - set(PARTS):
        sys.exit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    load = os.getloadavg()[0]
    sections = [section for part in chosen or PARTS for section in PARTS[part]()]
    text = "\n\n".join(
        ["# Benchmarks", _machine(load), *(section.markdown() for section in sections)]
    )
    if not chosen:
        RESULTS.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{text}\n")


def _machine(load: float) -> str:
    return (
        f"Measured by `make bench` on {platform.machine()} ({_processor()}, "
        f"{torch.backends.cpu.get_cpu_capability()}) with {usable_cores()} cores, "
        f"Python {platform.python_version()}, torch {torch.__version__}; others kept {load:.1f} of "
        "the cores busy when it began. Times on a shared machine move from run to run; ratios are "
        "of measurements made in turn, as medians."
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor()
    lines = information.read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
