"""A whole pipeline that can be run again: on other data, on other tables, by another strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from threadpoolctl import threadpool_limits

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, ExtraSeries, Forecasts, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.jobs.audits.judged import started
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting


@dataclass(frozen=True)
class Pipeline:
    """Settings, strategy and data; ``replace`` makes another of it."""

    settings: Settings
    trader: Trader
    markets: Sequence[MarketData]
    extras: Mapping[str, Sequence[ExtraSeries]]
    events: Events

    @property
    def forecasting(self) -> Forecasting:
        """Makes its forecasts."""
        return Forecasting(self.markets, self.extras, self.trader, self.settings, self.events)

    @property
    def fitted(self) -> bool:
        """Whether the strategy trades by a forecaster that is fitted."""
        name = self.trader.forecaster
        return name is not None and find_forecaster(name).trained

    @cached_property
    def tables(self) -> dict[str, FeatureTable]:
        """Features of every symbol."""
        return self.forecasting.features()

    @cached_property
    def forecasts(self) -> Forecasts | None:
        """Of the whole run."""
        return self.forecasting.forecasts(self.tables)

    def account(self, forecasts: Forecasts | None) -> BacktestResult:
        """Trade by some forecasts, from the first of them on."""
        with threadpool_limits(1):
            settings = started(self.settings, forecasts)
            return run_backtest(self.markets, forecasts, self.trader, settings)

    @cached_property
    def forecast(self) -> list[MarketData]:
        """Markets that the whole run forecasts."""
        known = set(self.forecasts.frame["symbol"]) if self.forecasts is not None else set()
        return [market for market in self.markets if market.symbol in known]
