"""Manners of worker processes: they leave interrupts to their parent, and never outlive it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def behave_as_worker() -> None:
    """Call first in a worker process.

    The parent decides what an interrupt means; a parent that is gone, even killed, takes its
    workers with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def end_workers() -> None:
    """End every worker of this process at once, whatever it is doing."""
    for process in multiprocessing.active_children():
        process.terminate()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "not a worker process"
    wait([parent.sentinel])
    os._exit(1)
