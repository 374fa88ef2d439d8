"""The page of ``cryptobt serve``: from its start to the first page, and under a load."""

import contextlib
import importlib.util
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.main_job import PROGRAM
from benchmarks.memory import peak_since_start
from benchmarks.page_load import Load, load
from benchmarks.paper_nights import made_nights
from benchmarks.table import Figure, Section, skipped, spread
from cryptobt.core.time import DAY
from cryptobt.data.sample import COINS
from cryptobt.paper.account import ledger_path
from cryptobt.paper.facts import NewNight
from cryptobt.paper.ledger import open_ledger

NIGHTS, RATE, SECONDS, WRITING_S, STARTS = 365, 200, 60.0, 20.0, 5
ACCOUNT = "bench"
_NOTE = (
    f"One account that trades attn_signal on {len(COINS)} symbols, with {NIGHTS} nights up to "
    "the day before yesterday on simulated bars, written by the ledger's own code; the night of "
    "yesterday is the one that is written meanwhile. Requests leave at their time, "
    "whether or not others are back, over at most 64 kept connections; a latency counts from that "
    "time to the last byte, so a stall is charged to every request that it delays. Server and "
    "generator share the machine. What is not the whole page of the account is an error."
)


def section() -> Section:
    """Make a house, start the server on loopback, and ask for the account's page."""
    if importlib.util.find_spec("flask") is None:
        reason = 'flask is not installed: pip install "cryptobt[web]"'
        return Section("The page", [skipped("the account page under load", "100 ms", reason)])
    with tempfile.TemporaryDirectory() as folder, _house(Path(folder)) as last:
        starts = [_start_up() for _ in range(STARTS)]
        with _served() as (address, process):
            page = f"{address}/accounts/{ACCOUNT}"
            _wait_for_account(page)
            quiet = load(page, "</html>", RATE, SECONDS)
            with _written_meanwhile(last):
                written = load(page, "</html>", RATE, WRITING_S)
            resident = peak_since_start(process.pid)
    return Section("The page", _figures(starts, quiet, written, resident), [_NOTE])


def _figures(starts: list[float], quiet: Load, written: Load, resident: int) -> list[Figure]:
    return [
        Figure("from `cryptobt serve` to the first page", "3 s",
               f"{statistics.median(starts):.2f} s",
               f"median of {STARTS} starts, {spread(starts, 2)}; the overview, imports included"),
        _latency(f"account page, {RATE} a second for {SECONDS:.0f} s", quiet),
        _latency(f"… for {WRITING_S:.0f} s in which a night is written", written),
        Figure("memory of the server's process", "—", f"{resident / 1e6:.0f} MB",
               "largest resident set since its start"),
    ]  # fmt: skip


def _latency(name: str, found: Load) -> Figure:
    how = (
        f"median {found.quantile_ms(0.5):.1f} ms, longest {found.quantile_ms(1):.0f} ms; "
        f"{len(found.errors)} errors of {len(found.seconds) + len(found.errors):,} requests; "
        f"{statistics.median(found.sizes) / 1000:.0f} kB each"
    )
    if found.errors:
        how += f"; the first: {found.errors[0]}"
    return Figure(f"99 % of requests within: {name}", "100 ms",
                  f"{found.quantile_ms(0.99):.1f} ms", how)  # fmt: skip


@contextlib.contextmanager
def _house(home: Path) -> Iterator[NewNight]:
    """Set the home to one with a year of nights; the last of them is given, not yet written."""
    before = os.environ.get("CRYPTOBT_HOME")
    os.environ["CRYPTOBT_HOME"] = str(home)
    try:
        # The newest bar of which a night can have been decided twenty minutes after its close.
        newest = (pd.Timestamp.now("UTC") - pd.Timedelta(minutes=30)).floor("D") - DAY
        *nights, last = made_nights(ACCOUNT, NIGHTS + 1, f"{newest - NIGHTS * DAY:%Y-%m-%d}")
        with open_ledger(ledger_path(ACCOUNT)) as ledger:
            ledger.append(nights)
        yield last
    finally:
        os.environ.pop("CRYPTOBT_HOME")
        if before is not None:
            os.environ["CRYPTOBT_HOME"] = before


@contextlib.contextmanager
def _served() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start the server on a free port of loopback, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", str(port), "--out", str(ledger_path(ACCOUNT).parent / "runs")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def _start_up() -> float:
    """Seconds from the command to the first page."""
    began = time.perf_counter()
    with _served() as (address, process):
        while _status(f"{address}/") != 200:
            if process.poll() is not None:
                sys.exit(f"the server ended with exit code {process.returncode}")
            time.sleep(0.01)
        return time.perf_counter() - began


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:  # it does not listen yet
        return 0


def _wait_for_account(page: str) -> None:
    """Wait until the account has been replayed, and its page no longer loads itself again."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(page, timeout=30) as reply:
            if b'http-equiv="refresh"' not in reply.read():
                return
        time.sleep(0.2)
    sys.exit("the account was not replayed within two minutes")


@contextlib.contextmanager
def _written_meanwhile(night: NewNight) -> Iterator[None]:
    """Write a night some seconds after the beginning."""

    def write() -> None:
        time.sleep(WRITING_S / 4)
        with open_ledger(ledger_path(ACCOUNT)) as ledger:
            ledger.append([night])

    writing = threading.Thread(target=write)
    writing.start()
    yield
    writing.join()
