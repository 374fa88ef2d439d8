"""Forecasts of every symbol of a run, each by networks and folds of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.features.sets import FeatureTable, compute, find_feature_set
from cryptobt.forecasters.registry import TREND_ONLY
from cryptobt.forecasters.walkforward import forecast
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events
from cryptobt.jobs.symbols import prefixed


@dataclass(frozen=True)
class Forecasting:
    """Makes the forecasts of a run.

    Attributes
    ----------
    markets : sequence of MarketData
        In the order in which the symbols were named.
    extras : mapping
        Symbol to its further series.
    """

    markets: Sequence[MarketData]
    extras: Mapping[str, Sequence[ExtraSeries]]
    trader: Trader
    settings: Settings
    events: Events

    def features(self) -> dict[str, FeatureTable]:
        """Compute the features of every symbol, and say what they lack."""
        name = self.settings.features.set
        tables = {
            market.symbol: compute(name, market, self.extras.get(market.symbol, ()))
            for market in self.markets
        }
        for symbol, table in tables.items():
            if table.missing:
                columns = ", ".join(table.missing)
                line = f"left out of the features, not in the data: {columns}"
                self.events.warn(prefixed(self.markets, symbol, line))
        self._say_unused(name)
        return tables

    def _say_unused(self, name: str) -> None:
        data, used = self.settings.data, find_feature_set(name).extras
        if data.onchain and used == ():
            self.events.warn(
                f"the feature set '{name}' does not use the on-chain series; "
                "--set features.set=stationary_onchain does"
            )
        if data.extras and used is not None:
            self.events.warn(
                f"the feature set '{name}' does not use {', '.join(data.extras)}; "
                "--set features.set=stationary_extras does"
            )

    def forecasts(self, features: Mapping[str, FeatureTable]) -> Forecasts | None:
        """Forecast every symbol; one listed late, or too short, joins late or never, and is said.

        Returns
        -------
        Forecasts or None
            None where no symbol can be forecast and the strategy needs no forecast.

        Raises
        ------
        DataInvalidError
            If the symbol that is listed first cannot be forecast and the strategy trades by it.
        """
        lead = min(self.markets, key=lambda market: market.times[0])
        made: dict[str, Forecasts] = {}
        for market in self.markets:
            try:
                made[market.symbol] = self._one(market, features, joins_late=market is not lead)
            except DataInvalidError as error:
                if self.trader.forecaster is not None and market is lead:
                    raise DataInvalidError(f"{market.symbol}: {error}") from error
                self._say_without(market, error)
        if not made:
            return None
        explained = {k: v for part in made.values() for k, v in part.explanations.items()}
        members = [part.members for part in made.values() if part.members is not None]
        return Forecasts(
            _together([part.frame for part in made.values()]),
            explained,
            _together(members) if members else None,
        )

    def _one(
        self, market: MarketData, features: Mapping[str, FeatureTable], *, joins_late: bool
    ) -> Forecasts:
        return forecast(
            market,
            features[market.symbol],
            self.trader.forecaster or TREND_ONLY,
            self.settings,
            fold_cache(),
            self.events.fits,
            joins_late=joins_late,
        )

    def _say_without(self, market: MarketData, error: DataInvalidError) -> None:
        # A rule needs no history of forecasts: it trades without the rows that would.
        line = f"without trend_only, the row to beat: {error}"
        if self.trader.forecaster is not None:
            line = f"never forecast, and so not traded by {self.trader.spec.name}: {error}"
        self.events.warn(prefixed(self.markets, market.symbol, line))


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of all symbols, in the order of their times."""
    frame = pd.concat(frames, ignore_index=True)
    return frame.sort_values(["time", "symbol", "model_id"], ignore_index=True)
