"""``cryptobt paper report``: the tearsheet of an account's record, made from its ledger."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import run_backtest
from cryptobt.core.errors import CryptobtError, DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events
from cryptobt.jobs.evidence import Evidence
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.rows import run_rows
from cryptobt.jobs.run_files import FinishedRun, json_text
from cryptobt.jobs.run_folder import keep_snapshot
from cryptobt.jobs.symbols import describe_stale
from cryptobt.jobs.trials import TrialCount, known_trials, trials_document
from cryptobt.paper.account import existing_ledger
from cryptobt.paper.accounts import standing_of
from cryptobt.paper.facts import Rewritten
from cryptobt.paper.ledger import open_ledger
from cryptobt.paper.live import Before, Record
from cryptobt.paper.replay import begun
from cryptobt.paper.standing import Standing
from cryptobt.records.runs import check_writable, write_run

_NO_SERIES = "the series beside the bars cannot be loaded"


def report_account(name: str, out: Path, now: pd.Timestamp, events: Events) -> Path:
    """Write a run folder on what an account has done so far, like a backtest's.

    The strategy's account is the ledger's, replayed with its late decisions and the forecasts that
    were recorded; the rows beside it trade the recorded bars of the same nights, on time. The
    backtest of the time before is made anew, from the bars that the first night knew.

    Causality: of equal ledgers the files are equal, ``run.json`` apart, as long as the series
    beside the bars and the libraries are.

    Parameters
    ----------
    out : Path
        Folder of runs.
    now : Timestamp
        Names the folder; no number depends on it.

    Returns
    -------
    Path
        The run folder; its ``tearsheet.html`` is the page.

    Raises
    ------
    UsageError
        If there is no such account, or it has not had a night.
    LedgerError
        If the ledger is damaged or does not replay.
    CannotWriteError
    """
    check_writable(out)
    report, files = _made(name, now, events)
    run_id = uuid.uuid4().hex[:8]
    own = {
        "run_id": run_id,
        "created_at": iso(now),
        "command": f"cryptobt paper report {name}",
        "account": name,
        "paths": {"out": str(out.resolve()), "cache": str(fold_cache().root)},
    }
    files["run.json"] = json_text(own | report.manifest(files["forecasts.csv"]))
    for market in report.standing.replay.markets:
        keep_snapshot(market)
    return write_run(out, f"{now:%Y%m%dT%H%M%SZ}-paper-{name}-{run_id}", files)


def live_tearsheet(name: str, now: pd.Timestamp, events: Events) -> str:
    """Make the page of :func:`report_account` without writing a run folder.

    Raises
    ------
    UsageError, LedgerError
        As there.
    """
    return _made(name, now, events)[1]["tearsheet.html"]


def _made(name: str, now: pd.Timestamp, events: Events) -> "tuple[_Report, dict[str, str]]":
    """Replay, trade and measure an account: every file but ``run.json``."""
    events.step("replaying")
    standing = standing_of(name, now)
    absent, rewrites = _facts(name, standing)
    if standing.overdue:
        events.warn(f"the record ends {iso(standing.night.bar_at)}; later nights are not decided")
    report = _Report(standing, events)
    events.step("trading")
    record = Record(standing, report.before(), absent, rewrites)
    return report, report.files(record)


def _facts(name: str, standing: Standing) -> tuple[list[tuple[pd.Timestamp, str]], list[Rewritten]]:
    """Nights without a symbol, and bars told otherwise."""
    with open_ledger(existing_ledger(name), verify=False, read_only=True) as ledger:
        absences, rewrites = ledger.table("absences"), ledger.rewrites()
    bar_of = {night.night_id: night.bar_at for night in standing.nights}
    rows = zip(absences["night_id"].tolist(), absences["symbol"].tolist(), strict=True)
    return [(bar_of[night], symbol) for night, symbol in rows if night in bar_of], rewrites


@dataclass(frozen=True)
class _Report:
    """What is traded and measured of an account."""

    standing: Standing
    events: Events

    @property
    def settings(self) -> Settings:
        """Settings of the account, beginning with its first night."""
        day = f"{self.standing.first:%Y-%m-%d}"
        data = self.standing.account.settings.data.model_copy(update={"start": day})
        return self.standing.account.settings.model_copy(update={"data": data})

    def before(self) -> Before:
        """Run the backtest of the bars up to the first night."""
        account, first = self.standing.account, self.standing.first
        markets = [_until(market, first) for market in self.standing.replay.markets]
        made, reason = self._made
        if reason:
            return Before(markets, None, None, reason)
        forecasts, settings = _part(made, None, first), account.settings
        if forecasts is not None:
            settings = begun(settings, forecasts.frame["time"].min())
        result = run_backtest(markets, forecasts, account.trader, settings)
        if len(result.times) < 2:
            return Before(markets, None, None, "there are fewer than two bars to trade before it")
        return Before(markets, forecasts, result)

    def files(self, record: Record) -> dict[str, str]:
        """Trade every row, measure them, and write the files but ``run.json``."""
        replay, trader = self.standing.replay, self.standing.account.trader
        markets, forecasts, settings = replay.markets, self._forecasts(), self.settings
        rows = run_rows(markets, forecasts, trader, settings, replay.result)
        self.events.step("measuring")
        stale = describe_stale(markets, replay.result.times)
        measures = Measures(markets, forecasts, rows, settings)
        table = measures.document(trader.spec.name, (), stale)
        ways = paper_ways(self.settings)
        found = Evidence(measures, trader.spec, self.trials).document(table, ways)
        metrics = {**found, "live": record.document()}
        self.events.step("drawing the tearsheet")
        run = FinishedRun(settings, markets, forecasts, rows, metrics, trader, record.live)
        return run.files()

    @cached_property
    def trials(self) -> TrialCount:
        """Settings that were tried before the account was opened with these."""
        account, replay = self.standing.account, self.standing.replay
        bars = len(replay.result.times) - 1
        return known_trials(account.settings, replay.markets, account.trader.spec, bars)

    def manifest(self, forecasts_text: str) -> dict[str, Any]:
        """What ``run.json`` has in common with that of a backtest."""
        account, markets = self.standing.account, self.standing.replay.markets
        shared = manifest(account.settings, markets, {}, account.trader.spec, forecasts_text)
        counted = trials_document(account.settings, markets, account.trader.spec, self.trials)
        return {**shared, "trials": counted}

    def _forecasts(self) -> Forecasts | None:
        """Forecasts as they were recorded; a rule's rows beside it are forecast here."""
        if self.standing.account.trader.forecaster is not None:
            return self.standing.replay.forecasts
        return _part(self._made[0], self.standing.first, None)

    @cached_property
    def _made(self) -> tuple[Forecasts | None, str]:
        """Forecasts that no ledger has, or why there are none where they are needed."""
        account, markets = self.standing.account, self.standing.replay.markets
        quiet = replace(self.events, warn=lambda _: None)
        extras: Mapping[str, Sequence[ExtraSeries]] = {}
        if account.trader.forecaster is not None:
            markets = [_until(market, self.standing.first) for market in markets]
            try:
                extras = load_extras(account.settings.data, markets, self.standing.now)
            except CryptobtError as error:
                self.events.warn(f"without the backtest of the time before: {error}")
                return None, _NO_SERIES
        making = Forecasting(markets, extras, account.trader, account.settings, quiet)
        try:
            return making.forecasts(making.features()), ""
        except DataInvalidError as error:
            return None, str(error)


def _until(market: MarketData, last: pd.Timestamp) -> MarketData:
    return replace(market, bars=market.bars[market.bars.index <= last])


def _part(
    made: Forecasts | None, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> Forecasts | None:
    """Forecasts from one bar to another; None where there are none."""
    if made is None:
        return None
    times = made.frame["time"]
    kept = times.between(
        times.min() if first is None else first, times.max() if last is None else last
    )
    frame = made.frame[kept].reset_index(drop=True)
    return Forecasts(frame) if len(frame) else None
