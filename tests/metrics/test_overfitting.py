"""Choosing in one half and looking in the other: by hand, on noise, and where there is skill."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from cryptobt.metrics import overfitting
from cryptobt.metrics.overfitting import Overfitting, probability_of_overfitting

NUMBERS = ("value", "slope", "loss_probability")
seeds = st.integers(0, 2**32 - 1)


def values(found: Overfitting) -> tuple[float, ...]:
    numbers = tuple(getattr(found, name).value for name in NUMBERS)
    assert None not in numbers
    return numbers


def noise(seed: int, bars: int = 640, trials: int = 20) -> np.ndarray:
    return 0.02 * np.random.default_rng(seed).normal(size=(bars, trials))


def blocks_of(*means: list[float]) -> np.ndarray:
    """One column a trial; a block of mean m has the two returns m − 0.01 and m + 0.01."""
    return np.column_stack([np.ravel([[m - 0.01, m + 0.01] for m in trial]) for trial in means])


def in_words_of_the_paper(returns: np.ndarray, blocks: int) -> tuple[float, ...]:
    """The five steps of the paper, split by split, row by row."""
    bars = len(returns) // blocks
    parts = returns[len(returns) - bars * blocks :].reshape(blocks, bars, -1)
    logits, inside, outside = [], [], []
    for chosen in combinations(range(blocks), blocks // 2):
        rest = [block for block in range(blocks) if block not in chosen]
        halves = [np.concatenate(parts[list(half)]) for half in (chosen, rest)]
        first, second = (half.mean(axis=0) / half.std(axis=0, ddof=1) for half in halves)
        best = int(first.argmax())
        omega = stats.rankdata(second)[best] / (returns.shape[1] + 1)
        logits.append(math.log(omega / (1 - omega)))
        inside.append(first[best])
        outside.append(second[best])
    slope = stats.linregress(inside, outside).slope
    return float(np.mean(np.array(logits) <= 0)), slope, float(np.mean(np.array(outside) < 0))


def test_a_trial_that_is_best_in_one_half_and_worst_in_the_other_is_overfitted() -> None:
    # Two blocks, two splits. In the first block trial A wins, and in the second it is last and
    # loses; in the second block B wins, and is last in the first. Ranks 1 of 2: ω = 1/3, λ < 0.
    found = probability_of_overfitting(blocks_of([0.02, -0.01], [-0.02, 0.01]), blocks=2)
    # In and out of sample, both over the same deviation: (0.02, −0.01) and (0.01, −0.02).
    slope = (-0.01 - -0.02) / (0.02 - 0.01)
    assert values(found) == pytest.approx((1.0, slope, 1.0))
    assert (found.trials, found.blocks) == (2, 2)


def test_a_trial_that_is_best_in_both_halves_is_not_overfitted() -> None:
    # Rank 2 of 2 in both splits: ω = 2/3, λ > 0.
    found = probability_of_overfitting(blocks_of([0.03, 0.01], [0.0, -0.01]), blocks=2)
    assert values(found) == pytest.approx((0.0, -1.0, 0.0))


def test_four_blocks_by_hand() -> None:
    # Means of A in the blocks: 4, −1, −1, 2 hundredths; of B 1 in each, and B deviates as little
    # as the blocks themselves. The Sharpe ratio of a half of A with means m and n has the
    # deviation √((4·0.01² + 4·((m−n)/2)²)/3), that of B √(4·0.01²/3) = 0.011547, ratio 0.866.
    # A: blocks 0 and 3, mean 3, ratio 0.03/√((4·1 + 4·1)/3 · 1e-4) = 1.837; 0 with 1 or 2, mean
    # 1.5, ratio 0.015/√((4 + 4·6.25)/3 · 1e-4) = 0.482; 1 and 2 −0.866; 3 with 1 or 2, mean 0.5,
    # ratio 0.005/√((4 + 4·2.25)/3 · 1e-4) = 0.240. So A wins only in 0 and 3, and is then last in
    # 1 and 2; B wins in the five other splits, and is first out of sample but where A has 0 and 3.
    # Two of six splits choose what is last.
    found = probability_of_overfitting(blocks_of([0.04, -0.01, -0.01, 0.02], [0.01] * 4), blocks=4)
    inside = np.array([1.837, *[0.8660] * 5])
    outside = np.array([-0.866, *[0.8660] * 5])
    assert found.value.value == pytest.approx(2 / 6)
    assert found.loss_probability.value == pytest.approx(1 / 6)
    slope = stats.linregress(inside, outside).slope
    assert found.slope.value == pytest.approx(slope, abs=1e-3)


@pytest.mark.parametrize(("bars", "trials", "blocks"), [(64, 5, 8), (67, 4, 6), (40, 2, 4)])
def test_sums_of_blocks_give_what_the_paper_does_row_by_row(
    bars: int, trials: int, blocks: int
) -> None:
    for seed in range(5):
        returns = noise(seed, bars, trials)
        found = values(probability_of_overfitting(returns, blocks))
        assert found == pytest.approx(in_words_of_the_paper(returns, blocks))


def test_where_no_trial_has_skill_the_probability_is_about_one_half() -> None:
    # One history's probability spreads by 0.2 around 0.5, because its splits share their rows: the
    # mean of 40 histories has an error of 0.032, and three of them are 0.1.
    found = [values(probability_of_overfitting(noise(seed)))[0] for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)
    assert np.std(found) > 0.1


def test_a_trial_that_is_truly_better_stays_the_best() -> None:
    # A daily ratio of 0.25 over 320 bars of a half is 4.5 standard errors above the others.
    for seed in range(10):
        returns = noise(seed)
        returns[:, 11] += 0.25 * 0.02
        value, _, loss = values(probability_of_overfitting(returns))
        assert value < 0.02
        assert loss < 0.02


def test_a_trial_whose_luck_turns_is_found_out() -> None:
    # Each trial wins in one block of eight and loses in all others.
    returns = noise(1, 320, 8) - 0.004
    for trial in range(8):
        returns[trial * 40 : (trial + 1) * 40, trial] += 0.05
    value, slope, _ = values(probability_of_overfitting(returns, 8))
    assert value > 0.9
    assert slope < 0


# What must not matter


@given(seeds, st.permutations(range(6)))
@settings(max_examples=30)
def test_the_order_of_the_trials_does_not_matter(seed: int, order: list[int]) -> None:
    returns = noise(seed, 48, 6)
    one = values(probability_of_overfitting(returns, 8))
    other = values(probability_of_overfitting(returns[:, order], 8))
    assert other == pytest.approx(one)


@given(seeds, st.floats(0.01, 100.0))
@settings(max_examples=30)
def test_the_leverage_of_the_trials_does_not_matter(seed: int, leverage: float) -> None:
    returns = noise(seed, 48, 6)
    one = values(probability_of_overfitting(returns, 8))
    assert values(probability_of_overfitting(returns * leverage, 8)) == pytest.approx(one)


@given(seeds)
@settings(max_examples=30)
def test_history_backwards_gives_the_same(seed: int) -> None:
    # The splits are all balanced halves, whichever way they are numbered.
    returns = noise(seed, 48, 6)
    one = values(probability_of_overfitting(returns, 8))
    assert values(probability_of_overfitting(returns[::-1], 8)) == pytest.approx(one)


@given(seeds)
@settings(max_examples=30)
def test_the_same_trials_twice_choose_the_same(seed: int) -> None:
    # Each rank r of N becomes the mean of 2r − 1 and 2r: (2r − ½)/(2N + 1) ≤ ½ for r ≤ N/2 + ½,
    # as r/(N + 1) ≤ ½ is.
    returns = noise(seed, 48, 6)
    one = values(probability_of_overfitting(returns, 8))
    twice = np.repeat(returns, 2, axis=1)
    assert values(probability_of_overfitting(twice, 8)) == pytest.approx(one)


def test_rows_left_over_are_the_oldest() -> None:
    returns = noise(3, 70, 5)
    changed = returns.copy()
    changed[:6] = 9.0
    one, other = (probability_of_overfitting(part, 16) for part in (returns, changed))
    assert values(other) == pytest.approx(values(one))


@pytest.mark.parametrize("cells", [1, 100, 10**9])
def test_splits_in_parts_are_the_splits_at_once(
    monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    returns = noise(4, 64, 5)
    one = values(probability_of_overfitting(returns, 8))
    monkeypatch.setattr(overfitting, "_CELLS", cells)
    assert values(probability_of_overfitting(returns, 8)) == one


def test_sixteen_blocks_are_split_in_all_12870_ways() -> None:
    parts = np.concatenate(list(overfitting._splits(16, 100)))
    assert parts.shape == (math.comb(16, 8), 8) == (12_870, 8)
    assert len(np.unique(parts, axis=0)) == 12_870
    rest = overfitting._rest(parts, 16)
    assert (np.sort(np.hstack([parts, rest]), axis=1) == np.arange(16)).all()


# Where little or nothing varies


@pytest.mark.parametrize("constant", [0.0, 0.1, -0.3])
def test_a_constant_slice_has_sharpe_zero(constant: float) -> None:
    # In both blocks A beats 0, so that B, which never varies, is never chosen; ω = 2/3.
    found = probability_of_overfitting(blocks_of([0.03, 0.01], [0.0, 0.0]), blocks=2)
    flat = blocks_of([0.03, 0.01], [0.0, 0.0])
    flat[:, 1] = constant
    assert values(probability_of_overfitting(flat, 2)) == values(found)


def test_a_slice_that_is_flat_beside_a_wild_one_has_sharpe_zero() -> None:
    # B stands still but for its first block; A loses a little everywhere. In sample B wins with
    # its ratio of 0 where it stands still and A, at −0.866, is behind it.
    returns = blocks_of([-0.01] * 4, [0.5, 0.0, 0.0, 0.0])
    returns[2:, 1] = 0.0
    found = probability_of_overfitting(returns, 4)
    assert values(found)[0] == 0.0
    assert values(found)[2] == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_rounding_does_not_make_a_flat_slice_vary(seed: int) -> None:
    # Its mean is not 0 because of the first block, and does not come off it exactly elsewhere.
    returns = noise(seed, 28, 2)
    returns[7:, 1] = 0.0
    flat = [*combinations(range(1, 4), 2)]
    parts = (returns - returns.mean(axis=0)).reshape(4, 7, 2)
    sums, squares = (np.stack([p[list(c)].sum((0, 1)) for c in flat]) for p in (parts, parts**2))
    found = overfitting._sharpes(sums, squares, 14, returns.mean(axis=0))
    assert (found[:, 1] == 0.0).all()
    assert (found[:, 0] != 0.0).all()


def test_of_trials_that_never_vary_there_is_no_slope() -> None:
    found = probability_of_overfitting(np.zeros((40, 3)), 4)
    # All tie at the middle rank: ω = 1/2.
    assert found.value.value == 1.0
    assert found.loss_probability.value == 0.0
    assert (found.slope.value, found.slope.reason) == (None, "every split chose the same ratio")


@pytest.mark.parametrize(
    ("returns", "blocks", "reason"),
    [
        (np.zeros((100, 1)), 4, "fewer than two trials"),
        (np.zeros((100, 0)), 4, "fewer than two trials"),
        (np.zeros((31, 3)), 16, "31 bars are too few for 16 blocks of at least two"),
        (np.zeros((100, 3)), 5, "5 blocks have no two halves"),
        (np.zeros((100, 3)), 0, "0 blocks have no two halves"),
        (np.full((100, 3), np.nan), 4, "a trial has no return at some bars"),
    ],
)
def test_what_cannot_be_split_says_why(returns: np.ndarray, blocks: int, reason: str) -> None:
    found = probability_of_overfitting(returns, blocks)
    metrics = [getattr(found, name) for name in NUMBERS]
    assert {(metric.value, metric.reason) for metric in metrics} == {(None, reason)}
    assert (found.trials, found.blocks) == (returns.shape[1], blocks)
