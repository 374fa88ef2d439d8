"""One run of one strategy: ``run_backtest`` is the only way to an account in this project."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import pandas as pd

from cryptobt.backtests.account import build_result
from cryptobt.backtests.broker import SpotBroker
from cryptobt.backtests.feed import make_feed
from cryptobt.backtests.margin import MarginBroker
from cryptobt.backtests.recorder import Recorder
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, parse_day
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.strategies.base import SignalStrategy, day_numbers
from cryptobt.strategies.registry import StrategySpec, check_params
from cryptobt.strategies.sizing import TradingRules
from cryptobt.strategies.stock import fit_to_run
from cryptobt.strategies.user_code import explain_failure

log = logging.getLogger(__name__)


class _Cerebro(bt.Cerebro):
    """backtrader's engine, whose vectorised mode fails on fewer bars than an indicator needs."""

    def _runonce(self, runstrats: list[Any]) -> None:
        (strategy,) = runstrats
        needed = zip(strategy.datas, strategy._minperiods, strict=True)
        if any(bars > data.buflen() for data, bars in needed):
            self._runnext(runstrats)
        else:
            super()._runonce(runstrats)


@dataclass(frozen=True)
class Trader:
    """A strategy with its parameters, and the forecaster whose rows it is shown.

    Attributes
    ----------
    params : dict
        As the user gave them; checked when the run begins.
    forecaster : str or None
        Name in ``forecasts.frame["forecaster"]``.
    """

    spec: StrategySpec
    params: dict[str, Any]
    forecaster: str | None = None


def run_backtest(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    *,
    preload: bool = True,
    decided_at: Mapping[pd.Timestamp, pd.Timestamp] | None = None,
) -> BacktestResult:
    """Trade one strategy through history and return the account it would have had.

    Decisions are made at the close of a bar and fill at the next open, with fee and slippage.
    Several symbols share one account; each joins at its first bar, and is left alone at times at
    which others have a bar and it has none.

    Causality: the account up to bar t depends on bars up to t, on forecasts made by then, and on
    settings; with ``preload=False`` a strategy that reads ``close[1]`` fails.

    Parameters
    ----------
    markets : sequence of MarketData
        Bars of each symbol, warm-up included, all of one interval.
    forecasts : Forecasts or None
        Needed if the trader names a forecaster.
    settings : Settings
        ``data.start`` is the first deciding bar (the first bar, if None).
    decided_at : mapping or None
        Bars to the instant of the wall clock at which their decision was made; a bar that is not in
        it was decided at its close. What was decided more than ``paper.decision_deadline_hours``
        after the close is late: it fills at the first bar that opens after that instant.

    Raises
    ------
    DataInvalidError
        If no bar is left to decide at, or symbols have bars of different intervals.
    """
    check_intervals(markets)
    start = _start(markets, settings)
    # backtrader's vectorised mode puts bars of two symbols side by side by their number.
    aligned = all(market.times.equals(markets[0].times) for market in markets[1:])
    vectorised = preload and (aligned or issubclass(trader.spec.strategy, SignalStrategy))
    cerebro = _Cerebro(stdstats=False, preload=preload, runonce=vectorised)
    broker = MarginBroker if settings.sizing.allow_short else SpotBroker
    cerebro.broker = broker(settings, markets[0].interval)
    cerebro.broker.late = _late(decided_at or {}, markets[0].interval, settings)
    for market in markets:
        rows = None
        if forecasts is not None and trader.forecaster is not None:
            rows = forecasts.of(trader.forecaster, market.symbol)
        cerebro.adddata(make_feed(market, rows))
    first = float(day_numbers(pd.DatetimeIndex([start]))[0])
    rules = TradingRules(settings.sizing, settings.costs, settings.account, first)
    params = check_params(trader.spec, trader.params)
    strategy, given = fit_to_run(trader.spec.strategy, rules)
    cerebro.addstrategy(strategy, **given, **params)
    cerebro.addanalyzer(Recorder, _name="recorder", start=rules.start)
    return build_result(_run(cerebro, trader.spec), markets, decided_at or {})


def _run(cerebro: bt.Cerebro, spec: StrategySpec) -> Recorder:
    try:
        (strategy,) = cerebro.run()
    except (Exception, SystemExit) as error:
        if not spec.file:
            raise
        raise explain_failure(error, spec.file) from error
    recorder: Recorder = strategy.analyzers.recorder
    return recorder


def is_late(
    bar_at: pd.Timestamp, decided_at: pd.Timestamp, interval: pd.Timedelta, settings: Settings
) -> bool:
    """Whether a bar was decided too late after its close for the open that followed it."""
    deadline = pd.Timedelta(hours=settings.paper.decision_deadline_hours)
    return decided_at > bar_at + interval + deadline


def _late(
    decided_at: Mapping[pd.Timestamp, pd.Timestamp], interval: pd.Timedelta, settings: Settings
) -> dict[float, float]:
    late = {bar: at for bar, at in decided_at.items() if is_late(bar, at, interval, settings)}
    bars, instants = (day_numbers(pd.DatetimeIndex(list(side))) for side in (late, late.values()))
    return dict(zip(bars.tolist(), instants.tolist(), strict=True))


def check_intervals(markets: Sequence[MarketData]) -> None:
    """Refuse symbols whose bars are not of one interval.

    Raises
    ------
    DataInvalidError
        Naming two that differ.
    """
    for market in markets[1:]:
        if market.interval != markets[0].interval:
            raise DataInvalidError(
                "symbols traded together need bars of one interval: "
                f"{markets[0].symbol} has {interval_label(markets[0].interval)}, "
                f"{market.symbol} {interval_label(market.interval)}"
            )


def _start(markets: Sequence[MarketData], settings: Settings) -> pd.Timestamp:
    first = min(market.times[0] for market in markets)
    last = max(market.times[-1] for market in markets)
    if settings.data.start is None:
        return first
    start = parse_day(settings.data.start, "data.start")
    if start > last:
        raise DataInvalidError(f"data.start {settings.data.start} is after the last bar, {last}")
    return max(start, first)
