"""Windows as indices, gaps in time, and the scaler."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.time import DAY
from cryptobt.features.windows import unbroken_rows, window_ends


def days(*numbers: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([pd.Timestamp("2020-01-01", tz="UTC") + DAY * n for n in numbers])


def test_unbroken_rows_count_up_and_begin_anew_after_a_gap() -> None:
    assert unbroken_rows(days(0, 1, 2, 5, 6, 8), DAY).tolist() == [0, 1, 2, 0, 1, 0]


def test_no_bar_and_one_bar_have_no_row_before() -> None:
    assert unbroken_rows(days(), DAY).tolist() == []
    assert unbroken_rows(days(4), DAY).tolist() == [0]


def test_a_window_needs_the_bar_before_it() -> None:
    # The first feature row of a window holds a return, which needs the bar before.
    assert window_ends(np.zeros((6, 2)), days(*range(6)), DAY, 3).tolist() == [3, 4, 5]


def test_a_window_that_spans_a_gap_is_dropped() -> None:
    times = days(0, 1, 2, 3, 10, 11, 12, 13)
    assert window_ends(np.zeros((8, 1)), times, DAY, 3).tolist() == [3, 7]


def test_a_window_with_a_missing_feature_is_dropped() -> None:
    values = np.zeros((9, 2))
    values[4, 1] = np.nan
    assert window_ends(values, days(*range(9)), DAY, 3).tolist() == [3, 7, 8]


def test_a_window_with_an_infinite_feature_is_dropped() -> None:
    values = np.zeros((5, 1))
    values[1, 0] = np.inf
    assert window_ends(values, days(*range(5)), DAY, 3).tolist() == [4]


steps = st.lists(st.sampled_from([1, 1, 1, 1, 2, 9]), min_size=1, max_size=40)
missing = st.sets(st.integers(0, 39))


@given(steps, missing, st.integers(1, 6))
def test_a_window_is_kept_exactly_if_every_bar_of_it_is_there(
    steps: list[int], holes: set[int], length: int
) -> None:
    numbers = np.cumsum([0, *steps[1:]])
    values = np.ones((len(numbers), 2))
    values[[hole for hole in holes if hole < len(numbers)], 0] = np.nan
    kept = window_ends(values, days(*numbers), DAY, length)
    expected = [
        end
        for end in range(length, len(numbers))
        if numbers[end] - numbers[end - length] == length
        and np.isfinite(values[end - length + 1 : end + 1]).all()
    ]
    assert kept.tolist() == expected


@given(steps, missing, st.integers(1, 6), st.integers(1, 40))
def test_later_bars_do_not_decide_whether_a_bar_ends_a_window(
    steps: list[int], holes: set[int], length: int, cut: int
) -> None:
    numbers = np.cumsum([0, *steps[1:]])
    values = np.ones((len(numbers), 1))
    values[[hole for hole in holes if hole < len(numbers)]] = np.nan
    times = days(*numbers)
    whole = window_ends(values, times, DAY, length)
    part = window_ends(values[:cut], times[:cut], DAY, length)
    assert part.tolist() == whole[whole < cut].tolist()
