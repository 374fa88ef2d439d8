"""``cryptobt backtest``: from settings to a run folder with its tearsheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.jobs.events import Events, Progress
from cryptobt.jobs.evidence import Evidence
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.robustness import seed_accounts
from cryptobt.jobs.rows import Row, run_rows
from cryptobt.jobs.run_files import FinishedRun
from cryptobt.jobs.run_folder import Steps, check_folders, write_run_folder
from cryptobt.jobs.symbols import describe_stale, extra_warnings, name_of
from cryptobt.jobs.trader import trader_of
from cryptobt.jobs.trials import TrialCount, check_ledger, count_trial, trials_document
from cryptobt.reports.quantstats_page import QuantstatsProcess
from cryptobt.reports.terminal import summary

__all__ = ["BacktestReport", "Events", "Given", "Progress", "backtest"]


@dataclass(frozen=True)
class Given:
    """What a repetition takes from the run that it repeats, in place of loading and counting.

    Attributes
    ----------
    markets : sequence of MarketData
        The bars that the run was made from.
    trials : TrialCount
        As they were counted then.
    """

    markets: Sequence[MarketData]
    trials: TrialCount


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
    settings: Settings,
    now: pd.Timestamp,
    events: Events,
    command: str = "",
    *,
    given: Given | None = None,
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
    given : Given, optional
        Of a run that is repeated.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    trader = trader_of(settings)
    check_folders(Path(settings.run.out))
    if given is None:
        check_ledger(settings)
    for way in (ways := paper_ways(settings)):
        events.warn(way)
    steps = Steps(events.step)
    steps.begin("loading data")
    markets = given.markets if given else load_bars(settings.data, now, events)
    extras = load_beside(settings.data, markets, now, events)
    forecasting = Forecasting(markets, extras, trader, settings, events)
    steps.begin("computing features")
    features = forecasting.features()
    steps.begin("forecasting")
    forecasts = forecasting.forecasts(features)
    missing = tuple(dict.fromkeys(name for table in features.values() for name in table.missing))
    notes = [*ways, *extra_warnings(extras)]
    trials = given.trials if given else None
    run = _Run(markets, notes, ways, forecasts, missing, trader, settings, events, now, trials)
    files, metrics, counted = run.trade(steps)
    steps.begin("writing")
    label = f"{trader.spec.name}-{name_of(markets)}"
    shared = manifest(settings, markets, extras, trader.spec, files["forecasts.csv"])
    shared["trials"] = trials_document(settings, markets, trader.spec, counted)
    spent = {"timings_s": steps.end()}
    folder = write_run_folder(label, files, shared, settings, markets, now, command, spent)
    return BacktestReport(folder, metrics)


@dataclass(frozen=True)
class _Run:
    """What is traded, once it is forecast."""

    markets: Sequence[MarketData]
    notes: Sequence[str]
    ways: Sequence[str]
    forecasts: Forecasts | None
    missing_columns: tuple[str, ...]
    trader: Trader
    settings: Settings
    events: Events
    now: pd.Timestamp
    trials: TrialCount | None

    def trade(self, steps: Steps) -> tuple[dict[str, str], dict[str, Any], TrialCount]:
        """Trade every row, count the trial, measure, and write the files but ``run.json``."""
        steps.begin("trading")
        resolved = _with_start(self.settings, self.forecasts)
        # On one thread: the last bits of a matrix product depend on how many share it.
        with threadpool_limits(1), QuantstatsProcess() as quantstats:
            rows = run_rows(self.markets, self.forecasts, self.trader, resolved)
            quantstats.begin(rows["strategy"].account, rows["buy_and_hold"].account)
            seeds = self._seeds(resolved)
            trials = self.trials or count_trial(
                self.settings, self.markets, self.trader.spec, rows["strategy"].account, self.now
            )
            steps.begin("measuring")
            metrics = self._metrics(rows, resolved, trials, seeds)
            steps.begin("drawing the tearsheet")
            run = FinishedRun(
                self.settings, self.markets, self.forecasts, rows, metrics, self.trader
            )
            return run.files(quantstats.section), metrics, trials

    def _seeds(self, resolved: Settings) -> list[BacktestResult]:
        if not resolved.robustness.enabled:
            return []
        return seed_accounts(self.markets, self.forecasts, self.trader, resolved)

    def _metrics(
        self,
        rows: dict[str, Row],
        resolved: Settings,
        trials: TrialCount,
        seeds: Sequence[BacktestResult],
    ) -> dict[str, Any]:
        stale = describe_stale(self.markets, rows["strategy"].account.times)
        for line in stale:
            self.events.warn(line)
        measures = Measures(self.markets, self.forecasts, rows, resolved)
        notes, spec = [*self.notes, *stale], self.trader.spec
        table = measures.document(spec.name, self.missing_columns, notes)
        return Evidence(measures, spec, trials, seeds).document(table, self.ways)


def _with_start(settings: Settings, forecasts: Forecasts | None) -> Settings:
    """Give every row the same first decision: that of the forecasts."""
    if forecasts is None:
        return settings
    start = forecasts.frame["time"].min().isoformat()
    return settings.model_copy(update={"data": settings.data.model_copy(update={"start": start})})
