"""Direction by hand, and its bootstrap formulas against scikit-learn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from cryptobt.metrics.bootstrap import Resampler, make_resampler
from cryptobt.metrics.direction import (
    CLASS,
    COUNTS,
    NAMES,
    direction,
    down_class,
    lead_over_always_up,
    no_direction,
    no_down_class,
)
from cryptobt.metrics.metric import Metric

NAN = float("nan")
SCORES = {
    "precision": lambda t, c: sk.precision_score(t, c, zero_division=np.nan),
    "recall": lambda t, c: sk.recall_score(t, c, zero_division=np.nan),
    "f1": lambda t, c: sk.f1_score(t, c, zero_division=np.nan),
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
}


def score(calls: list[float], realised: list[float]) -> dict[str, Any]:
    return direction(np.array(calls), np.array(realised), None, 0.95)


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    return tuple(result[name] for name in COUNTS)


def test_ten_calls_by_hand() -> None:
    # up and right four times, up and wrong twice, down and right once, down and wrong three times
    calls: list[float] = [1, 2, 0.5, 3, 1, 1, -1, -1, -2, -0.1]
    happened: list[float] = [1, 1, 1, 1, -1, -3, -1, 1, 1, 1]
    result = score(calls, happened)
    assert counts(result) == (4, 2, 1, 3, 10, 0)
    assert result["precision"].value == pytest.approx(4 / 6)
    assert result["recall"].value == pytest.approx(4 / 7)
    assert result["f1"].value == pytest.approx(2 * 4 / (2 * 4 + 2 + 3))
    assert result["accuracy"].value == pytest.approx(5 / 10)
    assert result["balanced_accuracy"].value == pytest.approx((4 / 7 + 1 / 3) / 2)
    # (4·1 − 2·3)/√(6·7·3·4)
    assert result["mcc"].value == pytest.approx(-2 / (6 * 7 * 3 * 4) ** 0.5)
    assert result["coverage"].value == 1.0
    assert result["precision"].unit == "ratio"


def test_a_return_of_zero_counts_as_down() -> None:
    assert counts(score([1, -1], [0.0, 0.0])) == (0, 1, 1, 0, 2, 0)


def test_a_call_of_zero_or_none_is_an_abstention_and_lowers_the_coverage() -> None:
    result = score([1, 0, NAN, -1], [1, 1, -1, -1])
    assert counts(result) == (1, 0, 1, 0, 2, 2)
    assert result["coverage"].value == pytest.approx(2 / 4)
    assert result["accuracy"].value == 1.0


def test_a_bar_whose_outcome_is_unknown_is_left_out_of_everything() -> None:
    result = score([1, 0, -1, 1], [1, NAN, -1, NAN])
    assert counts(result) == (1, 0, 1, 0, 2, 0)
    assert result["coverage"].value == 1.0


def test_without_a_call_there_is_no_number_but_a_reason() -> None:
    result = score([0, NAN], [1, -1])
    assert all(result[name].value is None for name in NAMES)
    assert {result[name].reason for name in NAMES} == {"no call was made"}
    assert result["coverage"].value == 0.0
    assert counts(result) == (0, 0, 0, 0, 0, 2)


def test_without_a_known_outcome_there_is_no_coverage() -> None:
    result = score([1, -1], [NAN, NAN])
    assert (result["coverage"].value, result["coverage"].reason) == (None, "no bar to call")


def test_without_an_up_call_precision_does_not_exist() -> None:
    result = score([-1, -1, -1], [1, -1, 1])
    assert (result["precision"].value, result["precision"].reason) == (None, "up was never called")
    assert (result["recall"].value, result["f1"].value) == (0.0, 0.0)
    assert (result["mcc"].value, result["mcc"].reason) == (None, "every call was the same")
    assert result["accuracy"].value == pytest.approx(1 / 3)
    assert result["balanced_accuracy"].value == 0.5


def test_always_up_has_full_recall_and_no_correlation() -> None:
    result = score([1, 1, 1, 1], [1, 1, 1, -1])
    assert result["precision"].value == 0.75
    assert result["recall"].value == 1.0
    assert result["f1"].value == pytest.approx(2 * 3 / (2 * 3 + 1))
    assert (result["mcc"].value, result["mcc"].reason) == (None, "every call was the same")


def test_if_every_bar_went_up_balanced_accuracy_and_correlation_do_not_exist() -> None:
    result = score([1, -1, 1], [1, 1, 1])
    for name in ("balanced_accuracy", "mcc"):
        assert (result[name].value, result[name].reason) == (None, "every bar went the same way")
    assert result["precision"].value == 1.0


def test_if_no_bar_went_up_recall_does_not_exist() -> None:
    result = score([1, -1], [-1, -1])
    assert (result["recall"].value, result["recall"].reason) == (None, "no bar went up")
    assert result["precision"].value == 0.0


def test_if_up_neither_came_nor_was_called_f1_does_not_exist() -> None:
    f1 = score([-1, -1], [-1, 0])["f1"]
    assert (f1.value, f1.reason) == (None, "no bar went up and none was called")


class OneDraw(Resampler):
    """A resampler whose one draw is the history itself."""

    def __init__(self, rows: int) -> None:
        self.rows, self.draws = rows, 1
        self._kept = [np.arange(rows)[None]]


outcomes = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, NAN, 1.0]), st.sampled_from([-1.0, 0.0, NAN, 1.0])),
    min_size=1,
    max_size=30,
)


@given(outcomes)
def test_the_formulas_of_the_intervals_are_those_of_scikit_learn(
    pairs: list[tuple[float, float]],
) -> None:
    calls, realised = (np.array(side) for side in zip(*pairs, strict=True))
    result = direction(calls, realised, OneDraw(len(calls)), 0.95)
    used = np.isfinite(realised) & np.isfinite(calls) & (calls != 0)
    truth, up = realised[used] > 0, calls[used] > 0
    for name in NAMES:
        metric = result[name]
        assert isinstance(metric, Metric)
        if metric.value is None:
            assert metric.low is None
            continue
        expected = SCORES[name](truth, up)
        assert metric.value == pytest.approx(expected)
        assert [metric.low, metric.high] == pytest.approx([expected, expected])


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # 200 histories of 300 coin flips that are right with probability 0.55; level 0.90. The count
    # of hits is binomial: 180 ± 3·√(200·0.9·0.1) = 180 ± 12.7; a bootstrap of few rows is a
    # little too narrow.
    random = np.random.default_rng(7)
    hits = points = 0
    for number in range(200):
        truth = np.where(random.random(300) < 0.5, 1.0, -1.0)
        calls = np.where(random.random(300) < 0.55, truth, -truth)
        resampler = Resampler(300, 1.0, 200, number)
        metric = direction(calls, truth, resampler, 0.90)["accuracy"]
        assert isinstance(metric, Metric)
        assert metric.low is not None
        assert metric.high is not None
        assert metric.value is not None
        hits += metric.low <= 0.55 <= metric.high
        points += metric.low <= metric.value <= metric.high
    assert 163 <= hits <= 193
    assert points == 200


def test_an_interval_carries_its_level_and_a_higher_level_is_wider() -> None:
    random = np.random.default_rng(3)
    calls, realised = random.normal(size=(2, 200))
    resampler = make_resampler(np.stack([calls, realised], axis=1), 500, 0)
    narrow = direction(calls, realised, resampler, 0.8)["f1"]
    wide = direction(calls, realised, resampler, 0.99)["f1"]
    assert isinstance(narrow, Metric)
    assert isinstance(wide, Metric)
    assert (narrow.level, wide.level) == (0.8, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high  # type: ignore[operator]


def test_a_number_that_hardly_any_draw_has_gets_no_interval() -> None:
    # One up call among 200 bars: a third of the draws holds none, and precision 0/0.
    calls = np.full(200, -1.0)
    calls[50] = 1.0
    realised = np.random.default_rng(0).normal(size=200)
    precision = direction(calls, realised, Resampler(200, 1.0, 300, 0), 0.95)["precision"]
    assert isinstance(precision, Metric)
    assert precision.value is not None
    assert (precision.low, precision.high, precision.level) == (None, None, None)


def test_a_row_that_calls_nothing_says_why() -> None:
    result = no_direction("it holds the market")
    assert set(result) == {*NAMES, "coverage", *COUNTS}
    assert all(result[name] == 0 for name in COUNTS)
    assert result["f1"] == Metric(None, "ratio", reason="it holds the market")


# The down class


def score_down(calls: list[float], realised: list[float]) -> dict[str, Metric]:
    return down_class(np.array(calls), np.array(realised), None, 0.95)


def test_the_down_class_of_ten_calls_by_hand() -> None:
    # Called down four times, of which one bar did not go up; three bars did not go up in all.
    calls: list[float] = [1, 2, 0.5, 3, 1, 1, -1, -1, -2, -0.1]
    happened: list[float] = [1, 1, 1, 1, -1, -3, -1, 1, 1, 1]
    result = score_down(calls, happened)
    assert tuple(result) == CLASS
    assert result["precision"].value == pytest.approx(1 / 4)
    assert result["recall"].value == pytest.approx(1 / 3)
    assert result["f1"].value == pytest.approx(2 * 1 / (2 * 1 + 3 + 2))


def test_a_return_of_zero_is_of_the_down_class() -> None:
    result = score_down([-1, 1], [0.0, 1.0])
    assert [result[name].value for name in CLASS] == [1.0, 1.0, 1.0]


def test_abstentions_and_unknown_outcomes_are_of_no_class() -> None:
    result = score_down([-1, -1, 0, NAN, -1], [-1, 1, -1, -1, NAN])
    assert result["precision"].value == pytest.approx(1 / 2)
    assert result["recall"].value == 1.0


@pytest.mark.parametrize(
    ("calls", "realised", "name", "reason"),
    [
        ([1, 1], [1, -1], "precision", "down was never called"),
        ([-1, 1], [1, 1], "recall", "no bar went down"),
        ([1, 1], [1, 1], "f1", "no bar went down and none was called"),
        ([0, NAN], [1, -1], "f1", "no call was made"),
    ],
)
def test_a_number_of_the_down_class_that_does_not_exist_says_why(
    calls: list[float], realised: list[float], name: str, reason: str
) -> None:
    metric = score_down(calls, realised)[name]
    assert (metric.value, metric.reason) == (None, reason)


def test_always_up_has_no_precision_of_the_down_class() -> None:
    result = score_down([1, 1, 1], [1, -1, 1])
    assert (result["precision"].value, result["recall"].value) == (None, 0.0)
    assert result["f1"].value == 0.0


@given(outcomes)
def test_the_down_class_is_that_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    calls, realised = (np.array(side) for side in zip(*pairs, strict=True))
    result = down_class(calls, realised, OneDraw(len(calls)), 0.95)
    used = np.isfinite(realised) & np.isfinite(calls) & (calls != 0)
    for name in CLASS:
        metric = result[name]
        if metric.value is None:
            assert metric.low is None
            continue
        expected = SCORES[name](realised[used] <= 0, calls[used] < 0)
        assert metric.value == pytest.approx(expected)
        assert [metric.low, metric.high] == pytest.approx([expected, expected])


def test_the_down_class_is_the_up_class_of_the_mirrored_market() -> None:
    random = np.random.default_rng(5)
    calls, realised = random.normal(size=(2, 300, 3))
    resampler = Resampler(300, 5.0, 100, 1)
    down = down_class(calls, realised, resampler, 0.9)
    up = direction(-calls, -realised, resampler, 0.9)
    assert down == {name: up[name] for name in CLASS}
    assert down["f1"].low is not None


def test_a_row_without_calls_has_no_down_class_and_says_why() -> None:
    result = no_down_class("it holds the market")
    assert tuple(result) == CLASS
    assert {metric.reason for metric in result.values()} == {"it holds the market"}


# The lead over always saying up


def test_a_lead_over_always_up_by_hand() -> None:
    # Called on four of five bars: up and right, down and right, down and wrong, down and right.
    # 3 of 4 right; always-up is right on 2 of these 4: a lead of 1/4.
    calls = np.array([1.0, -1.0, -1.0, 0.0, -1.0])
    realised = np.array([0.1, -0.1, 0.2, 0.3, -0.2])
    assert lead_over_always_up(calls, realised, None, 0.95).value == pytest.approx(1 / 4)


def test_who_always_says_up_has_no_lead_and_a_sure_one() -> None:
    realised = np.random.default_rng(1).normal(size=200)
    lead = lead_over_always_up(
        np.ones(200), realised, make_resampler(realised[:, None], 100, 0), 0.95
    )
    assert (lead.value, lead.low, lead.high) == (0.0, 0.0, 0.0)


def test_a_lead_is_known_better_than_the_accuracies_it_is_made_of() -> None:
    # Down is said on every tenth bar, and always truly: the lead is the share of those.
    realised = np.random.default_rng(2).normal(size=1000)
    calls = np.ones(1000)
    calls[np.flatnonzero(realised < 0)[::5]] = -1
    resampler = make_resampler(realised[:, None], 200, 0)
    lead = lead_over_always_up(calls, realised, resampler, 0.95)
    assert lead.low is not None
    assert lead.high is not None
    assert lead.value == pytest.approx((calls < 0).mean())
    accuracy = direction(calls, realised, resampler, 0.95)["accuracy"]
    assert isinstance(accuracy, Metric)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert 0 < lead.low < lead.value < lead.high
    assert lead.high - lead.low < accuracy.high - accuracy.low


def test_without_a_call_there_is_no_lead() -> None:
    lead = lead_over_always_up(np.zeros(3), np.ones(3), None, 0.95)
    assert (lead.value, lead.reason) == (None, "no call was made")
