"""Tails by hand, and how often the tests of a quantile see something where nothing is."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.metrics.metric import Metric
from cryptobt.metrics.tail_risk import (
    christoffersen,
    conditional_coverage,
    coverage,
    expected_shortfall,
    kupiec,
    no_coverage,
    tail_ratio,
    trailing_quantile,
    value_at_risk,
)

NAN = float("nan")
Result = dict[str, Metric]


def statistic(result: Result) -> float:
    value = result["statistic"].value
    assert value is not None
    return value


def p_value(result: Result) -> float:
    value = result["p_value"].value
    assert value is not None
    return value


def reason(result: Result) -> str:
    """Why a test could not be made; the same for both of its numbers."""
    assert {result["statistic"].value, result["p_value"].value} == {None}
    assert result["statistic"].reason == result["p_value"].reason
    return result["statistic"].reason or ""


def hits_of(*rows: int) -> np.ndarray:
    return np.array(rows, dtype=bool)


# Realised tails

HUNDRED = np.arange(-10, 90) / 100.0  # −10 %, −9 %, … 89 %


def test_of_a_hundred_bars_the_fifth_worst_is_the_value_at_risk_of_95_percent() -> None:
    assert value_at_risk(HUNDRED, 0.05) == Metric(0.06, "ratio")
    assert value_at_risk(HUNDRED, 0.01) == Metric(0.10, "ratio")


def test_the_expected_shortfall_is_the_mean_of_the_worst_bars() -> None:
    # 10, 9, 8, 7 and 6 %: 40 % over five bars
    assert expected_shortfall(HUNDRED, 0.05).value == pytest.approx(0.08)
    assert expected_shortfall(HUNDRED, 0.01).value == pytest.approx(0.10)


def test_the_bar_at_the_border_counts_by_its_fraction() -> None:
    # 30 bars · 0.05 = 1.5: the worst bar whole and half of the next, (0.10 + 0.09/2)/1.5
    thirty = HUNDRED[:30]
    assert expected_shortfall(thirty, 0.05).value == pytest.approx((0.10 + 0.045) / 1.5)
    assert value_at_risk(thirty, 0.05).value == pytest.approx(0.09)


def test_bars_without_a_position_do_not_thin_the_shortfall() -> None:
    # Two losses of 4 % in a hundred bars, 98 of nothing: the worst five hold both and three zeros.
    returns = np.array([-0.04, -0.04] + [0.0] * 98)
    assert value_at_risk(returns, 0.05).value == 0.0
    assert expected_shortfall(returns, 0.05).value == pytest.approx(0.08 / 5)


@pytest.mark.parametrize("measure", [value_at_risk, expected_shortfall])
def test_too_few_bars_have_no_tail(measure: Callable[[np.ndarray, float], Metric]) -> None:
    assert measure(HUNDRED[:99], 0.01).reason == "a tail of 1% needs 100 bars; there are 99"
    assert measure(HUNDRED[:19], 0.05).reason == "a tail of 5% needs 20 bars; there are 19"
    assert measure(HUNDRED[:20], 0.05).value == pytest.approx(0.10)
    assert measure(np.array([]), 0.05).value is None


@given(st.lists(st.floats(-0.9, 0.9), min_size=20, max_size=120))
def test_the_shortfall_is_never_below_the_value_at_risk(returns: list[float]) -> None:
    risk, shortfall = (
        f(np.array(returns), 0.05).value for f in (value_at_risk, expected_shortfall)
    )
    assert risk is not None
    assert shortfall is not None
    assert shortfall >= risk - 1e-12
    assert shortfall <= -min(returns) + 1e-12


def test_a_twentieth_of_the_bars_is_a_whole_number_of_bars() -> None:
    for rows in range(20, 2000, 20):
        returns = np.arange(rows) - 1e6
        assert value_at_risk(returns, 0.05).value == 1e6 - (rows // 20 - 1)
    # 0.07 · 100 is 7.000000000000001 in doubles.
    assert value_at_risk(HUNDRED, 0.07).value == pytest.approx(0.04)
    assert expected_shortfall(HUNDRED, 0.07).value == pytest.approx(0.07)


def test_the_tail_ratio_is_the_good_tail_over_the_bad_one() -> None:
    # 21 bars from −10 to 10: 5 % of the 20 steps is one step from each end, −9 and 9.
    even = np.arange(-10, 11) / 100
    assert tail_ratio(even).value == pytest.approx(1.0)
    assert tail_ratio(np.where(even > 0, 3 * even, even)).value == pytest.approx(3.0)


def test_without_losses_or_bars_there_is_no_tail_ratio() -> None:
    assert tail_ratio(np.zeros(50)).reason == "the 5 % quantile is no loss"
    assert tail_ratio(np.full(50, 0.01)).reason == "the 5 % quantile is no loss"
    assert tail_ratio(np.zeros(19)).reason == "a tail of 5% needs 20 bars; there are 19"


# Trailing quantile


def test_the_trailing_quantile_begins_when_there_are_enough_returns() -> None:
    # Of 1 … 5 the 25 % quantile lies one step of four from the lowest.
    found = trailing_quantile(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), bars=5, tau=0.25)
    np.testing.assert_array_equal(found, [NAN] * 4 + [2.0, 3.0])


def test_the_trailing_quantile_does_not_know_the_future() -> None:
    returns = np.random.default_rng(0).normal(size=600)
    whole = trailing_quantile(returns)
    poisoned = np.append(returns[:400], np.full(200, -1e9))
    np.testing.assert_array_equal(trailing_quantile(returns[:400]), whole[:400])
    np.testing.assert_array_equal(trailing_quantile(poisoned)[:400], whole[:400])
    assert np.isnan(whole[:249]).all()
    assert np.isfinite(whole[249:]).all()


def test_a_missing_return_leaves_no_quantile_while_it_is_in_the_window() -> None:
    returns = np.ones(10)
    returns[4] = NAN
    found = trailing_quantile(returns, bars=3)
    np.testing.assert_array_equal(
        np.isnan(found), [True] * 2 + [False] * 2 + [True] * 3 + [False] * 3
    )


# Kupiec


def test_kupiec_by_hand() -> None:
    # 10 hits in 100 at 5 %: 2·[10·ln(0.10/0.05) + 90·ln(0.90/0.95)]
    # = 2·[10·0.693147 + 90·(−0.054067)] = 2·[6.931472 − 4.866050] = 4.1308
    result = kupiec(hits_of(*[1] * 10, *[0] * 90), 0.05)
    assert statistic(result) == pytest.approx(4.1308, abs=1e-4)
    # χ² with one degree of freedom is the square of a normal: P = erfc(√(LR/2))
    assert p_value(result) == pytest.approx(math.erfc(math.sqrt(4.130844 / 2)), rel=1e-5)
    assert result["statistic"].unit == "likelihood ratio"


def test_as_many_hits_as_promised_are_no_surprise() -> None:
    for hits in range(1, 20):
        result = kupiec(np.arange(20 * hits) < hits, 0.05)
        # Some come to −2·10⁻¹⁴ before they are cut off.
        assert 0 <= statistic(result) < 1e-12
        assert p_value(result) == pytest.approx(1.0, abs=1e-5)


def test_kupiec_without_a_hit_and_with_nothing_but_hits() -> None:
    # The likelihood of what came is 1: −2·100·ln 0.95 and −2·100·ln 0.05
    assert statistic(kupiec(np.zeros(100, bool), 0.05)) == pytest.approx(-200 * math.log(0.95))
    assert statistic(kupiec(np.ones(100, bool), 0.05)) == pytest.approx(-200 * math.log(0.05))


def test_kupiec_needs_as_many_rows_as_make_one_hit() -> None:
    assert reason(kupiec(np.zeros(19, bool), 0.05)) == "a tail of 5% needs 20 bars; there are 19"
    assert kupiec(np.zeros(20, bool), 0.05)["statistic"].value is not None


@given(st.lists(st.booleans(), min_size=20, max_size=60), st.randoms())
def test_kupiec_does_not_read_the_order(hits: list[bool], random: Any) -> None:
    mixed = list(hits)
    random.shuffle(mixed)
    assert kupiec(np.array(hits), 0.05) == kupiec(np.array(mixed), 0.05)


# Christoffersen


def test_christoffersen_by_hand() -> None:
    # 0 0 1 1 0 0 0 1 1 0: after none 00 ×3, 01 ×2; after a hit 11 ×2, 10 ×2.
    # Apart: 2·ln(2/5) + 3·ln(3/5) + 2·ln(1/2) + 2·ln(1/2) = −3.365058 − 2.772589 = −6.137647
    # Alike: 4 hits in 9, 4·ln(4/9) + 5·ln(5/9) = −3.243721 − 2.938933 = −6.182654
    result = christoffersen(hits_of(0, 0, 1, 1, 0, 0, 0, 1, 1, 0))
    assert statistic(result) == pytest.approx(2 * (6.182654 - 6.137647), abs=2e-6)
    assert p_value(result) == pytest.approx(math.erfc(math.sqrt(0.090014 / 2)), abs=1e-4)


def test_hits_across_a_missing_row_do_not_follow_each_other() -> None:
    # The bar before the second hit is missing: what is left are the pairs 01, 10, 00.
    # Apart: ln(1/2) + ln(1/2), and a certain 10; alike: ln(1/3) + 2·ln(2/3)
    hits = hits_of(0, 1, 1, 0, 0)
    follows = np.array([False, True, False, True, True])
    expected = 2 * (2 * math.log(1 / 2) - math.log(1 / 3) - 2 * math.log(2 / 3))
    assert statistic(christoffersen(hits, follows)) == pytest.approx(expected)
    assert statistic(christoffersen(hits)) != pytest.approx(expected)


def test_the_first_row_follows_nothing_whatever_the_mask_says() -> None:
    hits = hits_of(0, 1, 1, 0, 0, 1)
    one, other = (np.array([first, *[True] * 5]) for first in (True, False))
    assert christoffersen(hits, one) == christoffersen(hits, other) == christoffersen(hits)


@pytest.mark.parametrize("value", [0, 1])
def test_rows_that_are_all_alike_do_not_speak_against_independence(value: int) -> None:
    result = christoffersen(np.full(50, value, dtype=bool))
    assert (statistic(result), p_value(result)) == (0.0, 1.0)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_a_pair_there_is_no_test_of_independence(rows: int) -> None:
    expected = "no bar with a known outcome follows another"
    assert reason(christoffersen(np.zeros(rows, bool))) == expected
    assert reason(christoffersen(np.zeros(30, bool), np.zeros(30, bool))) == expected


@given(st.lists(st.booleans(), min_size=2, max_size=80))
def test_the_statistic_of_independence_is_never_negative(hits: list[bool]) -> None:
    assert statistic(christoffersen(np.array(hits))) >= 0


# Conditional coverage


def test_conditional_coverage_is_the_sum_of_both_with_two_degrees_of_freedom() -> None:
    hits = hits_of(*[0, 0, 1, 1, 0, 0, 0, 1, 1, 0] * 5)
    total = statistic(kupiec(hits, 0.05)) + statistic(christoffersen(hits))
    result = conditional_coverage(hits, 0.05)
    assert statistic(result) == pytest.approx(total)
    # χ² with two degrees of freedom: P = exp(−LR/2)
    assert p_value(result) == pytest.approx(math.exp(-total / 2))


def test_conditional_coverage_says_which_part_is_missing() -> None:
    assert "needs 20 bars" in reason(conditional_coverage(np.zeros(10, bool), 0.05))
    alone = conditional_coverage(np.zeros(30, bool), 0.05, np.zeros(30, bool))
    assert reason(alone) == "no bar with a known outcome follows another"


@pytest.mark.parametrize(
    "test",
    [
        lambda hits: kupiec(hits, 0.05),
        christoffersen,
        lambda hits: conditional_coverage(hits, 0.05),
    ],
)
def test_of_right_quantiles_about_one_in_twenty_is_rejected(
    test: Callable[[np.ndarray], Result],
) -> None:
    histories = np.random.default_rng(7).random((1000, 2000)) < 0.05
    # Of 1,000 histories a right test rejects 50, with a deviation of √(1,000·0.05·0.95) = 7:
    # three of them to either side leave 29 to 71.
    rejected = sum(p_value(test(hits)) < 0.05 for hits in histories)
    assert 29 < rejected < 71


def test_hits_in_clusters_are_found_by_the_test_of_independence_alone() -> None:
    # Two hits in a row at every fortieth bar: 5 % of the bars, as promised.
    hits = np.tile(hits_of(1, 1, *[0] * 38), 25)
    assert p_value(kupiec(hits, 0.05)) == pytest.approx(1.0, abs=1e-4)
    assert p_value(christoffersen(hits)) < 1e-6
    assert p_value(conditional_coverage(hits, 0.05)) < 1e-6


# Coverage


def hold(
    outcomes: list[float], quantiles: list[float], follows: list[bool] | None = None
) -> dict[str, Any]:
    mask = None if follows is None else np.array(follows)
    return coverage(np.array(outcomes), np.array(quantiles), 0.05, mask, 0.95, "log return")


def test_coverage_by_hand() -> None:
    found = hold([-0.03, 0.01, -0.02, -0.05] + [0.0] * 36, [-0.02] * 40)
    # −0.02 reaches the quantile and is not below it.
    assert (found["n"], found["hits"]) == (40, 2)
    assert found["rate"].value == 0.05
    assert found["es"] == Metric(-0.04, "log return")
    assert found["kupiec"] == kupiec(hits_of(1, 0, 0, 1, *[0] * 36), 0.05)
    assert found["conditional"]["statistic"].value is not None


def test_the_interval_of_the_share_is_that_of_clopper_and_pearson() -> None:
    # No hit in n: the upper end solves (1 − p)^n = 0.025.
    rate = hold([0.0] * 40, [-0.02] * 40)["rate"]
    assert (rate.value, rate.low, rate.level) == (0.0, 0.0, 0.95)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 40))
    # Nothing but hits is the mirror image.
    rate = hold([-1.0] * 40, [-0.02] * 40)["rate"]
    assert (rate.value, rate.high) == (1.0, 1.0)
    assert rate.low == pytest.approx(0.025 ** (1 / 40))


def test_without_a_hit_there_is_no_mean_of_the_hits() -> None:
    found = hold([0.0] * 40, [-0.02] * 40)
    assert (found["es"].value, found["es"].reason) == (None, "no outcome fell below")
    assert found["christoffersen"]["statistic"].value == 0.0


def test_a_missing_value_leaves_its_row_out_and_parts_its_neighbours() -> None:
    outcomes = [-0.03, NAN, -0.03] + [0.0] * 20
    found = hold(outcomes, [-0.02] * 23)
    assert (found["n"], found["hits"]) == (22, 2)
    # Hit, (gap), hit, none, none …: no hit follows a hit.
    follows = np.array([True, False, *[True] * 20])
    expected = christoffersen(hits_of(1, 1, *[0] * 20), follows)
    assert found["christoffersen"] == expected
    assert expected != christoffersen(hits_of(1, 1, *[0] * 20))
    swapped = hold([-0.03, 0.0, -0.03] + [0.0] * 20, [-0.02, NAN] + [-0.02] * 21)
    assert swapped == found


def test_the_mask_given_is_not_changed() -> None:
    mask = np.ones(23, dtype=bool)
    coverage(np.array([NAN] + [0.0] * 22), np.zeros(23), 0.05, mask, 0.95, "ratio")
    assert mask.all()


def test_with_nothing_known_every_number_has_the_reason() -> None:
    for found in (hold([], []), hold([NAN, 0.1], [0.0, NAN])):
        assert found == no_coverage("no quantile with a known outcome", "log return")
    assert (found["n"], found["hits"], found["rate"].value) == (0, 0, None)
    assert reason(found["conditional"]) == "no quantile with a known outcome"


def test_a_few_rows_have_a_share_and_no_test() -> None:
    found = hold([-0.03, 0.01], [-0.02, -0.02])
    assert found["rate"].value == 0.5
    assert "needs 20 bars" in reason(found["kupiec"])


def test_a_trailing_quantile_of_independent_returns_covers() -> None:
    returns = np.random.default_rng(3).standard_t(5, 4000)
    quantiles = pd.Series(trailing_quantile(returns)).shift().to_numpy()
    found = coverage(returns, quantiles, 0.05, None, 0.95, "ratio")
    rate = found["rate"]
    assert found["n"] == 3750
    assert isinstance(rate, Metric)
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < 0.05 < rate.high
