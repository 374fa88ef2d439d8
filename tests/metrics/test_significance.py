"""Tests of forecasts by hand, and how often they see something where nothing is."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from sklearn.metrics import matthews_corrcoef

from cryptobt.metrics.accuracy import TOO_FEW
from cryptobt.metrics.metric import Metric
from cryptobt.metrics.significance import (
    NAMES,
    binomial_band,
    brier,
    clark_west,
    diebold_mariano,
    pesaran_timmermann,
    pinball,
)

NAN = float("nan")
Result = dict[str, Metric]


def numbers(result: Result) -> tuple[float, float]:
    """Statistic and p-value of a test that could be made."""
    statistic, p_value = (result[name].value for name in NAMES)
    assert statistic is not None
    assert p_value is not None
    return statistic, p_value


def reason(result: Result) -> str:
    """Why a test could not be made; the same for both of its numbers."""
    assert {result[name].value for name in NAMES} == {None}
    assert result["statistic"].reason == result["p_value"].reason
    return result["statistic"].reason or ""


def above(statistic: float) -> float:
    """Probability that a standard normal number is larger."""
    return math.erfc(statistic / 2**0.5) / 2


# Pesaran–Timmermann


def calls_of(up_up: int, up_down: int, down_up: int, down_down: int) -> tuple[np.ndarray, ...]:
    """Calls and outcomes with these counts; the call is named first."""
    counts = (up_up, up_down, down_up, down_down)
    return np.repeat([1.0, 1, -1, -1], counts), np.repeat([1.0, -1, 1, -1], counts)


def in_words_of_1992(calls: np.ndarray, realised: np.ndarray, second_order: bool) -> float:
    """Their S_n, written out from the paper."""
    n = len(calls)
    x, y = (calls > 0).mean(), (realised > 0).mean()
    right = ((calls > 0) == (realised > 0)).mean()
    by_chance = x * y + (1 - x) * (1 - y)
    of_right = by_chance * (1 - by_chance) / n
    of_chance = (2 * y - 1) ** 2 * x * (1 - x) / n + (2 * x - 1) ** 2 * y * (1 - y) / n
    if second_order:
        of_chance += 4 * x * y * (1 - x) * (1 - y) / n**2
    return float((right - by_chance) / math.sqrt(of_right - of_chance))


def test_twenty_calls_by_hand() -> None:
    # 7 ups right, 3 ups wrong, 4 downs wrong, 6 downs right: P = 13/20, x = 10/20, y = 11/20,
    # P* = 0.5·0.55 + 0.5·0.45 = 0.5. V(P) = 0.25/20; V(P*) = (0.1²·0.25 + 0²)/20 = 0.0025/20.
    statistic, p_value = numbers(pesaran_timmermann(*calls_of(7, 3, 4, 6)))
    assert statistic == pytest.approx((0.65 - 0.5) / math.sqrt((0.25 - 0.0025) / 20))
    assert p_value == pytest.approx(above(statistic))


@pytest.mark.parametrize("counts", [(7, 3, 4, 6), (30, 20, 5, 9), (2, 9, 8, 1), (1, 1, 1, 1)])
def test_it_is_the_formula_of_1992_but_for_its_term_of_second_order(
    counts: tuple[int, int, int, int],
) -> None:
    calls, realised = calls_of(*counts)
    statistic, _ = numbers(pesaran_timmermann(calls, realised))
    assert statistic == pytest.approx(in_words_of_1992(calls, realised, second_order=False))
    n = len(calls)
    paper = in_words_of_1992(calls, realised, second_order=True)
    assert paper == pytest.approx(statistic * math.sqrt(n / (n - 1)))


outcomes = st.lists(st.tuples(st.sampled_from([-1.0, 1.0]), st.sampled_from([-1.0, 0.0, 1.0])))


@given(outcomes)
def test_it_is_the_correlation_of_calls_and_outcomes_times_the_root_of_n(
    pairs: list[tuple[float, float]],
) -> None:
    calls, realised = np.array(pairs).reshape(-1, 2).T
    result = pesaran_timmermann(calls, realised)
    if result["statistic"].value is None:
        assert len(set(calls)) < 2 or len(set(realised > 0)) < 2
        return
    correlation = matthews_corrcoef(realised > 0, calls > 0)
    assert result["statistic"].value == pytest.approx(len(calls) ** 0.5 * correlation, abs=1e-9)


def test_one_sided_means_that_calls_that_are_always_wrong_are_not_better() -> None:
    right, wrong = (
        numbers(pesaran_timmermann(*calls_of(*c))) for c in [(9, 0, 0, 9), (0, 9, 9, 0)]
    )
    assert right[0] == pytest.approx(-wrong[0])
    assert right[1] < 0.001
    assert wrong[1] > 0.999


def test_a_return_of_zero_counts_as_down() -> None:
    calls, realised = calls_of(7, 3, 4, 6)
    zeros = np.where(realised < 0, 0.0, realised)
    assert pesaran_timmermann(calls, zeros) == pesaran_timmermann(calls, realised)


@pytest.mark.parametrize("pair", [(0.0, 1.0), (NAN, 1.0), (1.0, NAN), (0.0, NAN)])
def test_abstentions_and_unknown_outcomes_are_left_out(pair: tuple[float, float]) -> None:
    calls, realised = calls_of(7, 3, 4, 6)
    more = np.append(calls, [pair[0]] * 5), np.append(realised, [pair[1]] * 5)
    assert pesaran_timmermann(*more) == pesaran_timmermann(calls, realised)


def test_calls_or_outcomes_that_never_change_leave_nothing_to_test() -> None:
    change, never = np.array([1.0, -1, 1]), np.ones(3)
    for constant in (never, -never):
        assert reason(pesaran_timmermann(constant, change)) == "every call was the same"
        assert reason(pesaran_timmermann(change, constant)) == "every bar went the same way"
    assert reason(pesaran_timmermann(change, 0 * never)) == "every bar went the same way"


@pytest.mark.parametrize("calls", [[], [1.0], [1.0, 0.0], [1.0, NAN]])
def test_fewer_than_two_calls_leave_nothing_to_test(calls: list[float]) -> None:
    result = pesaran_timmermann(np.array(calls), np.ones(len(calls)))
    assert reason(result) == "fewer than two calls with a known outcome"


# Diebold–Mariano


BASE = np.array([2.0, 1, 3, 1, 2])
OURS = np.array([1.0, -1, 2, 1, 0])
# Their squares are 4, 1, 9, 1, 4 and 1, 1, 4, 1, 0; the differences 3, 0, 5, 0, 4 have mean 2.4,
# and are off it by u = 0.6, −2.4, 2.6, −2.4, 1.6.
SUM_UU = 0.36 + 5.76 + 6.76 + 5.76 + 2.56
LAG_1 = 0.6 * -2.4 + -2.4 * 2.6 + 2.6 * -2.4 + -2.4 * 1.6
LAG_2 = 0.6 * 2.6 + -2.4 * -2.4 + 2.6 * 1.6


def test_one_bar_ahead_by_hand() -> None:
    statistic, p_value = numbers(diebold_mariano(OURS, BASE, 1))
    # The variance of the mean is Σu²/n²; the factor √((5 + 1 − 2 + 0)/5) = √(4/5).
    assert statistic == pytest.approx(2.4 / math.sqrt(SUM_UU / 25) * math.sqrt(4 / 5))
    assert p_value == pytest.approx(2 * stats.t.sf(statistic, df=4))


def test_one_bar_ahead_it_is_the_t_test_of_the_differences() -> None:
    expected = stats.ttest_1samp(BASE**2 - OURS**2, 0.0)
    result = numbers(diebold_mariano(OURS, BASE, 1))
    assert result == pytest.approx((expected.statistic, expected.pvalue))


def test_three_bars_ahead_by_hand() -> None:
    statistic, p_value = numbers(diebold_mariano(OURS, BASE, 3))
    # Newey & West weigh lag 1 by 2/3 and lag 2 by 1/3, each counted on both sides.
    variance = (SUM_UU + 2 * (2 / 3 * LAG_1 + 1 / 3 * LAG_2)) / 25
    # (n + 1 − 2h + h(h−1)/n)/n = (5 + 1 − 6 + 6/5)/5
    assert statistic == pytest.approx(2.4 / math.sqrt(variance) * math.sqrt((0 + 6 / 5) / 5))
    assert p_value == pytest.approx(2 * stats.t.sf(statistic, df=4))


def test_a_positive_statistic_means_that_ours_is_better() -> None:
    random = np.random.default_rng(0)
    small, large = random.normal(0, 0.5, 200), random.normal(0, 1.0, 200)
    assert numbers(diebold_mariano(small, large, 1))[0] > 5
    assert numbers(diebold_mariano(large, small, 1))[0] < -5


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([1e-4, 3.0, 1e5]))
def test_changing_sides_changes_the_sign_alone_and_the_unit_changes_nothing(
    seed: int, horizon: int, rate: float
) -> None:
    ours, base = np.random.default_rng(seed).normal(size=(2, 12))
    statistic, p_value = numbers(diebold_mariano(ours, base, horizon))
    assert numbers(diebold_mariano(base, ours, horizon)) == pytest.approx((-statistic, p_value))
    scaled = numbers(diebold_mariano(ours * rate, base * rate, horizon))
    assert scaled == pytest.approx((statistic, p_value))


@pytest.mark.parametrize("errors", [BASE, -BASE, BASE * (1 + 1e-15)])
def test_persistence_is_not_tested_against_itself(errors: np.ndarray) -> None:
    why = "its squared errors are those of the forecast that it is compared with"
    assert reason(diebold_mariano(errors, BASE, 1)) == why


def test_two_forecasts_without_any_error_are_the_same() -> None:
    assert "squared errors are those" in reason(diebold_mariano(np.zeros(4), np.zeros(4), 1))


def test_losses_that_differ_by_a_constant_leave_no_deviation_to_compare_with() -> None:
    why = "the losses differ by the same amount at all times"
    assert reason(diebold_mariano(np.zeros(5), np.array([2.0, -2, 2, 2, -2]), 1)) == why
    assert reason(diebold_mariano(np.full(5, 0.3), np.full(5, 0.1), 2)) == why


def test_errors_that_are_not_known_are_left_out() -> None:
    ours, base = np.insert(OURS, 2, NAN), np.insert(BASE, 2, 9.0)
    assert diebold_mariano(ours, base, 2) == diebold_mariano(OURS, BASE, 2)
    assert diebold_mariano(base, ours, 2) == diebold_mariano(BASE, OURS, 2)


# Clark–West


ACTUAL = np.array([0.02, -0.01, 0.03, 0.01])
PREDICTED = np.array([0.01, 0.01, 0.02, -0.01])
# In 1e-4: e0² = 4, 1, 9, 1; e1² = 1, 4, 1, 4; (f0 − f1)² = 1, 1, 4, 1. So e0² − [e1² − (f0 − f1)²]
# = 4 − 0, 1 − 3, 9 + 3, 1 − 3 = 4, −2, 12, −2 with mean 3, off it by 1, −5, 9, −5.


def test_four_forecasts_by_hand() -> None:
    statistic, p_value = numbers(clark_west(ACTUAL, PREDICTED, 1))
    # The variance of the mean is Σu²/(n(n − 1)) = (1 + 25 + 81 + 25)/(4·3) = 11.
    assert statistic == pytest.approx(3 / math.sqrt(11))
    assert p_value == pytest.approx(above(statistic))


def test_four_forecasts_two_bars_ahead_by_hand() -> None:
    # Lag 1: 1·−5 + −5·9 + 9·−5 = −95, weighed by 1/2 on both sides.
    variance = (132 + 2 * 0.5 * -95) / (4 * 3)
    statistic, p_value = numbers(clark_west(ACTUAL, PREDICTED, 2))
    assert statistic == pytest.approx(3 / math.sqrt(variance))
    assert p_value == pytest.approx(above(statistic))


@given(st.integers(0, 2**32 - 1))
def test_it_is_the_t_statistic_of_the_gain_written_out(seed: int) -> None:
    actual, predicted = np.random.default_rng(seed).normal(0, 0.02, size=(2, 30))
    gain = (actual - 0) ** 2 - ((actual - predicted) ** 2 - (0 - predicted) ** 2)
    expected = gain.mean() / (gain.std(ddof=1) / math.sqrt(30))
    assert numbers(clark_west(actual, predicted, 1))[0] == pytest.approx(expected)


def test_a_noisy_forecast_can_be_informative_though_its_errors_are_larger() -> None:
    # A tenth of the return is known, and three times that variance is noise.
    known, unknown, noise = np.random.default_rng(2).normal(size=(3, 2000))
    actual, predicted = 0.1**0.5 * known + 0.9**0.5 * unknown, 0.1**0.5 * (known + 3**0.5 * noise)
    assert numbers(clark_west(actual, predicted, 1))[1] < 0.001
    assert numbers(diebold_mariano(actual - predicted, actual, 1))[0] < -5


def test_the_zero_forecast_is_not_tested_against_itself() -> None:
    assert reason(clark_west(ACTUAL, np.zeros(4), 1)) == "it forecasts zero itself"


@pytest.mark.parametrize("actual", [0.0, 0.02])
def test_a_gain_that_does_not_vary_leaves_nothing_to_test(actual: float) -> None:
    result = clark_west(np.full(4, actual), np.full(4, 0.01), 1)
    assert reason(result) == "its gain over zero does not vary"


def test_returns_that_are_not_known_are_left_out() -> None:
    actual, predicted = np.insert(ACTUAL, 1, NAN), np.insert(PREDICTED, 1, 0.3)
    assert clark_west(actual, predicted, 2) == clark_west(ACTUAL, PREDICTED, 2)
    assert clark_west(predicted, actual, 2) == clark_west(PREDICTED, ACTUAL, 2)


@pytest.mark.parametrize("test", [diebold_mariano, clark_west])
def test_no_more_forecasts_than_the_horizon_has_bars_are_too_few(
    test: Callable[[np.ndarray, np.ndarray, int], Result],
) -> None:
    assert reason(test(OURS[:0], BASE[:0], 1)) == TOO_FEW
    assert reason(test(OURS[:1], BASE[:1], 1)) == TOO_FEW
    assert reason(test(np.array([NAN, 1]), BASE[:2], 1)) == TOO_FEW
    assert reason(test(OURS, BASE, 5)) == "5 forecasts are too few for a horizon of 5 bars"
    assert reason(test(OURS, BASE, 9)) == "5 forecasts are too few for a horizon of 9 bars"
    numbers(test(OURS, BASE, 4))


# How often they are wrong


def flips(random: np.random.Generator) -> Result:
    """Calls that are up in 60 % of the bars, in a market that is up in 55 %, independently."""
    calls, realised = (np.where(random.random(250) < p, 1.0, -1.0) for p in (0.6, 0.55))
    return pesaran_timmermann(calls, realised)


def noise(random: np.random.Generator) -> Result:
    """Forecasts that have nothing to do with the returns."""
    actual, predicted = random.normal(size=(2, 250))
    return clark_west(actual, predicted, 1)


def equals(random: np.random.Generator) -> Result:
    """Two forecasts that are as good as each other."""
    ours, base = random.normal(size=(2, 250))
    return diebold_mariano(ours, base, 1)


@pytest.mark.parametrize("chance", [flips, noise, equals])
def test_of_300_forecasts_without_information_about_five_per_cent_are_taken_for_better(
    chance: Callable[[np.random.Generator], Result],
) -> None:
    random = np.random.default_rng(11)
    found = [numbers(chance(random))[1] < 0.05 for _ in range(300)]
    low, high = binomial_band(300, 0.99, 0.05)
    assert low <= np.mean(found) <= high


def test_calls_that_are_right_in_three_of_five_bars_are_seen_to_be_better() -> None:
    # 250 calls: the statistic is about √250·(2·0.6 − 1) = 3.2, above 1.64 in 94 of 100 series.
    random, found = np.random.default_rng(12), 0
    for _ in range(100):
        realised = np.where(random.random(250) < 0.5, 1.0, -1.0)
        calls = np.where(random.random(250) < 0.6, realised, -realised)
        found += numbers(pesaran_timmermann(calls, realised))[1] < 0.05
    low, high = binomial_band(100, 0.99, 0.94)
    assert low <= found / 100 <= high


# The coin


def test_four_flips_by_hand() -> None:
    # 0 and 4 right have probability 1/16 each; between them lies 14/16 = 0.875.
    assert binomial_band(4, 0.87) == (0.25, 0.75)
    assert binomial_band(4, 0.88) == (0.0, 1.0)


@given(st.integers(1, 3000), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.floats(0.02, 0.98))
def test_the_band_is_the_smallest_that_cuts_no_more_than_its_share_at_each_end(
    n: int, level: float, p: float
) -> None:
    low, high = (round(n * share) for share in binomial_band(n, level, p))
    cut = (1 - level) / 2
    # Below the band at most the cut is left, and with its first value more; likewise above.
    assert stats.binom.cdf(low - 1, n, p) <= cut * (1 + 1e-9)
    assert stats.binom.cdf(low, n, p) >= cut * (1 - 1e-9)
    assert stats.binom.sf(high, n, p) <= cut * (1 + 1e-9)
    assert stats.binom.sf(high - 1, n, p) >= cut * (1 - 1e-9)


def test_a_thousand_flips_stay_within_three_points_of_a_half() -> None:
    # 1.96·√(0.25/1000) = 0.031
    assert binomial_band(1000, 0.95) == pytest.approx((0.469, 0.531))


def test_without_calls_there_is_no_band() -> None:
    assert np.isnan(binomial_band(0, 0.95)).all()


# Probabilities and quantiles


def test_the_brier_score_by_hand() -> None:
    # up, down, down: (1 − 0.8)², 0.3², 0.5²
    score = brier(np.array([0.8, 0.3, 0.5]), np.array([0.02, -0.01, 0.0]))
    assert score.value == pytest.approx((0.04 + 0.09 + 0.25) / 3)
    assert score.unit == "ratio"


@pytest.mark.parametrize("realised", [[0.1, 0.2], [-0.1, -0.2], [0.1, -0.2]])
def test_a_coin_has_a_brier_score_of_a_quarter_in_any_market(realised: list[float]) -> None:
    assert brier(np.array([0.5, 0.5]), np.array(realised)).value == 0.25


def test_pinball_loss_by_hand() -> None:
    # τ = 0.05: 0.02 above the quantile costs 0.05·0.02, 0.01 below it 0.95·0.01, on it nothing.
    q, realised = np.array([-0.03, -0.03, -0.02]), np.array([-0.01, -0.04, -0.02])
    loss = pinball(q, 0.05, realised)
    assert loss.value == pytest.approx((0.05 * 0.02 + 0.95 * 0.01 + 0) / 3)
    assert loss.unit == "log return"


def test_the_loss_of_the_median_is_half_the_absolute_error() -> None:
    q, realised = np.random.default_rng(0).normal(size=(2, 50))
    assert pinball(q, 0.5, realised).value == pytest.approx(np.abs(q - realised).mean() / 2)


@pytest.mark.parametrize("tau", [0.05, 0.5, 0.95])
def test_the_true_quantile_has_the_smallest_loss(tau: float) -> None:
    realised = np.random.default_rng(1).normal(size=20_000)
    losses = [
        pinball(np.full_like(realised, stats.norm.ppf(tau) + shift), tau, realised).value or NAN
        for shift in (-0.2, 0.0, 0.2)
    ]
    assert np.argmin(losses) == 1


@pytest.mark.parametrize("first", [[], [0.3], [0.3, NAN], [NAN, NAN]])
def test_fewer_than_two_pairs_have_no_score_but_a_reason(first: list[float]) -> None:
    forecast, realised = np.array(first), np.full(len(first), 0.1)
    assert brier(forecast, realised) == Metric(None, "ratio", reason=TOO_FEW)
    assert pinball(forecast, 0.05, realised) == Metric(None, "log return", reason=TOO_FEW)


def test_forecasts_and_outcomes_that_are_not_known_do_not_count() -> None:
    forecast, realised = np.array([0.8, NAN, 0.3, 0.9]), np.array([0.1, 0.2, -0.1, NAN])
    assert brier(forecast, realised) == brier(forecast[[0, 2]], realised[[0, 2]])
    full = pinball(forecast[[0, 2]], 0.95, realised[[0, 2]])
    assert pinball(forecast, 0.95, realised) == full
