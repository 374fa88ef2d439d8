"""Distances to what was learnt from, by hand."""

import numpy as np
import pytest

from cryptobt.forecasters.nearness import LearntRows

# Deviations 2 and 20 about means 2 and 20: standardised these are (±1, ±1).
SQUARE = LearntRows(np.array([[0.0, 0.0], [0.0, 40.0], [4.0, 0.0], [4.0, 40.0]]))


def test_a_learnt_row_is_at_distance_0() -> None:
    assert SQUARE.distance(np.array([4.0, 40.0])) == 0.0


def test_distance_is_the_root_of_the_mean_square_in_deviations() -> None:
    # (7, 40) is 3/2 deviations from (4, 40) in the first of two features: √(2.25/2).
    assert SQUARE.distance(np.array([7.0, 40.0])) == pytest.approx((2.25 / 2) ** 0.5)


def test_the_share_counts_rows_whose_own_nearest_is_nearer() -> None:
    # On a line at 0, 1, 2, 10: nearest others at 1, 1, 1, 8; over the deviation of the four.
    line = LearntRows(np.array([[0.0], [1.0], [2.0], [10.0]]))
    unit = 1 / np.std([0.0, 1.0, 2.0, 10.0])
    assert line.share_nearer(0.9 * unit) == 0.0
    assert line.share_nearer(1.1 * unit) == 0.75
    assert line.share_nearer(8.1 * unit) == 1.0


def test_shares_and_ranges_are_those_of_each_feature() -> None:
    assert SQUARE.share_up_to(np.array([3.0, 40.0])).tolist() == [0.5, 1.0]
    assert (SQUARE.low.tolist(), SQUARE.high.tolist()) == ([0.0, 0.0], [4.0, 40.0])
    # 6 is one deviation above the highest, −10 half a deviation below the lowest.
    assert SQUARE.beyond(np.array([6.0, 20.0])).tolist() == [1.0, 0.0]
    assert SQUARE.beyond(np.array([2.0, -10.0])).tolist() == [0.0, 0.5]


def test_a_feature_that_never_moved_counts_in_its_own_unit() -> None:
    still = LearntRows(np.array([[0.0, 5.0], [2.0, 5.0]]))
    assert still.distance(np.array([0.0, 7.0])) == pytest.approx((4 / 2) ** 0.5)


def test_a_row_of_about_the_same_time_is_no_neighbour() -> None:
    # Pairs of days at 0, 0 and 5, 5 and 9, 9: with 2 rows apart their nearest are at 5, 4 and 4.
    days = LearntRows(np.array([[0.0], [0.0], [5.0], [5.0], [9.0], [9.0]]), apart=2)
    unit = 1 / np.std([0.0, 0.0, 5.0, 5.0, 9.0, 9.0])
    assert days.share_nearer(3.9 * unit) == 0.0
    assert days.share_nearer(4.1 * unit) == 4 / 6
    assert days.share_nearer(5.1 * unit) == 1.0


def test_rows_in_chunks_are_apart_as_pairs_are() -> None:
    rows = np.random.default_rng(0).normal(size=(600, 3))
    learnt = LearntRows(rows)
    places = learnt.standardised(rows)
    square = ((places[:, None] - places) ** 2).mean(axis=2)
    np.fill_diagonal(square, np.inf)
    nearest = np.sqrt(square.min(axis=1))
    for distance in np.quantile(nearest, [0.1, 0.5, 0.9]) + 1e-9:
        assert learnt.share_nearer(distance) == (nearest < distance).mean()
