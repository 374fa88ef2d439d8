"""Manners of worker processes: they leave interrupts to their parent, and never outlive it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext


def usable_cores() -> int:
    """Cores that this process may use, where the system tells; else those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_context(module: str) -> BaseContext:
    """How to start workers: from a server that has imported their module, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


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
