"""One process that reads bars and syncs them from a source of its own, without a network.

``python -m benchmarks.data_job SYMBOLS`` answers ``ours`` and ``pandas`` (a file loaded), ``first``
and ``one bar`` (that many symbols synced) with seconds, and ``gemm`` with FLOP/s. What is stored
lies under ``CRYPTOBT_HOME``.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.crew import serve
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY, parse_interval
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.quality import examine
from cryptobt.data.sources import registry
from cryptobt.jobs.data import sync_symbols

FILE = "CRYPTOBT_BENCH_FILE"
DAYS, SYMBOLS = 3653, 10
NOW = pd.Timestamp("2026-01-01 12:00", tz="UTC")


class LocalSource:
    """Ten years of daily bars, the one of today still forming; made when they are asked for."""

    name = "local"
    intervals: tuple[str, ...] = ("1d",)

    def fetch(
        self, symbol: str, interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Give every bar from ``since`` on."""
        first = NOW.floor("D") - (DAYS - 1) * DAY
        times = pd.date_range(first, now.floor("D"), freq=parse_interval(interval))
        draws = np.random.default_rng(sum(symbol.encode()))
        close = 100 * np.exp(np.cumsum(draws.normal(0, 0.03, len(times))))
        prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
        told = pd.DataFrame({"time": times, **prices, "volume": 1.0})
        return told if since is None else told[told["time"] >= since]


def _load_and_verify() -> None:
    examine(read_bars(Path(os.environ[FILE]), "BTC", "refuse", NOW), NOW)


def _pandas() -> None:
    pd.read_csv(os.environ[FILE], parse_dates=["date"])


class _Syncing:
    """Syncs of some symbols, each time by a clock that is a day further."""

    def __init__(self, count: int) -> None:
        self._symbols = [f"COIN{number}-USD" for number in range(count)]
        self._now = NOW

    def first(self) -> None:
        """Fetch ten years of each symbol; nothing may be stored."""
        self._sync()

    def one_bar(self) -> None:
        """Fetch one bar more."""
        self._now += DAY
        self._sync()

    def _sync(self) -> None:
        settings = DataSettings(source=LocalSource.name)
        for synced in sync_symbols(settings, self._symbols, None, self._now, lambda _: None):
            if synced.error is not None:
                raise synced.error


def _seconds(work: Callable[[], None]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def _gemm() -> float:
    from benchmarks.gemm import gemm_rate  # torch would count as memory of what is asked before

    return gemm_rate()


def _answer_questions(symbols: int) -> None:
    # in place of a package that offers it
    registry.VENDORS[LocalSource.name] = LocalSource
    syncing = _Syncing(symbols)
    works = {
        "ours": _load_and_verify,
        "pandas": _pandas,
        "first": syncing.first,
        "one bar": syncing.one_bar,
    }
    serve({name: _seconds(work) for name, work in works.items()} | {"gemm": _gemm})


if __name__ == "__main__":
    _answer_questions(int(sys.argv[1]))
