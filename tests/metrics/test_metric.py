"""A printed number, or the reason why there is none."""

import numpy as np
import pytest

from cryptobt.metrics.metric import Metric, absent, measured, with_interval


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_becomes_a_reason(value: float) -> None:
    assert measured(value, "ratio", "no bars") == Metric(None, "ratio", reason="no bars")


def test_the_document_has_every_key_also_where_there_is_nothing() -> None:
    keys = {"value", "low", "high", "level", "unit", "reason"}
    assert set(measured(1.0, "ratio").to_json()) == set(absent("x", "y").to_json()) == keys


def test_numpy_numbers_become_plain_ones() -> None:
    assert type(measured(np.float64(1.5), "ratio").value) is float


def test_an_interval_is_made_of_percentiles() -> None:
    # 0, 1, …, 100: the middle 90 % lie between 5 and 95.
    metric = with_interval(measured(50.0, "x"), np.arange(101.0), 0.90)
    assert [metric.low, metric.high] == pytest.approx([5.0, 95.0])


def test_draws_without_a_value_are_left_out_while_they_are_few() -> None:
    draws = np.concatenate([np.arange(91.0), np.full(9, np.nan)])
    metric = with_interval(measured(45.0, "x"), draws, 0.80)
    assert [metric.low, metric.high] == pytest.approx([9.0, 81.0])
    many = np.concatenate([np.arange(89.0), np.full(11, np.nan)])
    assert with_interval(measured(45.0, "x"), many, 0.80).low is None


def test_a_number_that_does_not_exist_gets_no_interval() -> None:
    assert with_interval(absent("x", "y"), np.arange(10.0), 0.9) == absent("x", "y")
