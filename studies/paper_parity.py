"""Nights of a paper account against one backtest over the same bars, cold in another process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cryptobt.core.settings import load_settings
from cryptobt.core.time import DAY, iso
from cryptobt.jobs.events import Events
from cryptobt.paper.accounts import export_account
from cryptobt.paper.clock import stopped_clock
from cryptobt.paper.init import init_account
from cryptobt.paper.night import run_night

STOCK = '''"""A strategy as backtrader's users write them."""

import backtrader as bt


class Cross(bt.Strategy):
    """Long while a fast mean is above a slow one."""

    params = (("fast", 2), ("slow", 4))

    def __init__(self):
        self.crosses = [
            bt.ind.CrossOver(
                bt.ind.SMA(data, period=self.p.fast), bt.ind.SMA(data, period=self.p.slow)
            )
            for data in self.datas
        ]

    def next(self):
        for data, cross in zip(self.datas, self.crosses):
            if cross[0] > 0:
                self.buy(data=data)
            elif cross[0] < 0:
                self.close(data=data)
'''
STRATEGIES = ("attn_signal", "bilstm_signal", "sma_trend", "cross.py:Cross")
SMALL = (
    "walkforward.refit_days=30", "walkforward.history=700", "walkforward.ensemble_seeds=1",
    "training.epochs=2", "net.filters=8", "net.units=8", "net.attention_heads=2",
    "forecaster.window_bars=10", "sizing.rebalance_band=0.0", "sizing.max_weight=0.5",
)  # fmt: skip
"""A network that learns in a second, refitted every 30 days; weights of a half that are kept."""
COMPARED = ("equity", "weights", "orders", "fills", "trades")


@dataclass(frozen=True)
class Parity:
    """What became of the comparison.

    Attributes
    ----------
    differences : tuple of str
        Files that differ, and the first line that does; none if all are equal, byte for byte.
    """

    strategy: str
    symbols: int
    nights: int
    fills: int
    refits: int
    differences: tuple[str, ...]


def compare(
    folder: Path, strategy: str, files: Mapping[str, Path], first: pd.Timestamp, nights: int
) -> Parity:
    """Run an account for some nights and a backtest over the same bars.

    Parameters
    ----------
    folder : Path
        Empty; homes of both and what they wrote are left there.
    files : mapping
        Symbol to its bars, which reach beyond the last night.
    first : Timestamp
        The bar of the first night.
    """
    (folder / "cross.py").write_text(STOCK)
    name = str(folder / strategy) if ".py" in strategy else strategy
    csv = tuple(f"{symbol}={path}" for symbol, path in files.items())
    refits = _nights(folder, name, csv, first, nights)
    last = first + (nights - 1) * DAY
    run = _backtest(folder, name, csv, iso(first), iso(last)[:10])
    differences = [_difference(folder / "live" / f"{kind}.csv", run / f"{kind}.csv")
                   for kind in COMPARED]  # fmt: skip
    fills = len(pd.read_csv(folder / "live" / "fills.csv"))
    said = tuple(line for line in differences if line)
    return Parity(strategy, len(files), nights, fills, refits, said)


def _nights(
    folder: Path, strategy: str, csv: Sequence[str], first: pd.Timestamp, nights: int
) -> int:
    """Run the nights, each half an hour after its close; return how many refits there were."""
    flags = {"strategy.name": strategy, "data.csv": tuple(csv)}
    settings = load_settings(None, SMALL, flags)
    silent = Events(lambda _: None, lambda _: None, lambda _: None)
    with _home(folder / "paper"):
        init_account(settings, "parity", pd.Timestamp.now("UTC"), silent)
        for number in range(nights):
            clock = stopped_clock(first + (number + 1) * DAY + pd.Timedelta(minutes=30))
            run_night("parity", clock, silent).raise_missing()
        export_account("parity", folder / "live")
    forecasts = pd.read_csv(folder / "live" / "forecasts.csv")
    return int(forecasts["fold"].nunique())


def _backtest(folder: Path, strategy: str, csv: Sequence[str], start: str, end: str) -> Path:
    """Run the backtest as a user would, with a home of its own: nothing is recalled."""
    program = str(Path(sys.executable).parent / "cryptobt")
    command = [program, "backtest", "--strategy", strategy]
    command += [part for entry in csv for part in ("--csv", entry)]
    command += [part for setting in SMALL for part in ("--set", setting)]
    command += ["--start", start, "--end", end, "--out", str(folder / "runs")]
    environment = os.environ | {"CRYPTOBT_HOME": str(folder / "cold")}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    (run,) = (folder / "runs").iterdir()
    return run


def _difference(live: Path, run: Path) -> str:
    """Name the first line that differs; the instant of a decision is the account's alone."""
    ours, theirs = (_lines(path) for path in (live, run))
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one != other:
            return f"{run.name}, line {number}: '{one}' and '{other}'"
    return "" if len(ours) == len(theirs) else f"{run.name}: {len(ours)} and {len(theirs)} lines"


def _lines(path: Path) -> list[str]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    kept = frame.drop(columns="decided_at", errors="ignore")
    return kept.to_csv(index=False).splitlines()


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    before = os.environ.get("CRYPTOBT_HOME")
    os.environ["CRYPTOBT_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["CRYPTOBT_HOME"]
        else:
            os.environ["CRYPTOBT_HOME"] = before
