"""Calibration against a slow, direct implementation, and its causality."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from cryptobt.forecasters import calibration
from cryptobt.forecasters.calibration import KEEP, NEED, calibrate


def example(
    count: int, seed: int = 0, scale: float = 1.0, unknown: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows with gaps, weakly informative scores, fat-tailed outcomes, some of them unknown."""
    random = np.random.default_rng(seed)
    rows = np.cumsum(random.choice([1, 1, 1, 4], count))
    score = random.normal(size=count) * scale
    outcome = 0.1 * score / scale + random.standard_t(4, count)
    outcome[random.random(count) < unknown] = np.nan
    return rows, score, outcome, random.uniform(0.01, 0.05, count)


def directly(
    rows: np.ndarray,
    score: np.ndarray,
    outcome: np.ndarray,
    deviation: np.ndarray,
    horizon: int,
    i: int,
) -> tuple[float, ...]:
    """One forecast's calibration with numpy and scikit-learn."""
    known = [
        j for j in range(len(rows)) if np.isfinite(outcome[j]) and rows[j] + horizon <= rows[i]
    ]
    if len(known) < 250:
        return (np.nan,) * 5
    x, y = score[known[-500:]], outcome[known[-500:]]
    slope = float(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])
    model = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(x[:, None], y > 0)
    quantiles = np.quantile(y - slope * x, [0.05, 0.5, 0.95])
    mean = slope * score[i] * deviation[i]
    p_up = float(model.predict_proba([[score[i]]])[0, 1])
    return (mean, p_up, *(mean + deviation[i] * quantiles))


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 8.0])
@pytest.mark.parametrize("unknown", [0.0, 0.1])
def test_calibration_equals_the_direct_one(horizon: int, scale: float, unknown: float) -> None:
    data = example(900, scale=scale, unknown=unknown)
    result = np.array(calibrate(*data, horizon))
    for i in (100, 249, 250, 255, 300, 499, 500, 505, 620, 777, 899):
        expected = directly(*data, horizon, i)
        np.testing.assert_allclose(result[:, i], expected, atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(result[[0, 2, 3, 4], i], np.array(expected)[[0, 2, 3, 4]])


@pytest.mark.parametrize("horizon", [1, 3])
def test_it_begins_with_the_250th_known_outcome(horizon: int) -> None:
    count = 400
    data = (np.arange(count), *example(count)[1:])
    for line in calibrate(*data, horizon):
        # forecast i knows the outcomes of 0 … i − horizon: i − horizon + 1 of them
        assert np.flatnonzero(np.isfinite(line)).tolist() == list(range(NEED + horizon - 1, count))


def test_only_the_latest_500_known_outcomes_count() -> None:
    rows, score, outcome, deviation = example(900)
    rows = np.arange(900)
    whole = np.array(calibrate(rows, score, outcome, deviation, 1))[:, 850]
    old = slice(0, 850 - KEEP)
    score[old], outcome[old] = 99.0, -99.0
    np.testing.assert_array_equal(
        whole, np.array(calibrate(rows, score, outcome, deviation, 1))[:, 850]
    )
    score[850 - KEEP] = 99.0
    assert (whole != np.array(calibrate(rows, score, outcome, deviation, 1))[:, 850]).any()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(260, 549), st.sampled_from([1, 2, 7]))
def test_what_is_known_later_changes_no_earlier_forecast(seed: int, now: int, horizon: int) -> None:
    rows, score, outcome, deviation = example(550, unknown=0.05)
    before = np.array(calibrate(rows, score, outcome, deviation, horizon))[:, : now + 1]
    random = np.random.default_rng(seed)
    later = np.arange(550) > now
    unknown_yet = rows + horizon > rows[now]
    score, outcome, deviation = score.copy(), outcome.copy(), deviation.copy()
    score[later] = random.normal(0, 100, later.sum())
    deviation[later] = random.uniform(0, 9, later.sum())
    outcome[unknown_yet] = random.normal(0, 100, unknown_yet.sum())
    after = np.array(calibrate(rows, score, outcome, deviation, horizon))[:, : now + 1]
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_the_size_of_the_working_set_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    data = example(600)
    whole = np.array(calibrate(*data, 1))
    monkeypatch.setattr(calibration, "_CHUNK", chunk)
    np.testing.assert_array_equal(whole, np.array(calibrate(*data, 1)))


def test_a_score_that_is_always_zero_gives_the_base_rate() -> None:
    _, _, outcome, deviation = example(600)
    result = calibrate(np.arange(600), np.zeros(600), outcome, deviation, 1)
    assert (result.mean[NEED:] == 0).all()
    base = (outcome[599 - KEEP : 599] > 0).mean()
    assert result.p_up[599] == pytest.approx(base, abs=1e-5)


def test_a_market_that_only_rose_gives_a_high_finite_probability() -> None:
    rows, score, outcome, deviation = example(400)
    result = calibrate(rows, score, np.abs(outcome) + 0.01, deviation, 1)
    ready = np.isfinite(result.mean)
    assert ready.sum() > 100
    assert (result.p_up[ready] > 0.97).all()
    assert (result.p_up[ready] <= 1).all()


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_scores_that_tell_up_from_down_perfectly_give_the_penalised_answer(scale: float) -> None:
    random = np.random.default_rng(2)
    score = random.normal(size=400) * scale
    data = (np.arange(400), score, np.sign(score), np.full(400, 0.02))
    result = calibrate(*data, 1)
    for i in (260, 333, 399):
        assert result.p_up[i] == pytest.approx(directly(*data, 1, i)[1], abs=1e-3)


@pytest.mark.parametrize("outlier", [30.0, 300.0, 3000.0])
def test_one_wild_score_breaks_no_probability(outlier: float) -> None:
    data = example(600, seed=4)
    data[1][200] = outlier
    result = calibrate(*data, 1)
    for i in (300, 450, 599):
        assert result.p_up[i] == pytest.approx(directly(*data, 1, i)[1], abs=1e-3)


@pytest.mark.parametrize("level", [1e3, 1e6, -1e9])
def test_a_network_that_collapsed_to_one_huge_score_gives_the_base_rate(level: float) -> None:
    # Its answers hardly deviate in training, so what little they differ from 0 is divided by it.
    random = np.random.default_rng(5)
    score = level * (1 + 1e-6 * random.normal(size=400))
    outcome = random.normal(size=400)
    result = calibrate(np.arange(400), score, outcome, np.full(400, 0.02), 1)
    base = (outcome[:399] > 0).mean()
    assert result.p_up[399] == pytest.approx(base, abs=0.02)
    assert np.isfinite(np.array(result)[:, NEED:]).all()


def test_quantiles_are_in_order_and_cover_what_they_say() -> None:
    rows, score, outcome, deviation = example(5000)
    result = calibrate(rows, score, outcome, deviation, 1)
    ready = np.isfinite(result.mean)
    assert (result.q05[ready] <= result.q50[ready]).all()
    assert (result.q50[ready] <= result.q95[ready]).all()
    realised = outcome * deviation
    inside = (realised >= result.q05) & (realised <= result.q95)
    # 4,750 forecasts: the deviation of the share is 0.0044, the estimation of quantiles adds some
    assert inside[ready].mean() == pytest.approx(0.90, abs=0.015)


def test_fewer_than_250_forecasts_are_not_calibrated() -> None:
    assert np.isnan(np.array(calibrate(*example(200), 1))).all()
