"""``cryptobt backtest``: from settings to a run folder with its tearsheet."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader, check_intervals
from cryptobt.core.columns import BARS
from cryptobt.core.processes import usable_cores
from cryptobt.core.settings import Settings, home
from cryptobt.core.time import epoch_ns, interval_label, iso
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.data.load import load_markets
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events, Progress
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.rows import run_rows
from cryptobt.jobs.run_files import FinishedRun, json_text
from cryptobt.jobs.symbols import describe_stale, extra_warnings, name_of, quality_warnings
from cryptobt.jobs.trader import trader_of
from cryptobt.records.content import ContentStore
from cryptobt.records.runs import check_writable, write_run
from cryptobt.reports.quantstats_page import QuantstatsProcess
from cryptobt.reports.terminal import summary

__all__ = ["BacktestReport", "Events", "Progress", "backtest", "keep_snapshot"]


@dataclass(frozen=True)
class BacktestReport:
    """What a run left behind.

    Attributes
    ----------
    folder : Path
        The run folder.
    metrics : dict
        The ``metrics.json`` document.
    """

    folder: Path
    metrics: dict[str, Any]

    @property
    def tearsheet(self) -> Path:
        """The page to open."""
        return self.folder / "tearsheet.html"

    def summary(self) -> str:
        """Sum the run up for a terminal, in fewer than 25 lines."""
        return summary(self.metrics, run_folder=str(self.folder), tearsheet=str(self.tearsheet))


def backtest(
    settings: Settings, now: pd.Timestamp, events: Events, command: str = ""
) -> BacktestReport:
    """Load, forecast, trade, measure, and write the run folder.

    Parameters
    ----------
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    events : Events
        Told of warnings and progress.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    trader, out = trader_of(settings), Path(settings.run.out)
    check_writable(out)
    for store in (fold_cache(), snapshots()):
        store.check_writable()
    clock = _Clock(events.step)
    clock.begin("loading data")
    markets, extras = _load(settings, now, events)
    forecasting = Forecasting(markets, extras, trader, settings, events)
    clock.begin("computing features")
    features = forecasting.features()
    clock.begin("forecasting")
    forecasts = forecasting.forecasts(features)
    missing = tuple(dict.fromkeys(name for table in features.values() for name in table.missing))
    run = _Run(markets, extra_warnings(extras), forecasts, missing, trader, settings, events)
    files, metrics = run.trade(clock)
    clock.begin("writing")
    run_id = uuid.uuid4().hex[:8]
    own = {
        "run_id": run_id,
        "created_at": iso(now),
        "command": command,
        "workers": settings.run.workers or usable_cores(),
        "paths": {"out": str(out.resolve()), "cache": str(fold_cache().root)},
        "timings_s": clock.end(),
    }
    files["run.json"] = json_text(
        own | manifest(settings, markets, extras, trader.spec, files["forecasts.csv"])
    )
    for market in markets:
        keep_snapshot(market)
    name = f"{now:%Y%m%dT%H%M%SZ}-{trader.spec.name}-{name_of(markets)}-{run_id}"
    return BacktestReport(write_run(out, name, files), metrics)


def snapshots() -> ContentStore:
    """The store of the bars that runs were made from."""
    return ContentStore(home("data") / "snapshots")


def keep_snapshot(market: MarketData) -> None:
    """Keep the bars of a run by their content, so that it can be repeated after a rewrite."""
    store = snapshots()
    if market.hash not in store:
        arrays = {name: market.bars[name].to_numpy() for name in BARS}
        meta = {"symbol": market.symbol, "interval": interval_label(market.interval)}
        store.put(market.hash, {"time": epoch_ns(market.times)} | arrays, meta)


def _load(
    settings: Settings, now: pd.Timestamp, events: Events
) -> tuple[list[MarketData], Mapping[str, Sequence[ExtraSeries]]]:
    markets = load_markets(settings.data, now)
    for warning in quality_warnings(markets):
        events.warn(warning)
    check_intervals(markets)
    extras = load_extras(settings.data, markets, now)
    for warning in extra_warnings(extras):
        events.warn(warning)
    return markets, extras


@dataclass(frozen=True)
class _Run:
    """What is traded, once it is forecast."""

    markets: Sequence[MarketData]
    notes: Sequence[str]
    forecasts: Forecasts | None
    missing_columns: tuple[str, ...]
    trader: Trader
    settings: Settings
    events: Events

    def trade(self, clock: "_Clock") -> tuple[dict[str, str], dict[str, Any]]:
        """Trade every row, measure them, and write the files but ``run.json``, with the metrics."""
        clock.begin("trading")
        resolved = _with_start(self.settings, self.forecasts)
        with QuantstatsProcess() as quantstats:
            rows = run_rows(self.markets, self.forecasts, self.trader, resolved)
            quantstats.begin(rows["strategy"].account, rows["buy_and_hold"].account)
            clock.begin("measuring")
            stale = describe_stale(self.markets, rows["strategy"].account.times)
            for line in stale:
                self.events.warn(line)
            measures = Measures(self.markets, self.forecasts, rows, resolved)
            notes = [*self.notes, *stale]
            metrics = measures.document(self.trader.spec.name, self.missing_columns, notes)
            clock.begin("drawing the tearsheet")
            run = FinishedRun(
                self.settings, self.markets, self.forecasts, rows, metrics, self.trader
            )
            return run.files(quantstats.section), metrics


def _with_start(settings: Settings, forecasts: Forecasts | None) -> Settings:
    """Give every row the same first decision: that of the forecasts."""
    if forecasts is None:
        return settings
    start = forecasts.frame["time"].min().isoformat()
    return settings.model_copy(update={"data": settings.data.model_copy(update={"start": start})})


class _Clock:
    """Seconds spent in each step."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.began = time.perf_counter()
        self.step = ""
        self.spent: dict[str, float] = {}

    def begin(self, step: str) -> None:
        self.end()
        self.step, self.began = step, time.perf_counter()
        self.tell(step)

    def end(self) -> dict[str, float]:
        if self.step:
            self.spent[self.step] = round(time.perf_counter() - self.began, 3)
        return self.spent
