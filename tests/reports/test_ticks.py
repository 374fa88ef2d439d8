import numpy as np
import pandas as pd
import pytest

from cryptobt.reports.ticks import (
    date_ticks,
    linear_ticks,
    log_ticks,
    padded,
    percent,
    plain,
)


def seconds(day: str) -> float:
    return pd.Timestamp(day, tz="UTC").timestamp()


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.37, 0.42, [-0.2, 0.0, 0.2, 0.4]),
        (3.0, 47.0, [10.0, 20.0, 30.0, 40.0]),
        (0.0, 1e-9, [0.0, 2e-10, 4e-10, 6e-10, 8e-10, 1e-9]),
    ],
)
def test_round_values_lie_between_the_ends(low: float, high: float, values: list[float]) -> None:
    assert [value for value, _ in linear_ticks(low, high, plain)] == pytest.approx(values)


def test_an_axis_without_length_has_one_mark() -> None:
    assert linear_ticks(2.0, 2.0, plain) == [(2.0, "2")]


def test_a_long_logarithmic_axis_has_fewer_marks_to_a_decade() -> None:
    assert [text for _, text in log_ticks(0.9, 9.0, plain)] == ["1", "1.5", "2", "3", "5", "7"]
    assert [text for _, text in log_ticks(0.9, 90.0, plain)] == ["1", "2", "5", "10", "20", "50"]
    assert [text for _, text in log_ticks(1.0, 1e5, plain)][-1] == "100,000"


def test_a_short_logarithmic_axis_has_even_marks() -> None:
    assert [text for _, text in log_ticks(1.0, 1.1, plain)] == [
        "1", "1.02", "1.04", "1.06", "1.08", "1.1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2015-03-01", "2025-02-01", ["2016", "2018", "2020", "2022", "2024"]),
        ("2021-01-01", "2021-06-15", ["Jan 2021", "Feb 2021", "Mar 2021", "Apr 2021", "May 2021",
                                      "Jun 2021"]),
        ("2021-03-01", "2021-03-06", ["2021-03-01", "2021-03-02", "2021-03-03", "2021-03-04",
                                      "2021-03-05", "2021-03-06"]),
        ("2021-03-01", "2021-03-02", ["03-01 00:00", "03-01 03:00", "03-01 06:00", "03-01 09:00",
                                      "03-01 12:00", "03-01 15:00", "03-01 18:00", "03-01 21:00",
                                      "03-02 00:00"]),
    ],
)  # fmt: skip
def test_dates_are_round_for_spans_from_hours_to_years(
    first: str, last: str, words: list[str]
) -> None:
    found = date_ticks(seconds(first), seconds(last))
    assert [text for _, text in found] == words
    assert all(seconds(first) <= value <= seconds(last) for value, _ in found)


def test_a_hundred_years_still_have_few_marks() -> None:
    assert 3 <= len(date_ticks(seconds("1900-01-01"), seconds("2000-01-01"))) <= 9


def test_minus_signs_are_minus_signs() -> None:
    assert plain(-1234.5) == "−1,234.5"
    assert percent(-0.025) == "−2.5%"


def test_room_is_left_around_finite_values_and_around_equal_ones() -> None:
    assert padded(np.array([1.0, np.nan, 2.0]), 0.1) == pytest.approx((0.9, 2.1))
    low, high = padded(np.array([5.0, 5.0]))
    assert low < 5 < high
    low, high = padded(np.array([0.0]))
    assert low < 0 < high
    assert padded(np.array([np.nan])) == (0.0, 1.0)
