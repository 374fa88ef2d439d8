"""A symbol's newest complete bar, and all that it takes to ask its forecaster again there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import CLOSE, TIME
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.features.sets import find_feature_set
from cryptobt.forecasters.last_window import LastWindow, last_window
from cryptobt.forecasters.nearness import LearntRows
from cryptobt.forecasters.predictions import quote_unit
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.edits import Field, shown
from cryptobt.jobs.events import Events
from cryptobt.jobs.field_meanings import describe_field
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.next_forecast import load_newest, traded
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.trader import trader_of

SCHEMA = 1


@dataclass(frozen=True)
class AtLastBar:
    """A symbol's last bar as ``cryptobt forecast`` sees it.

    Attributes
    ----------
    forecasts : Forecasts
        Of every symbol.
    window : LastWindow
        The fold that forecasts the last bar.
    warnings : tuple of str
        What was said on the way.
    """

    settings: Settings
    markets: Sequence[MarketData]
    market: MarketData
    trader: Trader
    forecasts: Forecasts
    window: LastWindow
    warnings: tuple[str, ...]

    @property
    def close(self) -> float:
        """Close of the last bar."""
        return float(self.market.bars[CLOSE].iloc[-1])

    @property
    def forecast(self) -> dict[Any, Any]:
        """The forecast of the last bar, of the nearest horizon."""
        rows = self.forecasts.of(str(self.trader.forecaster), self.market.symbol).reset_index()
        (last,) = rows[rows[TIME] == self.market.times[-1]].to_dict("records")
        return last

    @property
    def priced(self) -> bool:
        """Whether the field ``close`` is the close itself, and so the price to start from."""
        return any(field.name == CLOSE and field.value == self.close for field in self.fields)

    @property
    def feature_set(self) -> str:
        """Name of the feature set, without the folder of a user's own file."""
        return find_feature_set(self.settings.features.set).name

    @cached_property
    def account(self) -> BacktestResult:
        """The strategy's account, traded on the forecasts up to the last bar."""
        return traded(self.markets, self.forecasts, self.trader, self.settings)

    @cached_property
    def learnt(self) -> LearntRows:
        """Rows that the newest fold has learnt from."""
        return self.window.learnt_rows()

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Features of the last bar, in the order of their set."""
        row, learnt, chosen = self.window.row, self.learnt, self.feature_set
        numbers = zip(row, learnt.low, learnt.high, learnt.share_up_to(row), strict=True)
        fields = []
        for name, number in zip(self.window.samples.names, numbers, strict=True):
            value, low, high, share = (float(one) for one in number)
            label, meaning = describe_field(chosen, name)
            fields.append(Field(name, label, value, shown(value), low, high, share, meaning))
        return tuple(fields)

    def about(self) -> dict[str, Any]:
        """Say what is asked: symbol, times, close, forecaster."""
        forecast = self.forecast
        return {
            "schema": SCHEMA,
            "symbol": self.market.symbol,
            "time": iso(forecast[TIME]),
            "made_at": iso(forecast["made_at"]),
            "target_at": iso(forecast["target_at"]),
            "horizon_bars": int(forecast["horizon_bars"]),
            "close": self.close,
            "unit": quote_unit(self.market.symbol),
            "strategy": self.trader.spec.name,
            "forecaster": self.trader.forecaster,
            "features": self.feature_set,
            "simulated": any(market.simulated for market in self.markets),
            "trained_until": iso(forecast["trained_until"]),
        }

    def weight(self, account: BacktestResult) -> float | None:
        """Read the strategy's target weight at the last bar; None where it names none."""
        weights = account.weights
        last = weights[weights["symbol"] == self.market.symbol].iloc[-1]["target_weight"]
        return None if pd.isna(last) else float(last)


def at_last_bar(settings: Settings, symbol: str, now: pd.Timestamp, events: Events) -> AtLastBar:
    """Load and forecast as ``cryptobt forecast`` does, and keep what asking again needs.

    Nothing is written but the fold cache.

    Causality: all of it depends on bars complete at ``now`` alone.

    Parameters
    ----------
    symbol : str
        One of the symbols that the settings load.
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    events : Events
        Told of warnings and progress.

    Raises
    ------
    UsageError
        If the symbol is not among those loaded, or the strategy trades by no trained forecaster.
    DataInvalidError
        If the last bar cannot be forecast.
    CryptobtError
        As ``cryptobt forecast``.
    """
    trader = trader_of(settings)
    name = _learner(trader)
    fold_cache().check_writable()
    said: list[str] = []
    told = events.noting(said)
    for way in paper_ways(settings):
        told.warn(way)
    told.step("loading data")
    markets, extras = load_newest(settings.data, now, told)
    market = _chosen(markets, symbol)
    forecasting = Forecasting(markets, extras, trader, settings, told)
    told.step("computing features")
    features = forecasting.features()
    told.step("forecasting")
    forecasts = forecasting.forecasts(features)
    late = market is not min(markets, key=lambda one: one.times[0])
    window = last_window(
        market, features[symbol], name, settings, fold_cache(), told.fits, joins_late=late
    )
    assert forecasts is not None, "this symbol is forecast"
    return AtLastBar(settings, markets, market, trader, forecasts, window, tuple(said))


def _learner(trader: Trader) -> str:
    """Name of the forecaster that a strategy trades by, which has to have learnt something."""
    name = trader.forecaster
    if name is not None and find_forecaster(name).trained:
        return name
    why = "by no forecast" if name is None else f"by {name}, a rule that reads no feature"
    raise UsageError(
        f"{trader.spec.name} trades {why}: there is nothing to edit; name a trained forecaster, "
        "such as dual_attention, with forecaster.name"
    )


def _chosen(markets: Sequence[MarketData], symbol: str) -> MarketData:
    for market in markets:
        if market.symbol == symbol:
            return market
    known = did_you_mean(symbol, [market.symbol for market in markets])
    raise UsageError(f"symbol '{symbol[:40]}' is not among those loaded; {known}")
