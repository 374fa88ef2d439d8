"""Nights in child processes that die where a test says: at a change of the disk, or a statement.

The pytest process keeps one server, a fresh interpreter that has imported everything. For each
request the server forks a child, which does one job in a home of its own.
"""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from .watched_calls import let_watch, watch

ROOT = Path(__file__).parents[2]
OPENED = pd.Timestamp("2025-02-03T04:05:06Z")
NOBODY = 65534


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes
    ----------
    signal : int
        That killed it; 0 if it came to its end.
    error, said : str
        Class and message of what it raised.
    changes : list of str
        Calls that changed a file, up to the end.
    statements : int
        SQL statements that it began.
    after_commit : int
        How many of them after the commit of its nights.
    decided : list of str
        Bars of the nights that it decided.
    """

    signal: int
    error: str = ""
    said: str = ""
    changes: list[str] = field(default_factory=list)
    statements: int = 0
    after_commit: int = 0
    decided: list[str] = field(default_factory=list)


class Nights:
    """Server of children; a context manager."""

    def __init__(self, scratch: Path) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(scratch)],
            cwd=ROOT, env={**os.environ, **threads}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def init(self, home: Path, flags: dict[str, Any], sets: Sequence[str] = (), **how: Any) -> Any:
        """Open the account ``one``."""
        return self._ask(home, {"do": "init", "flags": flags, "sets": list(sets)}, how)

    def night(self, home: Path, at: pd.Timestamp, **how: Any) -> Outcome:
        """Run the account ``one`` at a stopped clock.

        Parameters
        ----------
        how
            ``change`` or ``statement``: the number, from 0, at which it dies; ``models``: it dies
            when there are so many of their files; ``watched``: count changes; ``limit``: largest
            file in bytes;
            ``unprivileged``: as a user who owns nothing; ``hold``: seconds to stay before writing;
            ``busy_seconds``: how long a locked ledger is waited for; ``pool``: fit models in
            worker processes, as users do.
        """
        return self._ask(home, {"do": "night", "at": str(at)}, how)

    def read(self, home: Path, **how: Any) -> Outcome:
        """See how the account ``one`` stands, as `cryptobt paper status` does: its nights."""
        return self._ask(home, {"do": "read"}, how)

    def both(self, home: Path, at: pd.Timestamp) -> list[Outcome]:
        """Two runs at once; each writes only when the other has begun."""
        return self._exchange({"do": "both", "home": str(home), "at": str(at)})

    def _ask(self, home: Path, job: dict[str, Any], how: dict[str, Any]) -> Outcome:
        (outcome,) = self._exchange({"home": str(home), **job, **how})
        return outcome

    def _exchange(self, job: dict[str, Any]) -> list[Outcome]:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return [Outcome(**one) for one in json.loads(self._server.stdout.readline())]


def facts(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the account ``one``, read without leaving a trace."""
    from cryptobt.paper import schema
    from cryptobt.paper.ledger import open_ledger

    with open_ledger(ledger_of(home), read_only=True) as ledger:
        return {
            name: [tuple(row) for row in ledger.table(name).astype(object).to_numpy().tolist()]
            for name in ("account", "nights", *schema.FACTS)
        }


def ledger_of(home: Path) -> Path:
    return home / "accounts" / "one" / "ledger.sqlite3"


def market_file(path: Path, bars: int) -> Path:
    """Write the first bars of the sample market as a CSV."""
    from cryptobt.data.sample import sample_market

    table = sample_market("BTC-USD").market.bars.iloc[:bars].rename_axis("time").reset_index()
    table.to_csv(path, index=False)
    return path


def copy_home(home: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(home, to))


