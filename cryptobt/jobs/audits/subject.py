"""What is audited: settings, data, and the user's own code among the three things that run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.feature_set import FeatureSet, FeatureTable
from cryptobt.features.sets import find_feature_set
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.jobs.audits.asking import Columns
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.events import Events
from cryptobt.jobs.trader import forecaster_of, trader_of


@dataclass(frozen=True)
class Subject:
    """Everything that a run of the settings would be made of.

    Attributes
    ----------
    worlds : sequence of World
        Of every symbol, in the order in which they were named.
    writes : bool
        Whether the user's code writes files; they are kept apart while it is asked.
    """

    settings: Settings
    worlds: Sequence[World]
    trader: Trader
    forecaster: ForecasterSpec | None
    feature_set: FeatureSet
    events: Events
    writes: bool = False

    @classmethod
    def of(
        cls,
        settings: Settings,
        markets: Sequence[MarketData],
        extras: Mapping[str, Sequence[ExtraSeries]],
        events: Events,
    ) -> "Subject":
        """Find what the settings name.

        Raises
        ------
        UsageError
            If something is unknown, or a file of the user's does not import.
        """
        trader = trader_of(settings)
        worlds = [World(market, tuple(extras.get(market.symbol, ()))) for market in markets]
        found = find_feature_set(settings.features.set)
        forecaster = forecaster_of(settings, trader.spec)
        return cls(settings, worlds, trader, forecaster, found, events)

    @cached_property
    def columns(self) -> Columns:
        """The feature set, ready to be asked."""
        return Columns(self.feature_set, self.writes)

    def aside(self, *, writes: bool) -> "Subject":
        """The same, with what the code writes kept apart while it is asked."""
        return replace(self, writes=self.writes or writes)

    @property
    def markets(self) -> list[MarketData]:
        """Bars of every symbol."""
        return [world.market for world in self.worlds]

    @property
    def lead(self) -> World:
        """The symbol that is looked at most closely: the one listed first, or the first named."""
        return min(self.worlds, key=lambda world: world.times[0])

    @property
    def learns(self) -> bool:
        """Whether a forecaster is fitted at all."""
        return self.forecaster is not None and self.forecaster.trained

    def named(self, world: World) -> str | None:
        """A symbol, where there are several."""
        return world.market.symbol if len(self.worlds) > 1 else None

    def features(self, world: World) -> FeatureTable:
        """Features of a world, as a run would compute them."""
        frame = self.columns.of(world)
        warm_up = self.feature_set.warm_up_bars
        if warm_up is None:
            whole = frame.notna().all(axis=1).to_numpy()
            warm_up = int(whole.argmax()) if whole.any() else len(whole)
        return FeatureTable(frame, (), warm_up)

    def uses(self, world: World) -> tuple[str, ...]:
        """Series beside the bars that some feature moves with."""
        found = []
        whole = self.columns.of(world)
        for place, series in enumerate(world.extras):
            frames = [one.frame for one in world.extras]
            values = series.frame.columns.drop(AVAILABLE_AT)
            moved = {str(name): series.frame[name] * 2 + 1 for name in values}
            frames[place] = series.frame.assign(**moved)
            other = self.columns.or_none(world.with_extras(frames))
            if other is None or not whole.equals(other):
                found.append(series.name)
        return tuple(found)
