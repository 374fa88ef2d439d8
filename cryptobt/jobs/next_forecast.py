"""``cryptobt forecast``: what comes next, and what the strategy would do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.errors import DataUnavailableError
from cryptobt.core.settings import DataSettings, Settings
from cryptobt.core.time import DAY, interval_label, iso
from cryptobt.core.types import BacktestResult, ExtraSeries, Forecasts, MarketData
from cryptobt.forecasters.registry import TREND_ONLY
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.outlook import Outlook
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.symbols import prefixed
from cryptobt.jobs.trader import trader_of
from cryptobt.reports.next_forecast import summary


@dataclass(frozen=True)
class NextForecast:
    """What is forecast of each symbol.

    Attributes
    ----------
    document : dict
        What ``--json`` prints; its keys are in docs/contract.md.
    """

    document: dict[str, Any]

    def summary(self) -> str:
        """Say it in a few lines for a terminal."""
        return summary(self.document)


def next_forecast(settings: Settings, now: pd.Timestamp, events: Events) -> NextForecast:
    """Forecast what comes after the last complete bar of each symbol, and trade up to it.

    Causality: a forecast depends on bars complete at ``now`` alone. It is the last row, and the
    order the pending one, that a backtest over the same bars writes.

    Parameters
    ----------
    now : Timestamp
        Aware; bars that are not complete by then are left out, and ages are counted to it.
    events : Events
        Told of warnings and progress.

    Raises
    ------
    DataUnavailableError
        If a vendor does not have the newest bar that is over, and ``data.end`` asks for no other.
    CryptobtError
        As in a backtest, with one line that says what was wrong and what to do.
    """
    trader = trader_of(settings)
    fold_cache().check_writable()
    said: list[str] = []
    told = events.noting(said)
    for way in paper_ways(settings):
        told.warn(way)
    told.step("loading data")
    markets, extras = load_newest(settings.data, now, told)
    forecasting = Forecasting(markets, extras, trader, settings, told)
    told.step("computing features")
    features = forecasting.features()
    told.step("forecasting")
    forecasts = forecasting.forecasts(features)
    told.step("trading")
    return NextForecast(_outlook(markets, forecasts, trader, settings, now).document(said))


def traded(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
) -> BacktestResult:
    """Trade up to the last bar, from the first decision that a backtest would have."""
    if forecasts is not None:
        start = {"start": forecasts.frame["time"].min().isoformat()}
        settings = settings.model_copy(update={"data": settings.data.model_copy(update=start)})
    return run_backtest(markets, forecasts, trader, settings)


def _outlook(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    now: pd.Timestamp,
) -> Outlook:
    account = traded(markets, forecasts, trader, settings)
    shown = tuple(dict.fromkeys((trader.forecaster or TREND_ONLY, TREND_ONLY)))
    frame = None if forecasts is None else forecasts.frame
    return Outlook(markets, frame, shown, trader, account, settings.account.cash_quote, now)


def load_newest(
    data: DataSettings, now: pd.Timestamp, events: Events
) -> tuple[list[MarketData], Mapping[str, Sequence[ExtraSeries]]]:
    """Load bars and series, say of each symbol that its bars are old, and refuse a late vendor's.

    Raises
    ------
    DataUnavailableError
        If a vendor does not have the newest bar that is over, and ``data.end`` asks for no other.
    """
    markets = load_bars(data, now, events)
    behind = [market for market in markets if _behind(market, now)]
    if data.end is None:
        _refuse_late_vendors([market for market in behind if _is_a_vendor_s(market)])
    for market in behind:
        events.warn(prefixed(markets, market.symbol, _old(market, now)))
    return markets, load_beside(data, markets, now, events)


def _behind(market: MarketData, now: pd.Timestamp) -> bool:
    """Whether another bar is over by the clock."""
    return bool(market.times[-1] + 2 * market.interval <= now)


def _is_a_vendor_s(market: MarketData) -> bool:
    return not market.simulated and market.source != "csv"


def _refuse_late_vendors(late: Sequence[MarketData]) -> None:
    if not late:
        return
    missing = ", ".join(f"{market.symbol} after {iso(market.times[-1])}" for market in late)
    why = next((market.quality.unanswered for market in late if market.quality.unanswered), "")
    raise DataUnavailableError(
        f"no complete bar of {missing} from {late[0].source}, and by the clock one is over"
        f"{f' ({why})' if why else ''}; run again when it is there, or forecast from an older bar "
        f"with --set data.end={late[0].times[-1]:%Y-%m-%d}"
    )


def _old(market: MarketData, now: pd.Timestamp) -> str:
    """Say how old bars are that nobody will bring up to date."""
    closed = market.times[-1] + market.interval
    age = (now - closed) / DAY
    return (
        f"OLD DATA: the last bar closed at {iso(closed)}, {age:,.1f} days ago; the next bar of "
        f"{interval_label(market.interval)} after it is forecast, not the one that forms now"
    )
