"""How long and how often a vendor is asked: one patience, one way to ask again."""

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from cryptobt.core.errors import CryptobtError

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Patience:
    """How long and how often a vendor is asked, and how much it may answer.

    The read timeout is for the next piece of an answer, the total for all tries and the waits
    between them, which ``sleep`` waits. The first wait is doubled each time; a vendor that asks
    for more than the longest in ``Retry-After`` is not asked again. ``max_bytes`` counts the
    answer unpacked.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 90.0
    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    max_bytes: int = 64 * 2**20
    sleep: Callable[[float], object] = time.sleep

    def pause(self, attempt: int, setback: "Setback") -> float:
        """Seconds between a try and the next; infinite where there is none."""
        if not setback.again or attempt >= self.attempts:
            return math.inf
        longest = self.longest_wait_seconds
        if setback.retry_after is not None:
            return setback.retry_after if setback.retry_after <= longest else math.inf
        doubled = self.first_wait_seconds * 2.0 ** (attempt - 1)
        # clients that failed together must not come back together
        return min(doubled, longest) * random.uniform(0.5, 1.0)


PATIENCE = Patience()
"""What a source has where nothing else is said."""


@dataclass(frozen=True)
class Setback:
    """A try without an answer: the error, whether it may pass, and how long the vendor wants."""

    error: CryptobtError
    again: bool = False
    retry_after: float | None = None


@dataclass
class Answered:
    """What the transport below a vendor's client saw last: status 0 where no answer came."""

    status: int = 0
    retry_after: float | None = None

    @property
    def wish(self) -> str:
        """What to add to a message: how long the vendor wants to be left alone."""
        return f", it asks to wait {self.retry_after:.0f} s" if self.retry_after else ""

    def note(self, response: Any) -> None:
        """Keep what the client above does not pass on."""
        self.status, self.retry_after = response.status_code, retry_after(response.headers)

    def forget(self) -> None:
        """Begin another try."""
        self.status, self.retry_after = 0, None


def patiently(ask: Callable[[float], _Answer | Setback], patience: Patience) -> _Answer:
    """Ask until there is an answer, an error that will not pass, or no patience left.

    A wait that would go beyond the patience is not begun.

    Parameters
    ----------
    ask : callable
        Is told how many seconds are left for its try.

    Raises
    ------
    CryptobtError
        That of the last setback.
    """
    left, attempt = patience.total_seconds, 0
    while True:
        attempt += 1
        begun = time.monotonic()
        outcome = ask(left)
        if not isinstance(outcome, Setback):
            return outcome
        left -= time.monotonic() - begun
        wait = patience.pause(attempt, outcome)
        if wait > left:
            raise outcome.error
        patience.sleep(wait)
        left -= wait


def once(call: Callable[[], _Answer], told: Callable[[Exception], Setback]) -> _Answer | Setback:
    """Try through a client that raises whatever it likes; the error keeps that as its cause."""
    try:
        return call()
    except Exception as error:
        setback = told(error)
        setback.error.__cause__ = error
        return setback


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long an answer asks to wait, in seconds or until a date; None where it does not."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        # by the vendor's own clock, whatever ours says
        now = parsedate_to_datetime(str(headers.get("Date", "")))
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
