"""Peak memory of a command and all its processes together, as summed PSS (Linux)."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
EVERY_S = 0.2


class Usage(NamedTuple):
    """What a finished command took: seconds, and bytes at the peak."""

    seconds: float
    peak_bytes: int


def run_and_watch(command: Sequence[str | Path], environment: Mapping[str, str]) -> Usage:
    """Run a command in a session of its own, and sample all processes of that session.

    PSS counts a page that n processes share as 1/n in each, so the sum counts it once. A peak
    shorter than the sampling interval can be missed.
    """
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        while process.poll() is None:
            peak = max(peak, sum(_pss(folder) for folder in _session(process.pid)))
            time.sleep(EVERY_S)
        seconds = time.perf_counter() - began
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}: {said.read().strip()[-500:]}")
    return Usage(seconds, peak)


def peak_since_start(pid: int) -> int:
    """Bytes of the largest resident set that a running process has had (Linux)."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


def _session(leader: int) -> Iterator[Path]:
    """Folders in /proc of the processes whose session this process leads."""
    for folder in PROC.iterdir():
        if folder.name.isdigit() and _session_of(folder) == leader:
            yield folder


def _session_of(folder: Path) -> int:
    try:
        # After the name, which may hold anything, in brackets: state, parent, group, session.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return -1


def _pss(folder: Path) -> int:
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
