"""Market data: loading beside pandas, and syncs without a network; seconds and memory of each."""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.crew import Crew
from benchmarks.data_job import DAYS, FILE, SYMBOLS
from benchmarks.main_job import FIVE_MINUTES, REAL_DATA
from benchmarks.memory import peak_since_start
from benchmarks.table import Figure, Section, skipped, spread

ROUNDS, SYNCS = 21, 9
_BAR = f"sync of one new daily bar onto {DAYS:,} stored"
_MANY = f"first sync of {SYMBOLS} symbols, {DAYS:,} daily bars each"


def section() -> Section:
    """Measure each job in a process of its own."""
    return Section("Market data", [_load(), _one_bar(), *_many()], [_NOTE])


_NOTE = (
    "Wall time by the process's own clock, of work alone: imports are done. Memory is the peak of "
    "the resident set of that process, imports among it. Syncs write to the disk and wait for it; "
    "their source makes its bars itself when it is asked."
)


def _load() -> Figure:
    name, limit = "load and verify 123,119 five-minute bars, against pandas.read_csv", "1.5 ×"
    data = os.environ.get(REAL_DATA)
    if not data:
        return skipped(name, limit, f"skipped: {REAL_DATA} names no folder with the file")
    with _process(1, {FILE: str(Path(data) / FIVE_MINUTES)}) as process:
        rounds = [(_ask(process, "ours"), _ask(process, "pandas")) for _ in range(ROUNDS + 1)][1:]
        peak = _memory(process)
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratios = [a / b for a, b in rounds]
    how = (
        f"`read_bars` and `examine` of `{FIVE_MINUTES}`, {ours:.3f} s against {theirs:.3f} s; "
        f"median of {ROUNDS} rounds in turn, {spread(ratios, 2)}; both in a peak of {peak}"
    )
    return Figure(name, limit, f"{statistics.median(ratios):.2f} ×", how)


def _one_bar() -> Figure:
    with _process(1) as process:
        _ask(process, "first")
        seconds = [_ask(process, "one bar") for _ in range(SYNCS)]
        peak, gemm = _memory(process), _ask(process, "gemm")
    how = f"median of {SYNCS}; {spread(seconds, 3)}; peak {peak}; {_machine(gemm)}"
    return Figure(_BAR, "—", f"{statistics.median(seconds):.3f} s", how)


def _many() -> Iterator[Figure]:
    seconds = []
    for _ in range(SYNCS):
        with _process(SYMBOLS) as process:
            seconds.append(_ask(process, "first"))
            peak = _memory(process)
            again = _ask(process, "one bar")
            gemm = _ask(process, "gemm")
    how = f"median of {SYNCS} processes; {spread(seconds, 2)}; peak {peak}; {_machine(gemm)}"
    yield Figure(_MANY, "—", f"{statistics.median(seconds):.2f} s", how)
    yield Figure("… and of one new bar of each", "—", f"{again:.2f} s", "once, in the last of them")


@contextmanager
def _process(symbols: int, environment: dict[str, str] | None = None) -> Iterator[Crew]:
    command = [sys.executable, "-m", "benchmarks.data_job", str(symbols)]
    with tempfile.TemporaryDirectory() as home:
        told = {"CRYPTOBT_HOME": home} | (environment or {})
        with Crew(command, 1, told) as crew:
            yield crew


def _ask(process: Crew, what: str) -> float:
    return process.measure(what)[0]


def _memory(process: Crew) -> str:
    return f"{peak_since_start(process.pids[0]) / 1e9:.2f} GB"


def _machine(gemm: float) -> str:
    return f"on a thread whose fp32 GEMM makes {gemm / 1e9:.0f} GFLOP/s"
