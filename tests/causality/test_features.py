"""No feature reads the future: cut or poison it, and every value up to then stays, to the bit."""

from collections.abc import Callable

import numpy as np
import pytest

from cryptobt.features.sets import FEATURE_SETS, compute
from cryptobt.features.targets import known_trend
from cryptobt.features.volatility import annualised_volatility, ewma_volatility
from cryptobt.features.windows import window_ends

from .markets import World, cut, disturb, poison, poison_freely, world

WORLD = world(560, seed=21)
BARS = sorted(np.random.default_rng(1).choice(np.arange(20, 559), 20, replace=False).tolist())
HEADS = ((5, 20), (10, 50), (10, 100))
SETS = pytest.mark.parametrize("name", sorted(FEATURE_SETS))
# Logs of impossible prices warn; that the garbage is survived is not the point here.
GARBAGE = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _cut(given: World, bar: int) -> World:
    return cut(given, bar)


def _poison(given: World, bar: int) -> World:
    return poison(given, bar, seed=5)


def _poison_freely(given: World, bar: int) -> World:
    return poison_freely(given, bar, seed=5)


CHANGES = pytest.mark.parametrize("change", [_cut, _poison, _poison_freely])
Change = Callable[[World, int], World]


def features(name: str, given: World) -> np.ndarray:
    return compute(name, given.market, given.extras).frame.to_numpy()


@GARBAGE
@SETS
@CHANGES
def test_no_feature_changes_with_the_future(name: str, change: Change) -> None:
    whole = features(name, WORLD)
    for bar in BARS:
        np.testing.assert_array_equal(
            features(name, change(WORLD, bar))[: bar + 1], whole[: bar + 1], err_msg=f"bar {bar}"
        )


@SETS
def test_a_changed_bar_changes_its_own_features_and_none_before(name: str) -> None:
    whole = features(name, WORLD)
    for bar in (430, 480, 540):
        other = features(name, disturb(WORLD, bar))
        np.testing.assert_array_equal(other[:bar], whole[:bar])
        least = {"close": 1, "ath5": 4}.get(name, 5)
        assert (other[bar] != whole[bar]).sum() >= least
        # Levels are those of their bar alone.
        assert (other[bar + 1] != whole[bar + 1]).any() == (name not in {"close", "levels"})


@GARBAGE
@CHANGES
def test_neither_the_known_trend_nor_volatility_changes_with_the_future(change: Change) -> None:
    bars, interval = WORLD.market.bars, WORLD.market.interval
    for bar in BARS:
        other = change(WORLD, bar).market.bars
        for of in (
            lambda b: known_trend(b, HEADS),
            lambda b: ewma_volatility(b).to_numpy(),
            lambda b: annualised_volatility(b, interval).to_numpy(),
        ):
            np.testing.assert_array_equal(of(other)[: bar + 1], of(bars)[: bar + 1])


@GARBAGE
@SETS
@CHANGES
def test_whether_a_bar_ends_a_window_does_not_change_with_the_future(
    name: str, change: Change
) -> None:
    def ends(given: World) -> np.ndarray:
        market = given.market
        return window_ends(features(name, given), market.times, market.interval, 30)

    whole = ends(WORLD)
    for bar in BARS:
        found = ends(change(WORLD, bar))
        assert found[found <= bar].tolist() == whole[whole <= bar].tolist()
