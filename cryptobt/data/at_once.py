"""Several vendors asked at once, and each of them no more often than it and its client bear."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Ended = tuple[int, T | BaseException]

_AT_ONCE = {"coinmetrics": 4}
"""Questions to one vendor at the same time; one, where nothing is said.

Coin Metrics answers ten within six seconds, each asked by a client of its own. yfinance has one
session a process, which each of our questions replaces by its own and closes; an exchange's limit
is kept by its client; other packages' sources promise nothing about threads.
"""

_ASKS_YAHOO = "macro"


def vendor_of(source: str) -> str:
    """Whose servers a source asks."""
    return "yahoo" if source == _ASKS_YAHOO else source


def by_vendor(tasks: Sequence[tuple[str, Callable[[], T]]]) -> Iterator[tuple[int, T]]:
    """Do all tasks, and give each result, with the place of its task, as it ends.

    Parameters
    ----------
    tasks : sequence of (source, callable)
        Those of one vendor begin in their order.

    Raises
    ------
    BaseException
        What the first task that failed did.
    """
    ended: queue.SimpleQueue[Ended[T]] = queue.SimpleQueue()
    waiting: dict[str, queue.SimpleQueue[tuple[int, Callable[[], T]]]] = {}
    for place, (source, task) in enumerate(tasks):
        waiting.setdefault(vendor_of(source), queue.SimpleQueue()).put((place, task))
    for vendor, line in waiting.items():
        for _ in range(min(_AT_ONCE.get(vendor, 1), line.qsize())):
            # No pool, which a program waits for at its end: an interrupt ends these at once.
            threading.Thread(target=_work, args=(line, ended), daemon=True).start()
    for _ in tasks:
        place, result = ended.get()
        if isinstance(result, BaseException):
            raise result
        yield place, result


def _work(
    waiting: "queue.SimpleQueue[tuple[int, Callable[[], T]]]", ended: "queue.SimpleQueue[Ended[T]]"
) -> None:
    while True:
        try:
            place, task = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            ended.put((place, task()))
        # whatever it is belongs to whoever asked
        except BaseException as error:
            ended.put((place, error))
