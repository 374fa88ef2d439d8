"""Processes that measure at the same time, each on one thread, asked line by line.

Imports the standard library alone: the peer's interpreter, which has no cryptobt, runs it too.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]


class Crew:
    """Equal processes that wait for a question and answer it with a number.

    Parameters
    ----------
    command : sequence of str
        What each process runs; it speaks through :func:`asked` and :func:`answer`.
    size : int
        Number of processes.
    environment : mapping, optional
        What they are told beside this process's own.
    """

    def __init__(
        self, command: Sequence[str], size: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self._members = [_member(command, environment or {}) for _ in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.kill()
            member.communicate()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes, in the order of the members."""
        return [member.pid for member in self._members]

    def measure(self, what: str) -> list[float]:
        """Ask all of them at once; what each answers, in the order of the members."""
        for member in self._members:
            assert member.stdin is not None, "opened as a pipe"
            member.stdin.write(f"{what}\n")
            member.stdin.flush()
        return [_number(member) for member in self._members]


def asked() -> str:
    """Wait for the next question; empty when there is none any more."""
    return sys.stdin.readline().strip()


def answer(value: float) -> None:
    """Answer the last question."""
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def serve(measures: Mapping[str, Callable[[], float]]) -> None:
    """Answer questions by name until there are no more."""
    while question := asked():
        answer(measures[question]())


def _member(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **one_thread, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _number(member: subprocess.Popen[str]) -> float:
    assert member.stdout is not None, "opened as a pipe"
    line = member.stdout.readline()
    if not line:
        raise RuntimeError(f"a measuring process ended with code {member.wait()}; see above")
    return float(line)
