"""A process of its own for what takes long, so that no page waits for another's work."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from cryptobt.core.errors import CryptobtError
from cryptobt.core.processes import behave_as_worker, worker_context

_log = logging.getLogger(__name__)
_MOST = 64
"""Pieces of work that may wait."""
_UNEXPECTED = "something unexpected went wrong; the terminal of `cryptobt serve` says what"


@dataclass(frozen=True)
class Outcome:
    """What a piece of work came to.

    Attributes
    ----------
    document : Any
        What was asked for; None where there is a ``problem``.
    problem : str
        One line that says what was wrong and what to do; empty where all went well.
    code : int
        Exit code that the command line gives such an error.
    problems : dict
        Where several fields of a form are wrong: field to sentence.
    """

    document: Any = None
    problem: str = ""
    code: int = 0
    problems: dict[str, str] = field(default_factory=dict)


class Desk:
    """One worker process; a process that dies is replaced, and what it worked on has failed.

    Parameters
    ----------
    module : str
        What its workers import beforehand.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: set[Future[Outcome]] = set()

    def ask(self, work: Callable[..., Any], *given: Any) -> "Future[Outcome]":
        """Let a piece of work be done; its function is named at the top of a module."""
        with self._lock:
            self._waiting = {one for one in self._waiting if not one.done()}
            if len(self._waiting) >= _MOST:
                return _refused()
            try:
                asked = self._opened().submit(done, work, given)
            except BrokenProcessPool:
                self._pool = None
                asked = self._opened().submit(done, work, given)
            self._waiting.add(asked)
        return asked

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = worker_context(self._module)
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin)
        return self._pool

    def close(self) -> None:
        """Ask for nothing more; the worker ends with this process at the latest."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    behave_as_worker()
    # a page that is there already comes before one that is not
    os.nice(10)


def outcome_of(future: "Future[Outcome]") -> Outcome:
    """Read what a finished piece of work came to, whatever became of its process."""
    try:
        return future.result(0)
    except Exception as error:
        _log.info("a worker process ended: %r", error)
        return Outcome(problem="its process was ended while it worked; load the page again", code=1)


def _refused() -> "Future[Outcome]":
    refused: Future[Outcome] = Future()
    refused.set_result(Outcome(problem="too much is being computed; try again in a minute", code=1))
    return refused


def done(work: Callable[..., Any], given: tuple[Any, ...]) -> Outcome:
    """Work in the process of a desk; errors come back as sentences."""
    try:
        return Outcome(work(*given))
    except CryptobtError as error:
        line = " ".join(str(error).split())
        problems = {str(k): str(v) for k, v in getattr(error, "problems", {}).items()}
        return Outcome(problem=line, code=error.exit_code, problems=problems)
    except Exception:
        # the person at the terminal needs the place; who reads the page does not
        logging.getLogger(__name__).exception("%s failed", work.__name__)
        return Outcome(problem=_UNEXPECTED, code=1)
