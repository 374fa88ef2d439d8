"""From what a forecaster answers to an opinion and to a return, by hand."""

import math

import numpy as np
import pytest

from cryptobt.forecasters.opinions import opinions, predicted_returns
from cryptobt.forecasters.protocol import Windows

from .made import closes

# Two windows, at closes of 100 and 110; σ of a bar is 0.1.
WINDOWS: Windows = closes(90.0, 95.0, 100.0, 110.0, length=2)
ANSWERS = np.array([[0.5, -0.2], [1.0, 0.4]])


def test_the_trend_has_one_opinion_for_all_horizons_the_mean_of_its_heads() -> None:
    heads = np.array([[0.5, -0.2, 0.3], [1.0, 0.4, 0.1]])
    assert opinions("trend", (1, 5), heads, WINDOWS) == pytest.approx(np.array([[0.2], [0.5]]))
    assert np.isnan(predicted_returns("trend", (1, 5), heads, WINDOWS)).all()
    assert predicted_returns("trend", (1, 5), heads, WINDOWS).shape == (2, 2)


def test_a_return_is_its_own_opinion_and_a_log_return_after_its_deviation() -> None:
    np.testing.assert_array_equal(opinions("next_return", (1, 4), ANSWERS, WINDOWS), ANSWERS)
    # 0.5·0.1·√1, −0.2·0.1·√4
    returns = predicted_returns("next_return", (1, 4), ANSWERS, WINDOWS)
    assert returns == pytest.approx(np.array([[0.05, -0.04], [0.1, 0.08]]))


def test_log_odds_of_a_return_are_an_opinion_and_no_return() -> None:
    np.testing.assert_array_equal(opinions("next_return", (1, 4), ANSWERS, WINDOWS), ANSWERS)
    assert np.isnan(predicted_returns("next_return", (1, 4), ANSWERS, WINDOWS, ("bce",))).all()
    median = predicted_returns("next_return", (1, 4), ANSWERS, WINDOWS, ("bce", "pinball"))
    assert np.isnan(median).all(), "log odds answer before the median"
    both = predicted_returns("next_return", (1, 4), ANSWERS, WINDOWS, ("bce", "mse"))
    assert np.isfinite(both).all()


def test_a_direction_is_an_opinion_and_no_return() -> None:
    np.testing.assert_array_equal(opinions("direction", (1, 4), ANSWERS, WINDOWS), ANSWERS)
    assert np.isnan(predicted_returns("direction", (1, 4), ANSWERS, WINDOWS)).all()


def test_a_close_is_compared_with_the_last_one() -> None:
    prices = np.array([[105.0, 100.0], [99.0, 121.0]])
    expected = np.log([[1.05, 1.0], [0.9, 1.1]])
    assert predicted_returns("scaled_close", (1, 4), prices, WINDOWS) == pytest.approx(expected)
    # over σ·√h: 0.1 and 0.2
    assert opinions("scaled_close", (1, 4), prices, WINDOWS) == pytest.approx(
        expected / np.array([0.1, 0.2])
    )


def test_a_close_of_zero_or_less_is_as_low_as_can_be_and_finite() -> None:
    prices = np.array([[0.0], [-50.0]])
    returns = predicted_returns("scaled_close", (1,), prices, WINDOWS)
    assert returns == pytest.approx(np.full((2, 1), math.log(1e-6)))
    assert np.isfinite(opinions("scaled_close", (1,), prices, WINDOWS)).all()


@pytest.mark.parametrize("target", ["trend", "next_return", "direction", "scaled_close"])
def test_no_window_has_no_opinion(target: str) -> None:
    none, answers = WINDOWS.take(np.arange(0)), np.zeros((0, 2))
    assert len(opinions(target, (1, 4), answers, none)) == 0
    assert predicted_returns(target, (1, 4), answers, none).shape == (0, 2)
