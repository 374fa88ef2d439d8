"""What is true of an animal, found by trying: with the future and without, no detector asked."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.errors import CryptobtError
from cryptobt.core.types import Forecasts
from cryptobt.features.sets import compute, join
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.protocol import Forecaster
from cryptobt.forecasters.registry import design_of, find_forecaster, make_forecaster
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.strategies.registry import find_strategy

from .animal import Animal
from .worlds import World, write_beside

TOLERANCE = 1e-9
"""Of a column's largest value: sums and matrix products differ in their last bits."""


def columns_of(animal: Animal, folder: Path) -> Callable[[World], pd.DataFrame | None]:
    """Give a function from a world to the animal's columns; None where its code fails."""
    file = animal.settle(folder)
    function = _module(file).columns
    takes = function.__code__.co_argcount
    reads = "read_csv" in animal.source.read_text(encoding="utf-8")

    def computed(given: World) -> pd.DataFrame | None:
        if reads:
            write_beside(folder, given)
        market = given.markets[0]
        extras = given.extras[market.symbol]
        wanted = [name for series in extras for name in series.frame.columns]
        beside = join(market, extras, wanted)
        try:
            frame = function(*(market.bars.copy(), beside)[:takes])
        except Exception:
            return None  # too few bars for it, or a warning turned into an error
        return frame.replace([np.inf, -np.inf], np.nan).astype(float)

    return computed


@dataclass(frozen=True)
class Features:
    """Columns of an animal with the whole future, and with less of it."""

    animal: Animal
    compute: Callable[[World], pd.DataFrame | None]

    @cached_property
    def whole(self) -> pd.DataFrame:
        """With all bars."""
        frame = self.compute(self.animal.given)
        assert frame is not None, "an animal can be computed on all bars of its world"
        return frame

    def differs(self, other: World, bar: int) -> pd.DataFrame:
        """Say which values up to a bar differ in another world; none where it has no answer."""
        was, frame = self.whole.iloc[: bar + 1], self.compute(other)
        if frame is None:
            return was.isna() & False
        now = frame.iloc[: bar + 1]
        scale = TOLERANCE * np.nanmax(self.whole.abs().to_numpy(), axis=0, initial=1e-300)
        return ~((was.sub(now).abs() <= scale) | (was.isna() & now.isna()))

    def columns_ahead(self, other: World, bar: int) -> set[str]:
        """Columns that differ up to a bar in another world."""
        differs = self.differs(other, bar).any()
        return set(differs.index[differs])

    def knows_ahead(self, row: int) -> bool:
        """Whether a row differs from what it would have been at its own close."""
        return bool(self.differs(self.animal.given.cut(row), row).iloc[row].any())

    def first_ahead(self) -> int:
        """First row that differs from what it would have been at its own close."""
        rows = range(self.animal.first or 0, len(self.animal.given.times))
        return next(row for row in rows if self.knows_ahead(row))


def orders_of(animal: Animal, file: Path, given: World) -> pd.DataFrame | None:
    """Decisions of a strategy in a world; None where its run ends with an error."""
    write_beside(file.parent, given)
    settings = animal.settings(file.parent)
    spec = find_strategy(settings.strategy.name)
    forecasts = _made_up_forecasts(given, spec.forecaster)
    try:
        account = run_backtest(
            given.markets, forecasts, Trader(spec, {}, spec.forecaster), settings
        )
    except CryptobtError:
        return None
    kept = ["time", "symbol", "side", "exec_type", "quantity_base", "limit_price_quote"]
    return account.orders[kept]


def decides_alike(
    whole: pd.DataFrame | None, other: pd.DataFrame | None, given: World, bar: int
) -> bool:
    """Whether the decisions up to a bar are the same."""
    if whole is None or other is None:
        return False
    was, now = (frame[frame["time"] <= given.times[bar]] for frame in (whole, other))
    if was.empty and now.empty:
        return True  # without a row the columns may have other types
    return was.reset_index(drop=True).equals(now.reset_index(drop=True))


@dataclass(frozen=True)
class Asked:
    """A forecaster, the samples of its world, and the folds that it is fitted to."""

    animal: Animal
    folder: Path
    samples: Samples
    folds: list[Fold]

    @classmethod
    def of(cls, animal: Animal, folder: Path) -> "Asked":
        """Settle a forecaster and lay its world out."""
        animal.settle(folder)
        settings, market = animal.settings(folder), animal.given.markets[0]
        features = compute(settings.features.set, market)
        samples = make_samples(market, features, settings)
        folds = plan_folds(samples, settings.forecaster, settings.walkforward)
        return cls(animal, folder, samples, folds)

    def make(self) -> Forecaster:
        """Make it, its file imported anew."""
        settings = self.animal.settings(self.folder)
        name = settings.forecaster.name
        assert name is not None, "a forecaster is bound by its name"
        return make_forecaster(name, design_of(find_forecaster(name), settings, 1), 7)

    def answers(self, fitted: Forecaster, fold: Fold, count: int, *, cut: bool) -> np.ndarray:
        """Answers for the first windows of a fold; with later rows and windows, or without."""
        asked = fold.forecasting(self.samples)
        if not cut:
            return fitted.predict(asked).answers[:count]
        stop = fold.predicted[count - 1] + 1
        first = fold.predicted[0] - self.samples.length
        alone = self.samples.windows(fold.predicted[:count], first, stop, fold.date, labelled=False)
        return fitted.predict(alone).answers

    def fit(self, fold: Fold) -> Forecaster:
        """Make it and fit it to a fold."""
        return self.make().fit(*fold.learning(self.samples))


def _made_up_forecasts(given: World, forecaster: str | None) -> Forecasts | None:
    """Give scores known at each close: the sign of the last five bars' move."""
    if forecaster is None:
        return None
    parts = []
    for market in given.markets:
        frame = pd.DataFrame({"time": market.times, "symbol": market.symbol, "horizon_bars": 1})
        frame["forecaster"] = forecaster
        frame["score"] = np.sign(market.bars["close"].pct_change(5)).to_numpy()
        for name in ("mean", "p_up", "q05", "q95"):
            frame[name] = np.nan
        parts.append(frame.iloc[5:])
    return Forecasts(pd.concat(parts, ignore_index=True))


def _module(file: Path) -> Any:
    name = f"zoo_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def modules_left_as_they_were() -> Iterator[None]:
    """Forget the modules of users' files that were imported meanwhile."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("cryptobt_user_"):
            del sys.modules[name]
