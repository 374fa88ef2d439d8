"""Vendors for paper accounts: files that grow by a row a day, and a Yahoo that has bad nights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import BARS
from cryptobt.core.settings import home, load_settings
from cryptobt.core.time import DAY
from cryptobt.jobs.events import Events
from cryptobt.paper import schema
from cryptobt.paper.clock import Clock, stopped_clock
from cryptobt.paper.facts import Night
from cryptobt.paper.init import init_account
from cryptobt.paper.ledger import open_ledger
from cryptobt.paper.night import NightReport, run_night
from cryptobt.paper.standing import stand

from ..fake_yahoo import FakeYahoo, chart, failure
from ..loopback import Asked, Reply

NAME = "one"
BTC, ETH, SOL = "BTC-USD", "ETH-USD", "SOL-USD"
FIRST = pd.Timestamp("2020-01-01", tz="UTC")
HALF_PAST = pd.Timedelta(minutes=30)
WINDOW = 5
"""Bars of the average: short, so that few days hold many trades."""


def day(number: float) -> pd.Timestamp:
    """Open of a bar by its number."""
    return FIRST + number * DAY


def night_of(number: int) -> pd.Timestamp:
    """Half past midnight after a bar."""
    return day(number + 1) + HALF_PAST


def walk(days: int, seed: int = 0) -> pd.DataFrame:
    """Bars of a random walk, prices in whole cents."""
    steps = np.random.default_rng(seed).normal(0, 0.04, days)
    close = np.round(1000 * np.exp(np.cumsum(steps)), 2)
    opens = np.r_[1000.0, close[:-1]]
    top, bottom = np.maximum(opens, close) + 1, np.minimum(opens, close) - 1
    values = np.c_[opens, top, bottom, close, np.full(days, 5000.0)]
    times = pd.date_range(FIRST, periods=days, freq="D", name="time").as_unit("ns")
    return pd.DataFrame(values, times, list(BARS))


def shown(bars: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """What a vendor shows at an instant: the bar of today only half formed."""
    told = bars[bars.index <= now].copy()
    told.loc[told.index + DAY > now, "close"] = told["low"]
    return told


def csv_text(bars: pd.DataFrame) -> str:
    """Bars as a file."""
    return bars.rename_axis("date").to_csv(date_format="%Y-%m-%d")


@dataclass
class Heard:
    """What a run says while it goes on."""

    warnings: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @property
    def events(self) -> Events:
        return Events(self.warnings.append, self.steps.append, lambda _: None)


class Files:
    """One file a symbol, in a folder of its own; ``bars`` is what its market will have done."""

    def __init__(self, folder: Path, symbols: Iterable[str] = (BTC,), days: int = 60) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.bars = {symbol: walk(days, seed) for seed, symbol in enumerate(symbols)}

    def path(self, symbol: str = BTC) -> Path:
        return self.folder / f"{symbol}.csv"

    def show(self, now: pd.Timestamp) -> None:
        """Write every file as its vendor has it at an instant."""
        for symbol, bars in self.bars.items():
            self.path(symbol).write_text(csv_text(shown(bars, now)))

    def open(self, now: pd.Timestamp, **more: Any) -> None:
        """Open an account on them."""
        self.show(now)
        paths = tuple(f"{symbol}={self.path(symbol)}" for symbol in self.bars)
        open_account(now, {"data.csv": paths} | more)

    def night(self, number: int, **options: Any) -> NightReport:
        """Show what there is half an hour after a bar, and decide."""
        self.show(night_of(number))
        return night(night_of(number), **options)


class Yahoo(FakeYahoo):
    """Tells ``told`` by symbol, a refusal where ``refused`` has one, and the newest trade.

    The time of the newest trade is ``clock``, the market's own; None for no such answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, pd.DataFrame] = {}
        self.refused: dict[str, Reply] = {}
        self.clock: pd.Timestamp | None = None

    def answer(self, asked: Asked) -> Reply:
        if not self.is_data(asked):
            return super().answer(asked)
        symbol = asked.path.rpartition("/")[2]
        if symbol in self.refused:
            return self.refused[symbol]
        if symbol not in self.told:
            return UNKNOWN
        bars = self.told[symbol]
        if "period1" in asked.query:
            since = pd.Timestamp(int(asked.query["period1"]), unit="s", tz="UTC")
            bars = bars[bars.index >= since]
        elif asked.query.get("range") == "1d":
            bars = bars[-1:]
        return Reply(chart(symbol, _rows(bars), self._traded(bars)))

    def _traded(self, bars: pd.DataFrame) -> tuple[float, int] | None:
        if self.clock is None or bars.empty:
            return None
        closes = bars["close"].dropna()
        return float(closes.iloc[-1]) if len(closes) else 1.0, int(self.clock.timestamp())


UNKNOWN = Reply(failure("Not Found", "No data found, symbol may be delisted"), 404)
RATE_LIMITED = Reply("Too Many Requests", 429)


def _rows(bars: pd.DataFrame) -> list[tuple[int, list[float | None]]]:
    return [
        (int(time.timestamp()), [None if value != value else float(value) for value in row])
        for time, row in zip(bars.index, bars.to_numpy(float), strict=True)
    ]


def open_account(now: pd.Timestamp, flags: Mapping[str, Any]) -> None:
    """Open the account: the trend of five bars, unless told otherwise."""
    usual = {"strategy.name": "sma_trend", "strategy.params": {"window": WINDOW}}
    init_account(load_settings(None, [], usual | dict(flags)), NAME, now, Heard().events)


def night(
    now: pd.Timestamp | Clock, *, heard: Heard | None = None, dry_run: bool = False
) -> NightReport:
    """Decide what is due."""
    clock = now if isinstance(now, Clock) else stopped_clock(now)
    return run_night(NAME, clock, (heard or Heard()).events, dry_run=dry_run)


def live(now: pd.Timestamp) -> Clock:
    """A clock that is not simulated, and waits in no time."""
    return waiting(now)[0]


def waiting(now: pd.Timestamp) -> tuple[Clock, list[float]]:
    """A clock that goes on by what is slept, and what that was."""
    slept: list[float] = []
    return Clock(lambda: now + pd.Timedelta(seconds=sum(slept)), slept.append), slept


def account_folder() -> Path:
    """Where the account lies."""
    return home("data") / "accounts" / NAME


def facts() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the ledger."""
    with open_ledger(account_folder() / "ledger.sqlite3") as ledger:
        return {
            name: [tuple(row) for row in ledger.table(name).astype(object).fillna("").to_numpy()]
            for name in ("account", "nights", *schema.FACTS)
        }


def table(name: str) -> pd.DataFrame:
    """One table."""
    with open_ledger(account_folder() / "ledger.sqlite3") as ledger:
        return ledger.table(name)


def nights() -> list[Night]:
    """Every night."""
    with open_ledger(account_folder() / "ledger.sqlite3") as ledger:
        return ledger.nights()


def decided() -> list[pd.Timestamp]:
    """Bars that have been decided."""
    return [one.bar_at for one in nights()]


def replays(now: pd.Timestamp) -> Any:
    """Replay the account from its ledger alone; it must be what was recorded."""
    from cryptobt.paper.account import read_account

    with open_ledger(account_folder() / "ledger.sqlite3") as ledger:
        return stand(read_account(ledger), ledger, now)
