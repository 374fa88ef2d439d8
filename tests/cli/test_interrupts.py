"""Ctrl-C, and worse: nothing is left running, and what was finished is kept."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryptobt.records.content import ContentStore
from tests.jobs.tiny import assignments, command, console, environment, only_run, tiny

LONG = tiny(
    walkforward={"refit_days": 60, "ensemble_seeds": 2},
    training={"epochs": 20, "patience": 20},
)
MARK = "CRYPTOBT_TEST_MARK"


def living(mark: str) -> list[int]:
    """Processes, zombies aside, that carry this mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marked and state != "Z":
            found.append(int(folder.name))
    return found


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Training:
    """A run in its own process group that has finished at least one fold, but not all."""

    def __init__(self, folder: Path) -> None:
        self.mark = str(folder)
        self.out = folder / "runs"
        self.env = environment(folder, **{MARK: self.mark})
        self.folds = ContentStore(folder / "cryptobt" / "folds")
        self.arguments = ["backtest", *assignments(LONG), "--workers", "2", "--out", str(self.out)]
        # A test run in the background ignores interrupts, and its children would inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            command(self.arguments),
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        assert wait_until(lambda: len(list(self.folds.paths())) >= 3, 90), "no fold was finished"
        assert self.process.poll() is None, "the run was over too early"
        assert len(living(self.mark)) >= 3, "there are workers"

    def entries(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.folds.paths()}


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    started = Training(tmp_path)
    yield started
    for process in living(started.mark):
        os.kill(process, signal.SIGKILL)
    started.process.communicate()


def test_ctrl_c_exits_with_130_and_one_line_and_keeps_what_was_finished(
    training: Training,
) -> None:
    os.killpg(training.process.pid, signal.SIGINT)
    out, err = training.process.communicate(timeout=60)
    told = [line for line in err.splitlines() if line and not line.startswith("warning: ")]
    told = [line for line in told if line != "training"]
    assert training.process.returncode == 130
    assert told == [
        "cryptobt: interrupted; finished folds are kept, the same command goes on from them"
    ]
    assert out == ""
    assert not training.out.exists()
    assert wait_until(lambda: living(training.mark) == [], 10)
    kept = training.entries()
    assert len(kept) >= 3
    assert all(training.folds.get(path.stem) is not None for path in kept)


def test_no_worker_outlives_a_main_process_that_is_killed(training: Training) -> None:
    training.process.kill()
    training.process.wait(30)
    assert wait_until(lambda: living(training.mark) == [], 10)
    assert not training.out.exists()


def test_a_worker_that_is_killed_ends_the_run_with_one_line(training: Training) -> None:
    names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in living(training.mark)}
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
               for pid in names}  # fmt: skip
    grandchildren = [pid for pid, parent in parents.items()
                     if parent in names and parent != training.process.pid]  # fmt: skip
    assert grandchildren
    os.kill(grandchildren[0], signal.SIGKILL)
    out, err = training.process.communicate(timeout=60)
    told = [line for line in err.splitlines() if line.startswith("cryptobt: ")]
    assert training.process.returncode == 1
    assert len(told) == 1
    assert "a worker process died" in told[0]
    assert "Traceback" not in err
    assert out == ""
    assert wait_until(lambda: living(training.mark) == [], 10)


@pytest.mark.slow
def test_the_same_command_goes_on_from_the_finished_folds(
    training: Training, tmp_path: Path
) -> None:
    os.killpg(training.process.pid, signal.SIGINT)
    training.process.communicate(timeout=60)
    kept = training.entries()
    done = console(training.arguments, training.env, timeout=240)
    assert done.returncode == 0, done.stderr
    after = training.entries()
    assert len(after) > len(kept)
    assert {path: after[path] for path in kept} == kept
    cold = environment(tmp_path / "cold")
    arguments = [*training.arguments[:-1], str(tmp_path / "cold-runs")]
    assert console(arguments, cold, timeout=240).returncode == 0
    resumed, whole = only_run(training.out), only_run(tmp_path / "cold-runs")
    assert resumed.repeatable() == whole.repeatable()
