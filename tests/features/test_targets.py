"""Labels, and the part of them that is known beforehand."""

import math

import numpy as np
import pandas as pd
import pytest

from cryptobt.data.sample import simulate
from cryptobt.features.targets import (
    close_target,
    direction_target,
    known_trend,
    next_return_target,
    trend_target,
)

from .plain import Bars, mean

BARS = simulate("X", 300, seed=6).market.bars
LOGS = np.log(BARS["close"].to_numpy()).tolist()
HEADS = ((5, 20), (10, 50), (10, 100))


@pytest.mark.parametrize(("head", "k", "m"), [(0, 5, 20), (1, 10, 50), (2, 10, 100)])
@pytest.mark.parametrize("row", [120, 200, 289])
def test_a_trend_head_is_the_next_mean_against_the_last(
    head: int, k: int, m: int, row: int
) -> None:
    ahead = mean(LOGS[row + 1 : row + k + 1])
    behind = mean(LOGS[row - m + 1 : row + 1])
    expected = (ahead - behind) / (Bars(BARS, row).sigma() * math.sqrt((k + m) / 2))
    assert trend_target(BARS, HEADS)[row, head] == pytest.approx(expected)


@pytest.mark.parametrize(("head", "k", "m"), [(0, 5, 20), (1, 10, 50), (2, 10, 100)])
def test_the_known_trend_has_the_close_in_place_of_the_future(head: int, k: int, m: int) -> None:
    row = 222
    behind = mean(LOGS[row - m + 1 : row + 1])
    expected = (LOGS[row] - behind) / (Bars(BARS, row).sigma() * math.sqrt((k + m) / 2))
    assert known_trend(BARS, HEADS)[row, head] == pytest.approx(expected)


def test_the_known_trend_is_the_target_if_nothing_moves_any_more() -> None:
    still = BARS.copy()
    still.loc[still.index[200:], "close"] = still["close"].iloc[199]
    known, target = known_trend(still, HEADS), trend_target(still, HEADS)
    assert known[199] == pytest.approx(target[199])


@pytest.mark.parametrize("horizon", [1, 3])
def test_the_next_return_is_over_its_deviation(horizon: int) -> None:
    row = 150
    move = LOGS[row + horizon] - LOGS[row]
    expected = move / (Bars(BARS, row).sigma() * math.sqrt(horizon))
    target = next_return_target(BARS, [horizon])
    assert target.shape == (300, 1)
    assert target[row, 0] == pytest.approx(expected)


def test_a_trend_target_is_missing_where_past_or_future_are() -> None:
    target = trend_target(BARS, HEADS)
    for head, (k, m) in enumerate(HEADS):
        finite = np.flatnonzero(np.isfinite(target[:, head]))
        # σ needs 20 returns: row 20 at the earliest.
        assert finite.tolist() == list(range(max(m - 1, 20), 300 - k))


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_next_return_is_missing_at_both_ends(horizon: int) -> None:
    finite = np.flatnonzero(np.isfinite(next_return_target(BARS, [horizon])[:, 0]))
    assert finite.tolist() == list(range(20, 300 - horizon))


def test_the_known_trend_is_there_up_to_the_last_bar() -> None:
    known = known_trend(BARS, HEADS)
    assert np.isfinite(known[99:]).all()
    assert np.isnan(known[:99]).any(axis=1).all()


@pytest.mark.parametrize(("daily", "bound"), [(1.05, 4.0), (1 / 1.05, -4.0)])
def test_labels_are_clipped_at_four(daily: float, bound: float) -> None:
    # ±5 % a day, every day: σ is its floor 0.005, and one day's move is 0.0488/0.005 = 9.8 of it.
    steady = pd.DataFrame({"close": 100 * daily ** np.arange(150.0)}, index=BARS.index[:150])
    labels = (
        trend_target(steady, HEADS),
        next_return_target(steady, [1]),
        known_trend(steady, HEADS),
    )
    for label in labels:
        assert set(label[np.isfinite(label)]) == {bound}


def test_a_label_reaches_no_further_than_its_horizon() -> None:
    other = BARS.copy()
    other.loc[other.index[210:], "close"] = 1.0
    same = trend_target(other, HEADS)[:200]
    np.testing.assert_array_equal(same, trend_target(BARS, HEADS)[:200])
    # The head of five days sees bar 210 from bar 205 on, and not before.
    five, changed = trend_target(BARS, HEADS)[:, 0], trend_target(other, HEADS)[:, 0]
    np.testing.assert_array_equal(five[:205], changed[:205])
    assert five[205] != changed[205]


def test_labels_do_not_need_volume_or_range() -> None:
    bare = pd.DataFrame({"close": BARS["close"]})
    np.testing.assert_array_equal(trend_target(bare, HEADS), trend_target(BARS, HEADS))


def test_several_horizons_have_a_column_each() -> None:
    together = next_return_target(BARS, [1, 5, 16])
    for column, horizon in enumerate([1, 5, 16]):
        alone = next_return_target(BARS, [horizon])
        np.testing.assert_array_equal(together[:, [column]], alone)


def test_a_direction_is_up_only_where_the_close_is_higher() -> None:
    closes = pd.DataFrame({"close": [1.0, 2.0, 2.0, 1.5]})
    # up, then unchanged, which counts as down, then down; the last is not known yet
    assert direction_target(closes, [1])[:3, 0].tolist() == [1.0, -1.0, -1.0]
    assert np.isnan(direction_target(closes, [1])[3, 0])


def test_a_close_target_is_the_price_itself() -> None:
    closes = pd.DataFrame({"close": [1.0, 2.0, 4.0]})
    np.testing.assert_array_equal(close_target(closes, [1, 2])[0], [2.0, 4.0])
    assert np.isnan(close_target(closes, [1, 2])[1:, 1]).all()
