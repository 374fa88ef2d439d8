"""The perturbations themselves: they change all of the future and nothing of the past."""

import numpy as np
import pandas as pd
import pytest

from .markets import cut, disturb, poison, poison_freely, world

WORLD = world(80, seed=1)


@pytest.mark.parametrize("change", [poison, poison_freely])
def test_everything_after_the_bar_changes_and_nothing_before(change) -> None:  # type: ignore[no-untyped-def]
    other = change(WORLD, 50, 7)
    before, after = WORLD.market.bars, other.market.bars
    pd.testing.assert_frame_equal(before.iloc[:51], after.iloc[:51], check_exact=True)
    assert (before.iloc[51:] != after.iloc[51:]).all().all()
    for ours, theirs in zip(WORLD.extras, other.extras, strict=True):
        known = ours.frame["available_at"] <= WORLD.close_of(50)
        pd.testing.assert_frame_equal(ours.frame[known], theirs.frame[known], check_exact=True)
        values = ours.frame.columns.drop("available_at")
        assert (ours.frame.loc[~known, values] != theirs.frame.loc[~known, values]).all().all()
        assert 0 < known.sum() < len(known)


def test_market_garbage_could_have_been_a_market() -> None:
    bars = poison(WORLD, 50, 7).market.bars
    assert np.isfinite(bars).all().all()
    assert (bars[["open", "high", "low", "close"]] > 0).all().all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["volume"] >= 0).all()


def test_a_cut_leaves_what_was_known_at_the_close() -> None:
    part = cut(WORLD, 50)
    assert len(part.market.bars) == 51
    # on-chain rows appear a day after their day has ended, sentiment at its end
    assert [len(series.frame) for series in part.extras] == [50, 51]


def test_a_disturbance_is_one_bar() -> None:
    changed = (disturb(WORLD, 20).market.bars != WORLD.market.bars).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [20]
