"""Many models at once: what is found, how often by luck, and what arch does that surprises."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import MCS, SPA, StepM

from cryptobt.metrics.metric import Metric
from cryptobt.metrics.superiority import (
    ConfidenceSet,
    Superiority,
    model_confidence_set,
    superiority,
)

NAMES = list("abcd")


def losses_of(seed: int, rows: int = 300, leads: tuple[float, ...] = (0.0,) * 4) -> pd.DataFrame:
    drawn = 1 + np.random.default_rng(seed).normal(size=(rows, len(leads)))
    return pd.DataFrame(drawn - np.array(leads), columns=NAMES[: len(leads)])


def base_of(seed: int, rows: int = 300) -> np.ndarray:
    return 1 + np.random.default_rng(10_000 + seed).normal(size=rows)


def ask(losses: pd.DataFrame, benchmark: np.ndarray, **options: Any) -> Superiority:
    chosen: dict[str, Any] = {"block_bars": 2.0, "draws": 200, "seed": 1} | options
    return superiority(losses, benchmark, **chosen)


def ask_set(losses: pd.DataFrame, **options: Any) -> ConfidenceSet:
    chosen: dict[str, Any] = {"block_bars": 2.0, "draws": 200, "seed": 1} | options
    return model_confidence_set(losses, **chosen)


def number(metric: Metric) -> float:
    assert metric.value is not None
    assert metric.unit == "probability"
    return metric.value


# Superior predictive ability


def test_models_that_are_better_are_found_and_others_are_not() -> None:
    # A lead of 0.5 with a deviation of √2 over 300 rows is 6 standard errors.
    found = ask(losses_of(1, leads=(0.5, 0.0, 0.6, -0.5)), base_of(1))
    assert found.superior == ("a", "c")
    assert number(found.p_value) < 0.01


def test_where_no_model_is_better_one_is_seldom_found() -> None:
    # 100 times at a level of 0.90: 10 ± 3·√(100·0.1·0.9) = 10 ± 9.
    found = [ask(losses_of(seed), base_of(seed), level=0.9, seed=seed) for seed in range(100)]
    assert sum(number(one.p_value) < 0.1 for one in found) <= 19
    assert sum(len(one.superior) > 0 for one in found) <= 19


def test_choosing_the_best_of_many_is_paid_for() -> None:
    # One model at 2.4 standard errors; beside 19 without skill it is no longer remarkable.
    losses = losses_of(4, leads=(0.2,))
    many = losses.join(
        pd.DataFrame(np.random.default_rng(9).normal(1, 1, (300, 19))).add_prefix("x")
    )
    base = base_of(4)
    assert number(ask(losses, base).p_value) < number(ask(many, base).p_value)


def test_the_three_probabilities_are_ordered() -> None:
    # The last two are surely worse: only the upper bound reckons with them.
    found = ask(losses_of(9, leads=(0.1, -0.05, -0.3, -0.6)), base_of(9))
    assert number(found.p_lower) < number(found.p_value) < number(found.p_upper)


def test_a_model_that_is_worse_is_superior_at_no_level() -> None:
    assert ask(losses_of(1) + 0.5, base_of(1), level=0.2).superior == ()


def test_where_every_model_is_worse_nothing_speaks_against_the_benchmark() -> None:
    found = ask(losses_of(1) + 5, base_of(1))
    assert (number(found.p_value), found.superior) == (1.0, ())


def test_a_model_scaled_in_other_units_is_judged_the_same() -> None:
    # A wild model beside a calm one that is surely better: raw, the wild one decides.
    random = np.random.default_rng(3)
    base = np.zeros(300)
    losses = pd.DataFrame({"calm": random.normal(-0.5, 1, 300), "wild": random.normal(0, 100, 300)})
    assert ask(losses, base).superior == ("calm",)
    raw = SPA(base, losses, 2, 200, seed=1)
    raw.compute()
    assert raw.pvalues["consistent"] > 0.1


def test_the_same_seed_gives_the_same_and_another_seed_other_draws() -> None:
    losses, base = losses_of(2, leads=(0.1,) * 4), base_of(2)
    assert ask(losses, base) == ask(losses, base)
    found = {ask(losses, base, seed=seed).p_value.value for seed in range(5)}
    assert len(found) > 1


def test_a_row_that_is_not_known_everywhere_is_left_out() -> None:
    losses, base = losses_of(2, leads=(0.1,) * 4), base_of(2)
    whole = ask(losses.iloc[2:], base[2:])
    losses.loc[0, "b"] = np.nan
    base[1] = np.nan
    assert ask(losses, base) == whole


def test_a_model_that_is_the_benchmark_itself_is_no_rival() -> None:
    losses, base = losses_of(2, leads=(0.5,) * 4), base_of(2)
    with_it = losses.assign(itself=base)
    assert ask(with_it, base) == ask(losses, base)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        (losses_of(1, rows=19), "fewer than 20 losses"),
        (pd.DataFrame({"a": base_of(0), "b": base_of(0)}), "every model makes the losses of the "),
        (pd.DataFrame({"a": base_of(0) - 1}), "the lead of a is the same at all times"),
    ],
)
def test_models_that_cannot_be_tested_say_why(losses: pd.DataFrame, reason: str) -> None:
    found = ask(losses, base_of(0)[: len(losses)])
    assert found.superior == ()
    for metric in (found.p_value, found.p_lower, found.p_upper):
        assert metric.value is None
        assert metric.reason is not None
        assert metric.reason.startswith(reason)


# Model confidence set


def test_the_set_holds_the_best_and_what_cannot_be_told_from_it() -> None:
    found = ask_set(losses_of(1, leads=(0.5, 0.5, 0.0, -0.5)))
    assert found.members == ("a", "b")
    assert number(found.p_values["d"]) < 0.01
    assert max(number(metric) for metric in found.p_values.values()) == 1.0


def test_the_set_seldom_misses_the_best() -> None:
    # At a level of 0.90 the best of four, by a hair, is missed in at most 10 of 100 cases, which
    # may by chance be 10 + 3·√(100·0.1·0.9) = 19.
    missed = sum(
        "a" not in ask_set(losses_of(seed, leads=(0.01, 0.0, 0.0, 0.0)), level=0.9).members
        for seed in range(100)
    )
    assert missed <= 19


def test_models_with_the_same_losses_share_one_fate() -> None:
    losses = losses_of(1, leads=(0.5, 0.5, 0.0, -0.5))
    alone = ask_set(losses)
    twins = ask_set(losses.assign(again=losses["a"], also=losses["d"]))
    assert twins.members == (*alone.members, "again")
    assert twins.p_values["again"] == alone.p_values["a"]
    assert twins.p_values["also"] == alone.p_values["d"]


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        (losses_of(1, rows=19), "fewer than 20 losses"),
        (losses_of(1, leads=(0.0,)), "every model makes the same losses"),
        (
            pd.DataFrame({"a": base_of(0), "b": base_of(0) + 1}),
            "the losses of a and b differ by the same amount at all times",
        ),
    ],
)
def test_a_set_that_cannot_be_made_holds_all_and_says_why(
    losses: pd.DataFrame, reason: str
) -> None:
    found = ask_set(losses)
    assert found.members == tuple(losses)
    assert {metric.reason for metric in found.p_values.values()} == {reason}


# What arch does that surprises


def test_arch_does_not_divide_by_the_deviation_though_it_studentizes() -> None:
    losses, base = losses_of(2, leads=(0.1,) * 4), base_of(2)
    found = []
    for studentize in (True, False):
        test = SPA(base, losses, 2, 200, studentize=studentize, seed=1)
        test.compute()
        found.append(test.pvalues.tolist())
    assert found[0] == found[1]


def test_arch_calls_a_model_that_is_the_benchmark_superior_to_it() -> None:
    test = SPA(base_of(0), base_of(0)[:, None], 2, 100, seed=1)
    test.compute()
    assert test.pvalues["consistent"] == 0.0


def test_arch_has_doubts_where_every_model_is_far_worse() -> None:
    test = SPA(base_of(1), losses_of(1) + 5, 2, 200, seed=1)
    test.compute()
    assert test.pvalues["consistent"] < 0.9


def test_arch_fails_where_all_models_are_superior_in_two_steps() -> None:
    # The second, at 4 standard errors of its own, shows only when the wild first one is gone.
    random = np.random.default_rng(3)
    losses = np.column_stack([random.normal(-30, 100, 300), random.normal(-0.3, 1, 300)])
    test = StepM(np.zeros(300), losses, 0.05, 2, 200, seed=1)
    with pytest.raises(ValueError, match="zero-size array"):
        test.compute()


def test_a_model_that_shows_only_beside_no_better_one_is_found_in_a_second_step() -> None:
    # The second is at 1.8 standard errors: below the 1.96 that one of two must pass by luck in
    # 5 of 100 cases, above the 1.64 that one alone must.
    drawn = np.random.default_rng(3).normal(size=(300, 2))
    scaled = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0, ddof=1)
    losses = pd.DataFrame(scaled - np.array([10.0, 1.8]) / 300**0.5, columns=["a", "b"])
    first = SPA(np.zeros(300), losses, 1, 2000, seed=1)
    first.compute()
    assert first.better_models(0.05).tolist() == [0]
    assert ask(losses, np.zeros(300), block_bars=1.0, draws=2000).superior == ("a", "b")


def test_arch_fails_on_models_with_the_same_losses() -> None:
    losses = losses_of(1)
    test = MCS(losses.assign(again=losses["a"]), 0.05, 100, 2, seed=1)
    with np.errstate(invalid="ignore"), pytest.raises(IndexError):
        test.compute()
