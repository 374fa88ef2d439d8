"""Forecast errors by hand, and the agreement of an ensemble from its spread."""

import numpy as np
import pandas as pd
import pytest

from cryptobt.metrics.forecast import NAMES, forecast_errors, no_forecast, seed_correlation

TIMES = pd.date_range("2024-01-01", periods=4, tz="UTC", name="time")
NAN = float("nan")


def rows(mean: list[float], low: float = -1.0, high: float = 1.0) -> pd.DataFrame:
    index = TIMES[: len(mean)]
    return pd.DataFrame(
        {"mean": mean, "q05": low, "q95": high, "score": mean, "seed_spread": NAN}, index=index
    )


def test_three_forecasts_by_hand() -> None:
    # errors: 0.01 − 0.02 = −0.01, −0.01 − 0.01 = −0.02, 0 − (−0.03) = 0.03
    outcome = pd.Series([0.02, 0.01, -0.03], index=TIMES[:3])
    result = forecast_errors(rows([0.01, -0.01, 0.0]), outcome, members=1)
    mse = (0.01**2 + 0.02**2 + 0.03**2) / 3
    assert result["mae"].value == pytest.approx((0.01 + 0.02 + 0.03) / 3)
    assert result["rmse"].value == pytest.approx(mse**0.5)
    # the outcomes have mean 0, so R² and skill share a denominator: (4 + 1 + 9)e-4/3
    assert result["r2"].value == pytest.approx(1 - mse / (14e-4 / 3))
    assert result["skill"].value == pytest.approx(1 - mse / (14e-4 / 3))
    assert result["mae"].unit == "log return"


def test_skill_is_against_no_change_and_r2_against_the_mean() -> None:
    outcome = pd.Series([0.01, 0.03], index=TIMES[:2])
    result = forecast_errors(rows([0.02, 0.02]), outcome, members=1)
    # squared errors 1e-4 each; about the mean also 1e-4; about zero (1 + 9)e-4/2
    assert result["r2"].value == pytest.approx(0.0)
    assert result["skill"].value == pytest.approx(1 - 1e-4 / 5e-4)


def test_the_forecast_of_no_change_has_no_skill() -> None:
    outcome = pd.Series([0.01, -0.03], index=TIMES[:2])
    assert forecast_errors(rows([0.0, 0.0]), outcome, 1)["skill"].value == pytest.approx(0.0)


def test_uncalibrated_forecasts_and_unknown_outcomes_are_left_out() -> None:
    outcome = pd.Series([0.02, 0.01, NAN, 0.04], index=TIMES)
    result = forecast_errors(rows([NAN, 0.0, 0.5, 0.0]), outcome, members=1)
    assert result["mae"].value == pytest.approx((0.01 + 0.04) / 2)


def test_coverage_counts_outcomes_on_the_edge_as_inside() -> None:
    outcome = pd.Series([0.05, -0.05, 0.0501, 0.0], index=TIMES)
    result = forecast_errors(rows([0.0] * 4, -0.05, 0.05), outcome, members=1)
    assert result["interval_coverage"].value == pytest.approx(3 / 4)


def test_outcomes_are_matched_by_time() -> None:
    outcome = pd.Series([9.0, 0.02, 0.01], index=TIMES[[3, 1, 0]])
    result = forecast_errors(rows([0.01, 0.02]), outcome, members=1)
    assert result["mae"].value == 0.0


@pytest.mark.parametrize("mean", [[], [0.01], [NAN, NAN, 0.01]])
def test_fewer_than_two_forecasts_have_no_error_but_a_reason(mean: list[float]) -> None:
    outcome = pd.Series([0.02, 0.01, 0.03, 0.0], index=TIMES)
    result = forecast_errors(rows(mean), outcome, members=1)
    for name in ("mae", "rmse", "r2", "skill"):
        assert result[name].value is None
        assert "fewer than two" in (result[name].reason or "")


def test_if_nothing_moved_there_is_no_skill() -> None:
    result = forecast_errors(rows([0.0, 0.01]), pd.Series([0.0, 0.0], index=TIMES[:2]), 1)
    assert (result["skill"].value, result["skill"].reason) == (None, "nothing moved")


def ensemble(share: float, members: int, bars: int = 4000, seed: int = 0) -> np.ndarray:
    """Members with variance 1 of which ``share`` is common: their correlation is ``share``."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(bars, 1)) * share**0.5
    return np.asarray(common + random.normal(size=(bars, members)) * (1 - share) ** 0.5)


def as_rows(z: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"score": z.mean(axis=1), "seed_spread": z.std(axis=1, ddof=1)})


@pytest.mark.parametrize("members", [2, 3, 10])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_the_correlation_of_seeds_is_that_of_the_simulated_members(
    share: float, members: int
) -> None:
    z = ensemble(share, members)
    metric = seed_correlation(as_rows(z), members)
    pairs = np.corrcoef(z.T)[np.triu_indices(members, 1)]
    assert metric.value == pytest.approx(pairs.mean(), abs=0.02)
    assert metric.value == pytest.approx(share, abs=0.04)


def test_members_that_agree_have_correlation_one() -> None:
    z = np.repeat(np.random.default_rng(1).normal(size=(50, 1)), 3, axis=1)
    assert seed_correlation(as_rows(z), 3).value == pytest.approx(1.0)


def test_one_member_or_no_spread_has_no_correlation() -> None:
    frame = as_rows(ensemble(0.5, 3, bars=30))
    assert seed_correlation(frame, 1).value is None
    assert seed_correlation(frame.assign(seed_spread=NAN), 3).reason == (
        "one seed, or nothing random"
    )


def test_a_score_that_never_varies_has_no_correlation() -> None:
    frame = pd.DataFrame({"score": [0.5, 0.5], "seed_spread": [0.0, 0.0]})
    assert seed_correlation(frame, 3).reason == "the score does not vary"


def test_a_run_without_forecasts_says_why_for_every_number() -> None:
    result = no_forecast("this run has no forecasts")
    assert set(result) == set(NAMES)
    assert {metric.reason for metric in result.values()} == {"this run has no forecasts"}


def test_an_outcome_that_never_varies_has_no_r2_however_its_mean_is_rounded() -> None:
    # The mean of three times 0.1 is 0.10000000000000002: about it the variance is no zero.
    outcome = pd.Series([0.1, 0.1, 0.1], index=TIMES[:3])
    result = forecast_errors(rows([0.0, 0.2, 0.1]), outcome, members=1)
    assert result["r2"].value is None
    assert result["r2"].reason == "every outcome was the same"
    assert result["mae"].value == pytest.approx(0.2 / 3)
