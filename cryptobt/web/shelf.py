"""Documents that are kept for as long as the files behind them stay as they are."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from cryptobt.core.errors import LockHeldError
from cryptobt.web.desk import Outcome, outcome_of

RETRY_SECONDS = 20.0
"""After which something that failed is tried again."""
_MOST = 512
_WAITING = threading.BoundedSemaphore(3)
"""How many requests may wait for a first document; the others are told to come again."""


@dataclass(frozen=True)
class Answer:
    """What there is of a document now.

    Attributes
    ----------
    outcome : Outcome or None
        None while the first is being computed.
    stamp : int
        Tells one computed document from every other; 0 where there is none.
    updating : bool
        Whether it is of an older state of the files, and a newer one is being computed.
    """

    outcome: Outcome | None
    stamp: int
    updating: bool

    @property
    def document(self) -> Any:
        """The document; None where there is none (yet)."""
        return None if self.outcome is None else self.outcome.document

    @property
    def problem(self) -> str:
        """Why there is no document; empty where there is one, or none yet."""
        return "" if self.outcome is None else self.outcome.problem

    @property
    def state(self) -> str:
        """``ready``, ``computing`` or ``failed``."""
        if self.outcome is None:
            return "computing"
        return "failed" if self.outcome.problem else "ready"


@dataclass
class _Kept:
    state: Hashable
    outcome: Outcome
    stamp: int
    at: float

    def good_for(self, state: Hashable, clock: float) -> bool:
        if self.state != state:
            return False
        return not self.outcome.problem or clock - self.at < RETRY_SECONDS


class Shelf:
    """Keeps documents by what they are about, and computes each state of one once.

    Parameters
    ----------
    clock : callable
        Seconds, for what is tried again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._running: dict[Hashable, threading.Event] = {}
        self._stamps = itertools.count(1)

    def ask(
        self,
        key: Hashable,
        state: Hashable,
        begin: "Callable[[], Future[Outcome]]",
        seconds: float = 0.0,
    ) -> Answer:
        """Give a document of a state; an older one at once, rather than let anyone wait.

        Parameters
        ----------
        key : hashable
            What it is about.
        state : hashable
            Of the files that it is made from.
        begin : callable
            Begins to compute it.
        seconds : float
            How long to wait where there is none at all.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.good_for(state, self._clock()):
                self._kept.move_to_end(key)
                return Answer(kept.outcome, kept.stamp, updating=False)
            ended = self._running.get(key)
            begun = None
            if ended is None:
                begun = begin()  # where that fails nothing is running
                ended = self._running[key] = threading.Event()
        if begun is not None:
            # outside the lock: what is done already calls back at once
            begun.add_done_callback(lambda done: self._keep(key, state, done))
        if kept is None:
            return self._first(key, ended, seconds)
        with self._lock:
            kept = self._kept.get(key, kept)
        return Answer(kept.outcome, kept.stamp, updating=kept.state != state)

    def _first(self, key: Hashable, ended: threading.Event, seconds: float) -> Answer:
        if seconds and _WAITING.acquire(blocking=False):
            try:
                ended.wait(seconds)
            finally:
                _WAITING.release()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return Answer(None, 0, updating=False)
        return Answer(kept.outcome, kept.stamp, updating=False)

    def _keep(self, key: Hashable, state: Hashable, done: "Future[Outcome]") -> None:
        outcome = outcome_of(done)
        with self._lock:
            ended = self._running.pop(key)
            before = self._kept.get(key)
            held = outcome.code == LockHeldError.exit_code
            # what was read before is shown until the file can be read again
            if not (held and before is not None and not before.outcome.problem):
                self._kept[key] = _Kept(state, outcome, next(self._stamps), self._clock())
                self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        ended.set()
