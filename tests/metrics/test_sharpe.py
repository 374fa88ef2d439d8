"""Probabilistic and deflated Sharpe ratios: the papers' examples, and what they must keep."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.metrics import sharpe as module
from cryptobt.metrics.performance import LOST, sharpe
from cryptobt.metrics.sharpe import (
    CONSTANT,
    NAMES,
    NO_ERROR,
    NOT_ABOVE_ZERO,
    TOO_SHORT,
    Moments,
    expected_best_sharpe,
    min_track_record,
    moments,
    no_sharpe_significance,
    probabilistic_sharpe,
    sharpe_significance,
)

# Bailey & López de Prado (2012): 24 months, mean 0.036, deviation 0.079.
HEDGE_FUND = Moments(0.036 / 0.079, -2.448, 10.164, 24)
# Bailey & López de Prado (2014): 1,250 days of a year's 250, an annual ratio of 2.5.
BEST_OF_HUNDRED = Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)


def returns_of(seed: int, bars: int = 500, drift: float = 0.3) -> np.ndarray:
    return 0.02 * (np.random.default_rng(seed).normal(size=bars) + drift)


# Moments


def test_the_moments_of_four_returns_by_hand() -> None:
    # Mean 0.02; around it −0.02, −0.02, 0 and 0.04. Squares sum to 0.0024, cubes to
    # −8e-6 − 8e-6 + 64e-6 = 48e-6, fourth powers to 16e-8 + 16e-8 + 256e-8 = 288e-8.
    found = moments(np.array([0.0, 0.0, 0.02, 0.06]))
    assert found.sharpe == pytest.approx(0.02 / math.sqrt(0.0024 / 3))
    assert found.skew == pytest.approx((48e-6 / 4) / (0.0024 / 4) ** 1.5)
    assert found.kurtosis == pytest.approx((288e-8 / 4) / (0.0024 / 4) ** 2)
    assert found.bars == 4


def test_the_kurtosis_of_a_normal_distribution_is_three() -> None:
    # Standard errors of 100,000 draws: √(6/n) = 0.008 of the skew, √(24/n) = 0.015 of the kurtosis.
    found = moments(np.random.default_rng(1).normal(size=100_000))
    assert found.skew == pytest.approx(0.0, abs=0.03)
    assert found.kurtosis == pytest.approx(3.0, abs=0.06)


def test_the_sharpe_ratio_per_bar_is_the_annualised_one_before_it_is_scaled() -> None:
    returns = returns_of(2)
    assert moments(returns).sharpe * math.sqrt(365) == pytest.approx(sharpe(returns, 365.0))


@pytest.mark.parametrize("returns", [[], [0.1, -0.1], [0.01] * 50])
def test_without_length_or_variance_there_are_no_moments(returns: list[float]) -> None:
    found = moments(np.array(returns))
    assert np.isnan(found[:3]).all()
    assert found.bars == len(returns)
    assert math.isnan(probabilistic_sharpe(found))
    assert math.isnan(min_track_record(found))


# Probabilistic Sharpe ratio


def test_the_probabilistic_sharpe_ratio_of_the_paper() -> None:
    # SR 0.4557; 1 + 2.448·0.4557 + 9.164/4·0.4557² = 2.5913;
    # Φ(0.4557·√23 / √2.5913) = Φ(1.3576) = 0.913.
    assert probabilistic_sharpe(HEDGE_FUND) == pytest.approx(0.913, abs=0.0005)


def test_a_ratio_equal_to_its_benchmark_is_above_it_with_probability_one_half() -> None:
    assert probabilistic_sharpe(HEDGE_FUND, HEDGE_FUND.sharpe) == 0.5


def test_a_radicand_that_is_not_positive_leaves_no_probability() -> None:
    # 1 − 3·1 + (3−1)/4·1² = −1.5: no returns have these moments.
    impossible = Moments(1.0, 3.0, 3.0, 100)
    assert math.isnan(probabilistic_sharpe(impossible))
    assert math.isnan(min_track_record(impossible))


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.5), st.integers(3, 10_000))
def test_a_higher_benchmark_is_passed_less_surely(ratio: float, more: float, bars: int) -> None:
    found = Moments(ratio, -0.5, 6.0, bars)
    assert probabilistic_sharpe(found, more) <= probabilistic_sharpe(found, 0.0)


def test_a_probability_of_skill_says_what_it_says() -> None:
    # Without skill it is uniform: of 1,000 records, 50 ± 3·√(1000·0.05·0.95) = 50 ± 21 exceed 0.95.
    found = [probabilistic_sharpe(moments(returns_of(seed, 250, 0.0))) for seed in range(1000)]
    assert 29 <= np.sum(np.array(found) > 0.95) <= 71


# The best of many


def test_the_expected_best_and_the_deflated_ratio_of_the_paper() -> None:
    # √(0.5/250) = 0.04472; 0.4228·Φ⁻¹(0.99) + 0.5772·Φ⁻¹(1 − 1/271.8) = 0.4228·2.3263 +
    # 0.5772·2.6806 = 2.5306; product 0.1132. Then with SR 0.1581:
    # Φ((0.1581 − 0.1132)·√1249 / √(1 + 3·0.1581 + 9/4·0.025)) = Φ(1.2837) = 0.9004.
    best = expected_best_sharpe(100, 0.5 / 250)
    assert best == pytest.approx(0.1132, abs=0.00005)
    assert probabilistic_sharpe(BEST_OF_HUNDRED, best) == pytest.approx(0.9004, abs=0.00005)


def test_a_single_trial_is_expected_to_show_nothing() -> None:
    assert expected_best_sharpe(1, 0.01) == 0.0


def test_the_expected_best_is_that_of_drawn_trials() -> None:
    # Best of 50 normal numbers, 20,000 times: its deviation of 0.47 leaves an error of 0.0033; the
    # formula is 1.3 % too large at 50.
    drawn = np.random.default_rng(5).normal(size=(20_000, 50)).max(axis=1).mean()
    assert expected_best_sharpe(50, 1.0) == pytest.approx(drawn, rel=0.02)


@given(st.integers(2, 100_000), st.floats(1e-8, 1.0))
def test_more_trials_and_more_spread_raise_the_bar(trials: int, variance: float) -> None:
    best = expected_best_sharpe(trials, variance)
    assert 0 < best < expected_best_sharpe(trials + 1, variance)
    assert expected_best_sharpe(trials, 4 * variance) == pytest.approx(2 * best)


# Length of the record


def test_the_minimum_track_record_of_the_paper() -> None:
    # 1 + 2.5913·(1.6449/0.4557)² = 1 + 2.5913·13.029 = 34.8
    assert min_track_record(HEDGE_FUND, level=0.95) == pytest.approx(34.8, abs=0.05)


@pytest.mark.parametrize("benchmark", [0.5, HEDGE_FUND.sharpe])
def test_no_record_is_long_enough_for_what_was_not_reached(benchmark: float) -> None:
    assert min_track_record(HEDGE_FUND, benchmark) == math.inf


@given(st.floats(0.01, 0.5), st.floats(-1.0, 1.0), st.floats(3.0, 20.0), st.floats(0.55, 0.99))
def test_at_the_minimum_length_the_probability_is_the_level(
    ratio: float, skew: float, kurtosis: float, level: float
) -> None:
    found = Moments(ratio, skew, kurtosis, 100)
    needed = min_track_record(found, level=level)
    long_enough, too_short = math.ceil(needed), math.floor(needed)
    if too_short >= 3:
        assert probabilistic_sharpe(found._replace(bars=too_short)) <= level + 1e-9
        assert probabilistic_sharpe(found._replace(bars=long_enough)) >= level - 1e-9


# All of it


def test_an_account_is_judged_by_its_moments_and_its_trials() -> None:
    returns = returns_of(7)
    result = sharpe_significance(returns, 30, 1 / 500, 365.0, 0.0, 0.95)
    found, best = moments(returns), expected_best_sharpe(30, 1 / 500)
    assert tuple(result) == NAMES
    assert [metric.reason for metric in result.values()] == [None] * len(NAMES)
    assert result["per_bar_sharpe"].value == found.sharpe
    assert (result["skew"].value, result["kurtosis"].value) == (found.skew, found.kurtosis)
    assert result["psr"].value == probabilistic_sharpe(found)
    assert result["dsr"].value == probabilistic_sharpe(found, best)
    assert result["min_track_record_bars"].value == min_track_record(found)
    assert result["expected_best_sharpe"].value == pytest.approx(best * math.sqrt(365))
    assert result["expected_best_sharpe"].unit == "annualised ratio"


def test_a_single_trial_is_not_deflated() -> None:
    result = sharpe_significance(returns_of(7), 1, 1 / 500, 365.0, 0.0, 0.95)
    assert result["dsr"].value == result["psr"].value
    assert result["expected_best_sharpe"].value == 0.0


def test_a_higher_confidence_needs_a_longer_record() -> None:
    low, high = (sharpe_significance(returns_of(7), 1, 0.002, 365.0, 0.0, p) for p in (0.9, 0.99))
    found = moments(returns_of(7))
    assert low["min_track_record_bars"].value == min_track_record(found, level=0.9)
    assert high["min_track_record_bars"].value == min_track_record(found, level=0.99)


def test_riskless_interest_is_taken_off_every_bar() -> None:
    returns = returns_of(7)
    result = sharpe_significance(returns, 5, 1 / 500, 365.0, 0.073, 0.95)
    # 7.3 % a year are 0.0002 a bar.
    assert result["per_bar_sharpe"].value == pytest.approx(moments(returns - 0.0002).sharpe)
    assert result["skew"].value == pytest.approx(moments(returns).skew)


def test_a_losing_account_needs_no_record_and_says_why() -> None:
    result = sharpe_significance(-returns_of(7), 5, 1 / 500, 365.0, 0.0, 0.95)
    needed = result["min_track_record_bars"]
    assert (needed.value, needed.unit, needed.reason) == (None, "bars", NOT_ABOVE_ZERO)
    assert result["psr"].value is not None
    assert result["psr"].value < 0.5


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ([], TOO_SHORT),
        ([0.1, 0.2], TOO_SHORT),
        ([0.1, -1.0, 0.0, 0.2], LOST),
        ([0.0] * 40, CONSTANT),
    ],
)
def test_an_account_that_cannot_be_judged_says_why(returns: list[float], reason: str) -> None:
    result = sharpe_significance(np.array(returns), 100, 0.002, 250.0, 0.0, 0.95)
    assert tuple(result) == NAMES
    # What the best of its trials would show does not depend on it: 0.1132 · √250.
    best = result.pop("expected_best_sharpe")
    assert best.value == pytest.approx(0.11317 * math.sqrt(250), abs=1e-4)
    assert {(metric.value, metric.reason) for metric in result.values()} == {(None, reason)}


def test_a_ratio_whose_estimate_has_no_error_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 1 − 1.5·4/3 + (3.25 − 1)/4·(4/3)² = 0: the moments of two values, one of them a fifth of the
    # time. Rounding keeps real returns from being so exact.
    monkeypatch.setattr(module, "moments", lambda _: Moments(4 / 3, 1.5, 3.25, 500))
    result = sharpe_significance(returns_of(7), 5, 1 / 500, 365.0, 0.0, 0.95)
    for name in ("psr", "dsr", "min_track_record_bars"):
        assert (result[name].value, result[name].reason) == (None, NO_ERROR)
    assert result["per_bar_sharpe"].value == 4 / 3


def test_a_row_without_an_account_says_why_everywhere() -> None:
    result = no_sharpe_significance("it trades nothing")
    assert tuple(result) == NAMES
    assert {metric.reason for metric in result.values()} == {"it trades nothing"}