def _serve(scratch: Path) -> None:
    _warm(scratch)
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "both":
            children = [_Child({**job, "do": "night", "hold": 1.0}) for _ in range(2)]
            found = [child.wait() for child in children]
        else:
            found = [_Child(job).wait()]
        sys.__stdout__.write(json.dumps(found) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def _warm(scratch: Path) -> None:
    """Do in the server once what every child would import."""
    import torch  # noqa: F401

    import cryptobt.forecasters.torch_forecaster  # noqa: F401

    os.environ["CRYPTOBT_HOME"] = str(scratch)
    flags = {"strategy.name": "sma_trend", "data.source": "sample", "data.symbols": ["BTC-USD"]}
    _do({"do": "init", "flags": flags, "sets": []})
    _do({"do": "night", "at": "2018-06-01T00:30Z"})


class _Child:
    """A forked child with its job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._watched = "change" in job or job.get("watched", False)
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            _live(job, write, watched=self._watched)
        os.close(write)
        self._read = read

    def wait(self) -> dict[str, Any]:
        changes: list[str] = []
        if self._watched:
            status = watch(self.pid, self._job["home"], changes, self._job.get("change"))
        else:
            if "models" in self._job:
                self._kill_at_model(self._job["models"])
            _, status = os.waitpid(self.pid, 0)
        with os.fdopen(self._read) as file:
            said = file.read()
        own = json.loads(said) if said else {}
        died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return {"signal": died, "changes": changes, **own}

    def _kill_at_model(self, count: int) -> None:
        """Kill it when workers have begun to write so many files of models."""
        folder = Path(self._job["home"], "folds")
        until = time.monotonic() + 120
        while sum(1 for _ in folder.glob("*/*")) < count and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(self.pid, signal.SIGKILL)


def _live(job: dict[str, Any], write: int, *, watched: bool) -> None:
    """Do a job and tell of it; never returns."""
    counted: list[str] = []
    own: dict[str, Any] = {"error": "", "said": ""}
    try:
        _prepare(job, counted)
        if watched:
            let_watch()
        own["decided"] = _do(job)
    except BaseException as error:
        own |= {"error": type(error).__name__, "said": str(error)}
    commits = [number for number, text in enumerate(counted) if text == "COMMIT"]
    later = len(counted) - commits[-1] - 1 if commits else 0
    with os.fdopen(write, "w") as file:
        file.write(json.dumps({**own, "statements": len(counted), "after_commit": later}))
    os._exit(0)


def _prepare(job: dict[str, Any], counted: list[str]) -> None:
    from cryptobt.paper import connection

    os.environ["CRYPTOBT_HOME"] = job["home"]
    _count_statements(counted, job.get("statement"))
    connection.BUSY_SECONDS = job.get("busy_seconds", connection.BUSY_SECONDS)
    if not job.get("pool"):
        _fit_in_this_process()
    if "limit" in job:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
    if job.get("unprivileged") and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _do(job: dict[str, Any]) -> list[str]:
    from cryptobt.core.settings import load_settings
    from cryptobt.jobs.events import Events
    from cryptobt.paper.account import existing_ledger, read_account
    from cryptobt.paper.clock import stopped_clock
    from cryptobt.paper.init import init_account
    from cryptobt.paper.ledger import open_ledger
    from cryptobt.paper.night import run_night
    from cryptobt.paper.standing import stand

    def step(name: str) -> None:
        if name == "writing":
            time.sleep(job.get("hold", 0.0))

    events = Events(lambda _: None, step, lambda _: None)
    if job["do"] == "init":
        settings = load_settings(None, job["sets"], job["flags"])
        init_account(settings, "one", OPENED, events)
        return []
    if job["do"] == "read":
        with open_ledger(existing_ledger("one"), read_only=True) as ledger:
            standing = stand(read_account(ledger), ledger, OPENED)
        return [str(night.bar_at) for night in standing.nights]
    clock = stopped_clock(pd.Timestamp(job["at"]))
    return [str(night) for night in run_night("one", clock, events).decided]


def _count_statements(counted: list[str], last: int | None) -> None:
    """Note every SQL statement as it begins, and die at the n-th."""

    def note(statement: str) -> None:
        if len(counted) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        counted.append(statement)

    connect = sqlite3.connect

    def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(note)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def _fit_in_this_process() -> None:
    """Fit models here and not in workers, so that what they write is counted too."""
    from concurrent.futures import Future

    from cryptobt.forecasters import workers

    class Here:
        def __init__(self, count: int, context: object, start: Any, arguments: Any) -> None:
            import torch

            workers._samples, workers._cache = arguments[0], workers.ContentStore(arguments[1])
            torch.set_num_threads(1)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def submit(self, work: Callable[..., Any], task: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(work(task))
            return future

    workers.ProcessPoolExecutor = Here  # type: ignore[assignment,misc]


if __name__ == "__main__":
    # what a library prints is not an answer
    sys.stdout = sys.stderr
    _serve(Path(sys.argv[1]))
