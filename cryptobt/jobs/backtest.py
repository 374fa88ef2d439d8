"""``cryptobt backtest``: from settings to a run folder with its tearsheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.jobs.events import Events, Progress
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.rows import run_rows
from cryptobt.jobs.run_files import FinishedRun
from cryptobt.jobs.run_folder import Steps, check_folders, write_run_folder
from cryptobt.jobs.symbols import describe_stale, extra_warnings, name_of
from cryptobt.jobs.trader import trader_of
from cryptobt.reports.quantstats_page import QuantstatsProcess
from cryptobt.reports.terminal import summary

__all__ = ["BacktestReport", "Events", "Progress", "backtest"]


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
    trader = trader_of(settings)
    check_folders(Path(settings.run.out))
    for way in (ways := paper_ways(settings)):
        events.warn(way)
    steps = Steps(events.step)
    steps.begin("loading data")
    markets = load_bars(settings.data, now, events)
    extras = load_beside(settings.data, markets, now, events)
    forecasting = Forecasting(markets, extras, trader, settings, events)
    steps.begin("computing features")
    features = forecasting.features()
    steps.begin("forecasting")
    forecasts = forecasting.forecasts(features)
    missing = tuple(dict.fromkeys(name for table in features.values() for name in table.missing))
    notes = [*ways, *extra_warnings(extras)]
    run = _Run(markets, notes, forecasts, missing, trader, settings, events)
    files, metrics = run.trade(steps)
    steps.begin("writing")
    label = f"{trader.spec.name}-{name_of(markets)}"
    shared = manifest(settings, markets, extras, trader.spec, files["forecasts.csv"])
    spent = {"timings_s": steps.end()}
    folder = write_run_folder(label, files, shared, settings, markets, now, command, spent)
    return BacktestReport(folder, metrics)


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

    def trade(self, steps: Steps) -> tuple[dict[str, str], dict[str, Any]]:
        """Trade every row, measure them, and write the files but ``run.json``, with the metrics."""
        steps.begin("trading")
        resolved = _with_start(self.settings, self.forecasts)
        with QuantstatsProcess() as quantstats:
            rows = run_rows(self.markets, self.forecasts, self.trader, resolved)
            quantstats.begin(rows["strategy"].account, rows["buy_and_hold"].account)
            steps.begin("measuring")
            stale = describe_stale(self.markets, rows["strategy"].account.times)
            for line in stale:
                self.events.warn(line)
            measures = Measures(self.markets, self.forecasts, rows, resolved)
            notes = [*self.notes, *stale]
            metrics = measures.document(self.trader.spec.name, self.missing_columns, notes)
            steps.begin("drawing the tearsheet")
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
