"""``cryptobt backtest``: from settings to a run folder with its tearsheet."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import BARS
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.processes import usable_cores
from cryptobt.core.settings import Settings, home
from cryptobt.core.time import epoch_ns, interval_label, iso
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.data.load import load_extras, load_markets
from cryptobt.features.sets import FEATURE_SETS, FeatureTable, compute
from cryptobt.forecasters.registry import TREND_ONLY, find_forecaster
from cryptobt.forecasters.walkforward import forecast
from cryptobt.forecasters.workers import Progress
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.rows import run_rows
from cryptobt.jobs.run_files import FinishedRun, json_text
from cryptobt.records.content import ContentStore
from cryptobt.records.runs import check_writable, write_run
from cryptobt.reports.quantstats_page import QuantstatsProcess
from cryptobt.reports.terminal import summary
from cryptobt.strategies.registry import check_params, find_strategy

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


@dataclass(frozen=True)
class Events:
    """What a caller is told while a run goes on.

    Attributes
    ----------
    warn : callable
        One line for each thing that a person should know.
    step : callable
        Name of the step that begins.
    fits : callable
        Progress of the fits.
    """

    warn: Callable[[str], None]
    step: Callable[[str], None]
    fits: Callable[[Progress], None]


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
    trader, out = _trader(settings), Path(settings.run.out)
    check_writable(out)
    for store in (fold_cache(), snapshots()):
        store.check_writable()
    clock = _Clock(events.step)
    clock.begin("loading data")
    market, extras = _load(settings, now, events)
    clock.begin("computing features")
    features = _features(market, extras.get(market.symbol, ()), settings, events)
    clock.begin("forecasting")
    forecasts = _forecast(market, features, trader, settings, events)
    files, metrics = _trade(market, features, forecasts, trader, settings, clock)
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
        own | manifest(settings, [market], extras, trader.spec, files["forecasts.csv"])
    )
    keep_snapshot(market)
    name = f"{now:%Y%m%dT%H%M%SZ}-{trader.spec.name}-{market.symbol}-{run_id}"
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


def _trader(settings: Settings) -> Trader:
    spec = find_strategy(settings.strategy.name)
    check_params(spec, settings.strategy.params)
    name = settings.forecaster.name or spec.forecaster
    if name is not None:
        find_forecaster(name)
    return Trader(spec, settings.strategy.params, name)


def _load(
    settings: Settings, now: pd.Timestamp, events: Events
) -> tuple[MarketData, Mapping[str, Sequence[ExtraSeries]]]:
    markets = load_markets(settings.data, now)
    if len(markets) > 1:
        raise UsageError(f"one symbol at a time, not {len(markets)}; run the command once for each")
    market = markets[0]
    for warning in market.quality.warnings:
        events.warn(f"{market.symbol}: {warning}")
    return market, load_extras(settings.data, markets)


def _features(
    market: MarketData, extras: Sequence[ExtraSeries], settings: Settings, events: Events
) -> FeatureTable:
    name = settings.features.set
    features = compute(name, market, extras)
    if features.missing:
        events.warn(f"left out of the features, not in the data: {', '.join(features.missing)}")
    if settings.data.onchain and not FEATURE_SETS[name].extras:
        events.warn(
            f"the feature set '{name}' does not use the on-chain file; "
            "--set features.set=stationary_onchain does"
        )
    return features


def _forecast(
    market: MarketData, features: FeatureTable, trader: Trader, settings: Settings, events: Events
) -> Forecasts | None:
    name = trader.forecaster or TREND_ONLY
    try:
        return forecast(market, features, name, settings, fold_cache(), events.fits)
    except DataInvalidError as error:
        # A rule needs no history of forecasts: it trades without the rows that would.
        if trader.forecaster is not None:
            raise
        events.warn(f"without trend_only, the row to beat: {error}")
        return None


def _trade(
    market: MarketData,
    features: FeatureTable,
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    clock: "_Clock",
) -> tuple[dict[str, str], dict[str, Any]]:
    """Trade every row, measure them, and write the files but ``run.json``, with the metrics."""
    clock.begin("trading")
    resolved = _with_start(settings, forecasts)
    with QuantstatsProcess() as quantstats:
        rows = run_rows([market], forecasts, trader, resolved)
        quantstats.begin(rows["strategy"].account, rows["buy_and_hold"].account)
        clock.begin("measuring")
        measures = Measures(market, forecasts, rows, resolved)
        metrics = measures.document(trader.spec.name, features.missing)
        clock.begin("drawing the tearsheet")
        run = FinishedRun(settings, market, forecasts, rows, metrics, trader)
        return run.files(quantstats), metrics


def _with_start(settings: Settings, forecasts: Forecasts | None) -> Settings:
    """Give every row the same first decision: that of the forecasts."""
    if forecasts is None:
        return settings
    start = forecasts.frame["time"].iloc[0].isoformat()
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
