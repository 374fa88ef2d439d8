"""Errors of prices and of returns, by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from cryptobt.metrics.accuracy import (
    LOG_RETURN,
    PRICE,
    RETURN,
    TOO_FEW,
    absent_errors,
    finite_rows,
    price_errors,
    return_errors,
    skill_draws,
)
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric, with_interval

NAN = float("nan")


def prices(before: list[float], actual: list[float], predicted: list[float]) -> dict[str, Any]:
    return price_errors(np.array(before), np.array(actual), np.array(predicted), "USD")


def returns(
    actual: list[float], predicted: list[float], resampler: Resampler | None = None
) -> dict[str, Any]:
    """Errors, with the interval that draws give the skill."""
    ours, theirs = np.array(actual), np.array(predicted)
    errors = return_errors(ours, theirs)
    skill = errors["skill"]
    if resampler is None:
        return errors
    assert isinstance(skill, Metric)
    return errors | {"skill": with_interval(skill, skill_draws(ours, theirs, resampler), 0.9)}


# Prices


def test_four_prices_by_hand() -> None:
    # errors: 110 − 108 = 2, 100 − 104 = −4, 80 − 80 = 0, 125 − 120 = 5
    result = prices([100, 110, 100, 80], [110, 100, 80, 125], [108, 104, 80, 120])
    assert result["mae"].value == pytest.approx((2 + 4 + 0 + 5) / 4)
    squares = 4 + 16 + 0 + 25
    assert result["rmse"].value == pytest.approx((squares / 4) ** 0.5)
    assert result["mape"].value == pytest.approx((2 / 110 + 4 / 100 + 0 / 80 + 5 / 125) / 4)
    # the mean price is 415/4 = 103.75; from it 6.25, −3.75, −23.75, 21.25
    about_mean = 6.25**2 + 3.75**2 + 23.75**2 + 21.25**2
    assert result["r2"].value == pytest.approx(1 - squares / about_mean)
    # persistence was off by 10, −10, −20, 45
    assert result["skill"].value == pytest.approx(1 - squares / (100 + 100 + 400 + 2025))
    assert result["n"] == 4


def test_prices_have_their_currency_and_shares_are_ratios() -> None:
    result = prices([100, 110], [110, 100], [108, 104])
    units = {name: result[name].unit for name in PRICE}
    assert units == {"mae": "USD", "rmse": "USD", "mape": "ratio", "r2": "ratio", "skill": "ratio"}
    assert list(result) == [*PRICE, "n"]


def test_persistence_has_no_skill_and_still_nearly_all_the_variance_of_prices() -> None:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, 1000)))
    result: dict[str, Any] = price_errors(close[:-1], close[1:], close[:-1], "USD")
    assert result["skill"].value == 0.0
    assert result["r2"].value > 0.98


def test_a_perfect_forecast_has_full_skill_and_no_error() -> None:
    result = prices([100, 110, 120], [110, 120, 90], [110, 120, 90])
    assert [result[name].value for name in PRICE] == [0.0, 0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_row_that_lacks_any_price_is_left_out(column: int) -> None:
    rows = [[100.0, 110.0, 120.0], [110.0, 120.0, 90.0], [108.0, 119.0, 95.0]]
    full = prices(*rows)
    for values, extra in zip(rows, (50.0, 60.0, 70.0), strict=True):
        values.insert(1, extra)
    rows[column][1] = NAN
    assert prices(*rows) == full


@pytest.mark.parametrize("predicted", [[], [NAN, NAN], [108, NAN]])
def test_fewer_than_two_prices_have_no_error_but_a_reason(predicted: list[float]) -> None:
    k = len(predicted)
    result = prices([100.0, 110.0][:k], [110.0, 100.0][:k], predicted)
    assert {result[name].reason for name in PRICE} == {TOO_FEW}
    assert {result[name].value for name in PRICE} == {None}
    assert result["mae"].unit == "USD"
    assert result["n"] == np.isfinite(predicted).sum()


def test_if_the_price_never_moved_there_is_no_skill() -> None:
    skill = prices([100, 110], [100, 110], [100, 111])["skill"]
    assert skill == Metric(None, "ratio", reason="nothing moved")


@pytest.mark.parametrize("price", [100.0, 0.1])
def test_if_every_price_was_the_same_there_is_no_r2(price: float) -> None:
    # The mean of three times 0.1 is not 0.1 in binary: a denominator of 0 that does not look so.
    r2 = prices([1, 2, 3], [price] * 3, [1, 1, 2])["r2"]
    assert r2 == Metric(None, "ratio", reason="every outcome was the same")


def test_a_price_of_zero_leaves_no_percentage() -> None:
    result = prices([1, 1], [0, 2], [1, 2])
    assert result["mape"] == Metric(None, "ratio", reason="a price was zero")
    assert result["mae"].value == 0.5


price = st.integers(1, 10_000).map(float)


@given(
    st.lists(st.tuples(price, price, price), min_size=2, max_size=20),
    st.sampled_from([0.001, 0.3, 7.0, 12_345.6]),
)
def test_another_currency_scales_the_errors_and_leaves_the_shares(
    rows: list[tuple[float, float, float]], rate: float
) -> None:
    before, actual, predicted = np.array(rows).T
    one: dict[str, Any] = price_errors(before, actual, predicted, "USD")
    other: dict[str, Any] = price_errors(before * rate, actual * rate, predicted * rate, "EUR")
    for name in PRICE:
        if one[name].value is None:
            assert other[name].reason == one[name].reason
            continue
        expected = one[name].value * (rate if name in ("mae", "rmse") else 1)
        assert other[name].value == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(price, price, price), min_size=2, max_size=20))
def test_the_errors_are_those_of_scikit_learn(rows: list[tuple[float, float, float]]) -> None:
    before, actual, predicted = np.array(rows).T
    result: dict[str, Any] = price_errors(before, actual, predicted, "USD")
    assert result["mae"].value == pytest.approx(sk.mean_absolute_error(actual, predicted))
    assert result["rmse"].value == pytest.approx(sk.root_mean_squared_error(actual, predicted))
    share = sk.mean_absolute_percentage_error(actual, predicted)
    assert result["mape"].value == pytest.approx(share)
    if np.ptp(actual):
        assert result["r2"].value == pytest.approx(sk.r2_score(actual, predicted))


# Returns


def test_three_returns_by_hand() -> None:
    # errors: 0.02 − 0.01 = 0.01, 0.01 + 0.01 = 0.02, −0.06 − 0 = −0.06; in 1e-4: 1 + 4 + 36 = 41
    result = returns([0.02, 0.01, -0.06], [0.01, -0.01, 0.0])
    assert result["mae"].value == pytest.approx(0.09 / 3)
    assert result["rmse"].value == pytest.approx((41e-4 / 3) ** 0.5)
    # zero misses by 4 + 1 + 36 = 41 too; about the mean of −0.01 it is 9 + 4 + 25 = 38
    assert result["skill"].value == pytest.approx(0.0)
    assert result["r2"].value == pytest.approx(1 - 41 / 38)
    assert {name: result[name].unit for name in RETURN} == {
        "mae": LOG_RETURN,
        "rmse": LOG_RETURN,
        "r2": "ratio",
        "skill": "ratio",
    }
    assert list(result) == [*RETURN, "n"]
    assert result["n"] == 3


def test_without_draws_there_is_no_interval() -> None:
    assert returns([0.02, 0.01], [0.01, 0.0])["skill"].level is None


def test_returns_without_a_pair_are_left_out() -> None:
    full = returns([0.02, 0.01, -0.06], [0.01, -0.01, 0.0])
    assert returns([0.02, 9.0, 0.01, NAN, -0.06], [0.01, NAN, -0.01, 9.0, 0.0]) == full


@pytest.mark.parametrize("predicted", [[], [0.1], [NAN, 0.1]])
def test_fewer_than_two_returns_have_no_error_but_a_reason(predicted: list[float]) -> None:
    result = returns([0.1] * len(predicted), predicted)
    assert {result[name].reason for name in RETURN} == {TOO_FEW}
    assert result["n"] == min(len(predicted), 1)


def test_if_no_return_came_there_is_neither_skill_nor_interval() -> None:
    result = returns([0.0] * 30, [0.01] * 30, Resampler(30, 1.0, 50, 0))
    assert result["skill"] == Metric(None, "ratio", reason="nothing moved")
    assert result["r2"].reason == "every outcome was the same"


class Drawn(Resampler):
    """A resampler with the draws that a test wants."""

    def __init__(self, draws: list[list[int]]) -> None:
        self._kept = [np.array([rows]) for rows in draws]


def test_the_skill_of_each_draw_by_hand() -> None:
    # squared errors in 1e-4: 1, 4, (none), 0; of zero: 4, 9, (none), 1
    actual, predicted = [0.02, 0.03, 0.5, 0.01], [0.01, 0.01, NAN, 0.01]
    draws = [[0, 0, 1, 3], [2, 1, 2, 1], [3, 2, 0, 3]]
    # Drawn: 1 + 1 + 4 + 0 of 4 + 4 + 9 + 1, then 4 + 4 of 9 + 9, then 0 + 1 + 0 of 1 + 4 + 1.
    skills = [1 - 6 / 18, 1 - 8 / 18, 1 - 1 / 6]
    low, high = np.quantile(skills, [0.05, 0.95])
    skill = returns(actual, predicted, Drawn(draws))["skill"]
    assert skill.value == pytest.approx(1 - 5 / 14)
    assert [skill.low, skill.high] == pytest.approx([low, high])
    assert skill.level == 0.9


def test_draws_in_which_nothing_moved_are_left_out_while_they_are_few() -> None:
    actual, predicted = [0.02, 0.0, 0.01], [0.01, 0.0, 0.01]
    few = returns(actual, predicted, Drawn([[0, 1, 2]] * 19 + [[1, 1, 1]]))["skill"]
    assert (few.low, few.high) == pytest.approx((1 - 1 / 5, 1 - 1 / 5))
    many = returns(actual, predicted, Drawn([[0, 1, 2]] * 9 + [[1, 1, 1]] * 9))["skill"]
    assert (many.value, many.low) == (pytest.approx(1 - 1 / 5), None)


def test_the_interval_of_an_informed_forecast_lies_above_zero_and_holds_the_truth() -> None:
    # The forecast is half of the variance: skill 1/2.
    known, unknown = np.random.default_rng(4).normal(0, 0.02, size=(2, 1000))
    draws = skill_draws(known + unknown, known, Resampler(1000, 1.0, 500, 0))
    low, high = np.quantile(draws, [0.005, 0.995])
    assert 0.3 < low < 0.5 < high < 0.7


def test_symbols_of_one_time_are_drawn_together() -> None:
    actual = np.array([[1.0, 2.0], [3.0, np.nan]])
    predicted = np.array([[1.0, 1.0], [1.0, 5.0]])
    # the first time twice: errors (0 + 1)*2 of (1 + 4)*2; both: 1 + 4 of 5 + 9; the second: 4 of 9
    draws = skill_draws(actual, predicted, Drawn([[0, 0], [0, 1], [1, 1]]))
    assert draws == pytest.approx([1 - 2 / 10, 1 - 5 / 14, 1 - 8 / 18])


# Nothing to measure


@pytest.mark.parametrize(("unit", "names"), [("USD", PRICE), (LOG_RETURN, RETURN)])
def test_a_forecaster_of_directions_has_every_key_and_a_reason(
    unit: str, names: tuple[str, ...]
) -> None:
    result: dict[str, Any] = absent_errors("it predicts a direction", unit)
    assert list(result) == [*names, "n"]
    assert result["mae"] == Metric(None, unit, reason="it predicts a direction")
    assert result["skill"] == Metric(None, "ratio", reason="it predicts a direction")
    assert result["n"] == 0


def test_rows_are_kept_where_every_column_is_finite() -> None:
    one, other = finite_rows(np.array([1, NAN, 3, 4]), np.array([1, 2, np.inf, 5]))
    assert (one.tolist(), other.tolist()) == ([1, 4], [1, 5])
