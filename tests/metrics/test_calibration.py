"""Reliability of probabilities and the score of quantiles, by hand."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from cryptobt.metrics.accuracy import TOO_FEW
from cryptobt.metrics.calibration import crps_from_quantiles, reliability
from cryptobt.metrics.significance import pinball

NAN = float("nan")
KEYS = ("low", "high", "n", "said", "came", "came_low", "came_high")


def table(p_up: list[float], realised: list[float], bins: int = 10) -> list[dict[str, float | int]]:
    return reliability(np.array(p_up), np.array(realised), bins)


def test_a_reliability_table_by_hand() -> None:
    # Four forecasts of 50 to 60 %, of which one went up, and one of 80 to 90 %, which did.
    rows = table([0.52, 0.54, 0.58, 0.56, 0.83], [0.1, -0.1, -0.1, -0.1, 0.2])
    assert [tuple(row) for row in rows] == [KEYS, KEYS]
    first, second = rows
    assert (first["low"], first["high"], first["n"]) == (0.5, 0.6, 4)
    assert first["said"] == pytest.approx((0.52 + 0.54 + 0.58 + 0.56) / 4)
    assert first["came"] == 1 / 4
    assert (second["low"], second["high"], second["n"], second["came"]) == (0.8, 0.9, 1, 1.0)


def test_the_interval_of_a_share_by_hand() -> None:
    # None of 10 went up: the highest share under which that has probability 0.025 is
    # 1 − 0.025^(1/10) = 0.3085; all of 10: 0.025^(1/10).
    (none,) = table([0.55] * 10, [-1.0] * 10)
    assert (none["came"], none["came_low"]) == (0.0, 0.0)
    assert none["came_high"] == pytest.approx(1 - 0.025**0.1)
    (all_up,) = table([0.55] * 10, [1.0] * 10)
    assert (all_up["came"], all_up["came_high"]) == (1.0, 1.0)
    assert all_up["came_low"] == pytest.approx(0.025**0.1)


def test_a_higher_level_is_wider() -> None:
    p_up, realised = np.full(50, 0.5), np.repeat([1.0, -1.0], 25)
    (narrow,), (wide,) = (reliability(p_up, realised, level=level) for level in (0.8, 0.99))
    assert wide["came_low"] < narrow["came_low"] < 0.5 < narrow["came_high"] < wide["came_high"]


@pytest.mark.parametrize("tenth", range(10))
def test_a_bin_holds_its_lower_end(tenth: int) -> None:
    (row,) = table([tenth / 10], [1.0])
    assert row["low"] == tenth / 10


def test_the_last_bin_holds_certainty() -> None:
    (row,) = table([1.0, 0.95], [1.0, 1.0])
    assert (row["low"], row["high"], row["n"]) == (0.9, 1.0, 2)


def test_a_return_of_zero_did_not_go_up() -> None:
    (row,) = table([0.5], [0.0])
    assert row["came"] == 0.0


def test_rows_that_are_not_known_are_left_out() -> None:
    rows = table([0.55, NAN, 0.55], [1.0, 1.0, NAN])
    assert [row["n"] for row in rows] == [1]
    assert table([NAN], [1.0]) == []
    assert table([], []) == []


def test_every_forecast_is_in_one_bin() -> None:
    random = np.random.default_rng(1)
    rows = reliability(random.random(500), random.normal(size=500), bins=7)
    assert sum(row["n"] for row in rows) == 500
    assert [row["low"] for row in rows[1:]] == [row["high"] for row in rows[:-1]]
    assert all(row["low"] <= row["said"] <= row["high"] for row in rows)


def test_probabilities_that_are_true_come_true() -> None:
    # 4,000 forecasts in ten bins of about 400: each interval holds the truth in at least 95 of
    # 100 cases, so that of 200 bins no more than 10 + 3·√(200·0.05·0.95) = 19 miss it.
    missed = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        p_up = random.random(4000)
        realised = np.where(random.random(4000) < p_up, 1.0, -1.0)
        rows = reliability(p_up, realised)
        missed += sum(not row["came_low"] <= row["said"] <= row["came_high"] for row in rows)
    assert missed <= 19


# Score of quantiles


def score(q05: list[float], q50: list[float], q95: list[float], realised: list[float]) -> float:
    metric = crps_from_quantiles(*(np.array(part) for part in (q05, q50, q95, realised)))
    assert metric.unit == "log return"
    assert metric.value is not None
    return metric.value


def test_a_score_by_hand() -> None:
    # First outcome 0.03 with quantiles −0.05, 0.00 and 0.05: it costs 0.05·0.08, 0.5·0.03 and,
    # being below the last, 0.05·0.02. Second −0.06: 0.95·0.01, 0.5·0.06 and 0.05·0.11.
    losses = (0.05 * 0.08 + 0.5 * 0.03 + 0.05 * 0.02, 0.95 * 0.01 + 0.5 * 0.06 + 0.05 * 0.11)
    found = score([-0.05, -0.05], [0.0, 0.0], [0.05, 0.05], [0.03, -0.06])
    assert found == pytest.approx(2 * (sum(losses) / 2) / 3)


def test_without_spread_the_score_is_the_mean_absolute_error() -> None:
    assert score([0.01, 0.0], [0.01, 0.0], [0.01, 0.0], [0.03, -0.04]) == pytest.approx(0.03)


def test_the_score_is_twice_the_mean_of_the_three_pinball_losses() -> None:
    random = np.random.default_rng(3)
    quantiles = np.sort(random.normal(size=(3, 100)), axis=0)
    realised = random.normal(size=100)
    losses = [
        pinball(q, tau, realised).value for q, tau in zip(quantiles, (0.05, 0.5, 0.95), strict=True)
    ]
    found = crps_from_quantiles(*quantiles, realised).value
    assert found == pytest.approx(2 * np.mean(losses))  # type: ignore[arg-type]


def test_the_true_quantiles_have_the_best_score() -> None:
    realised = np.random.default_rng(4).normal(size=5000)
    true = [np.full(5000, stats.norm.ppf(tau)) for tau in (0.05, 0.5, 0.95)]
    best = crps_from_quantiles(*true, realised).value
    assert best is not None
    for scale, shift in ((0.7, 0.0), (1.4, 0.0), (1.0, 0.3)):
        other = crps_from_quantiles(*(q * scale + shift for q in true), realised).value
        assert other is not None
        assert other > best


def test_a_row_with_a_gap_in_any_quantile_is_left_out_of_all() -> None:
    whole = score([-0.1, -0.1], [0.0, 0.0], [0.1, 0.1], [0.03, 0.02])
    assert whole == score([-0.1, NAN, -0.1], [0, 5, 0], [0.1, 9, 0.1], [0.03, 7, 0.02])


def test_fewer_than_two_rows_have_no_score() -> None:
    one = np.array([0.1])
    metric = crps_from_quantiles(one, one, one, one)
    assert (metric.value, metric.reason) == (None, TOO_FEW)
