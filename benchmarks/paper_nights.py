"""Nights of a paper account by the command line: with and without a refit, and a long replay."""

import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.main_job import PROGRAM
from benchmarks.memory import run_and_watch
from benchmarks.table import Figure, Section, spread
from cryptobt.core.columns import FORECASTS
from cryptobt.core.settings import load_settings
from cryptobt.core.time import DAY, parse_day
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.sample import COINS, sample_market, simulate
from cryptobt.jobs.manifest import libraries
from cryptobt.paper.account import ledger_path, open_account
from cryptobt.paper.facts import NewBars, NewNight
from cryptobt.paper.ledger import open_ledger
from cryptobt.paper.replay import Replay

YEARS, NIGHTS, LONG = 5, 6, 3000
_REFIT = parse_day("2000-01-01", "the anchor") + 99 * 90 * DAY
_LATE = pd.Timedelta(minutes=20)


def section() -> Section:
    """Open an account, run nights up to and over a refit, and replay a long ledger."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        return Section("Paper nights", [*_nights(home / "short"), *_replay(home / "long")], [_NOTE])


_NOTE = (
    "Each command is a process of its own, imports included, on files: no network is in it. The "
    f"account trades attn_signal in its default size, three seeds, on {len(COINS)} symbols with "
    f"{YEARS} years of days. The long ledger holds simulated bars and forecasts of "
    f"{LONG:,} nights; its replay checks every row and compares every night."
)


def _nights(home: Path) -> list[Figure]:
    home.mkdir()
    files = [f"--csv={coin}={home / coin}.csv" for coin in COINS]
    first = _REFIT - (NIGHTS + 1) * DAY
    _grow(home, first)
    opening = _run(home, "init", "bench", "--strategy", "attn_signal", *files)
    nights = [_night(home, first + number * DAY) for number in range(NIGHTS + 1)]
    refit = _night(home, _REFIT)
    how = f"median of {NIGHTS} nights, {spread(nights[1:], 1)}; the first night, with all bars, "
    return [
        Figure("a night without a refit", "6 s", f"{statistics.median(nights[1:]):.1f} s",
               f"{how}{nights[0]:.1f} s"),
        Figure("a night with a refit", "60 s", f"{refit:.1f} s", "9 fits, 2 processes"),
        Figure("opening the account", "—", f"{opening:.0f} s", "trains every fold of five years"),
    ]  # fmt: skip


def _night(home: Path, bar: pd.Timestamp) -> float:
    _grow(home, bar)
    return _run(home, "run", "bench", "--as-of", (bar + DAY + _LATE).isoformat())


def _grow(home: Path, until: pd.Timestamp) -> None:
    """Write the files as they are on one day."""
    since = until - YEARS * 365 * DAY
    for coin in COINS:
        sample_market(coin).market.bars.loc[since:until].to_csv(home / f"{coin}.csv")


def _replay(home: Path) -> list[Figure]:
    home.mkdir()
    before = os.environ.get("CRYPTOBT_HOME")
    os.environ["CRYPTOBT_HOME"] = str(home)
    try:
        path = _long_ledger()
    finally:
        os.environ.pop("CRYPTOBT_HOME")
        if before is not None:
            os.environ["CRYPTOBT_HOME"] = before
    seconds = [_run(home, "replay", "long") for _ in range(3)]
    size = path.stat().st_size / LONG / 1000
    return [
        Figure(f"replay of {len(COINS)} symbols × {LONG:,} nights", "10 s",
               f"{statistics.median(seconds):.1f} s", f"median of 3, {spread(seconds, 1)}"),
        Figure("ledger a night", "—", f"{size:.1f} kB", f"size after {LONG:,} over their number"),
    ]  # fmt: skip


def _long_ledger() -> Path:
    """An account with thousands of nights, all decided on time."""
    nights = made_nights("long", LONG)
    with open_ledger(ledger_path("long")) as ledger:
        ledger.append(nights)
    return ledger_path("long")


def made_nights(name: str, count: int, start: str = "2015-01-01") -> list[NewNight]:
    """Open an account on simulated bars, and make nights of it, all decided on time.

    They are what the ledger would have been given, night by night: each with its bars, forecasts
    of nothing, and the record that the replay of all of them comes to.
    """
    symbols = [f"COIN{number}-USD" for number in range(len(COINS))]
    markets = [
        simulate(symbol, count, seed=n, start=start).market for n, symbol in enumerate(symbols)
    ]
    flags = {"strategy.name": "attn_signal", "data.symbols": tuple(symbols), "data.source": "csv"}
    account = open_account(load_settings(None, [], flags), name, pd.Timestamp.now("UTC"))
    times = markets[0].times
    decided_at = {time: time + DAY + _LATE for time in times}
    made = pd.concat([_forecasts(market, n) for n, market in enumerate(markets)])
    made = made.sort_values(["time", "symbol", "model_id"], ignore_index=True)
    replay = Replay(account, markets, Forecasts(made), decided_at)
    rows = dict(list(made.groupby("time")))
    return [
        NewNight(time, decided_at[time], True, replay.records[time], libraries(),
                 bars=[_bar(market, time) for market in markets], forecasts=rows[time])
        for time in times
    ]  # fmt: skip


def _bar(market: MarketData, time: pd.Timestamp) -> NewBars:
    return NewBars(market.symbol, market.bars.loc[[time]], "simulated", None, None)


def _forecasts(market: MarketData, seed: int) -> pd.DataFrame:
    """Forecasts of nothing, in the shape of real ones: score, network alone, and trend."""
    dice, tables = np.random.default_rng(seed), []
    for name in ("dual_attention", "dual_attention_net", "trend_only"):
        score = dice.normal(size=len(market.times))
        close = market.times + DAY
        table = pd.DataFrame({
            "time": market.times, "symbol": market.symbol, "horizon_bars": 1,
            "model_id": f"{name}-00000000", "forecaster": name, "made_at": close,
            "target_at": close + DAY, "score": score, "mean": score / 100, "p_up": 0.5,
            "q05": -0.05, "q50": 0.0, "q95": 0.05, "seed_spread": 0.1, "trained_until": close,
            "fold": market.times.floor("90D"),
        })  # fmt: skip
        tables.append(table[list(FORECASTS)])
    return pd.concat(tables)


def _run(home: Path, *arguments: str) -> float:
    return run_and_watch([PROGRAM, "paper", *arguments], {"CRYPTOBT_HOME": str(home)}).seconds
