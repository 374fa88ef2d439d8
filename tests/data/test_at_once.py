"""Several vendors at once: order, limits, errors and an interrupt."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from cryptobt.data.at_once import by_vendor


def test_each_result_comes_with_the_place_of_its_task() -> None:
    tasks = [(source, lambda n=n: n * n) for n, source in enumerate(["yahoo", "feargreed"] * 5)]
    assert dict(by_vendor(tasks)) == {n: n * n for n in range(10)}
    assert list(by_vendor([])) == []


def test_vendors_work_at_once_and_each_result_is_given_as_it_ends() -> None:
    released = threading.Event()
    ended = by_vendor([("yahoo", released.wait), ("ccxt:kraken", lambda: "first")])
    assert next(ended) == (1, "first")
    released.set()
    assert next(ended) == (0, True)


@pytest.mark.parametrize(
    ("sources", "most"),
    [(("yahoo", "macro"), 1), (("ccxt:kraken",), 1), (("mine",), 1), (("coinmetrics",), 4)],
)
def test_a_vendor_is_asked_no_more_often_at_once_than_it_bears(
    sources: tuple[str, ...], most: int
) -> None:
    lock, together = threading.Lock(), threading.Barrier(most)
    busy, peak = 0, 0

    def task() -> None:
        nonlocal busy, peak
        with lock:
            busy += 1
            peak = max(peak, busy)
        together.wait(30)
        with lock:
            busy -= 1

    tasks: list[tuple[str, Callable[[], None]]] = [(name, task) for name in sources * 8][:8]
    assert len(list(by_vendor(tasks))) == 8
    assert peak == most


def test_what_a_task_fails_with_reaches_who_asked() -> None:
    def fail() -> None:
        raise LookupError("a fault of ours")

    with pytest.raises(LookupError, match="a fault of ours"):
        list(by_vendor([("yahoo", fail)]))


INTERRUPTED = """
import signal, sys, time
# a test run in the background ignores interrupts, and this would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
from cryptobt.data.at_once import by_vendor
def wait():
    print("ready", flush=True)
    time.sleep(3600)
try:
    list(by_vendor([("yahoo", wait), ("mine", lambda: time.sleep(3600))]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interrupt_does_not_wait_for_the_vendors() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
