"""Two accounts side by side: each as it is measured alone, and the difference between them."""

import numpy as np
import pytest

from cryptobt.metrics.bootstrap import make_resampler
from cryptobt.metrics.pair import PAIRED, paired_performance
from cryptobt.metrics.performance import sharpe, sharpe_difference


def drawn(seed: int, bars: int = 400, mean: float = 0.0005) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.02, bars)


def test_two_short_accounts_are_worked_by_hand() -> None:
    ours, theirs = np.array([0.10, -0.20]), np.array([0.05, 0.05])
    found = paired_performance(ours, theirs, None, 365.0, 0.0, 0.95)
    # 1.1 · 0.8 = 0.88; 1.05² = 1.1025; a year holds 365 / 2 such stretches
    assert found["total_return"].ours.value == pytest.approx(-0.12)
    assert found["total_return"].theirs.value == pytest.approx(0.1025)
    assert found["total_return"].difference.value == pytest.approx(-0.2225)
    assert found["cagr"].ours.value == pytest.approx(0.88 ** (365 / 2) - 1)
    # of 0.1 and −0.2: mean −0.05, deviation 0.3 / √2
    deviation = 0.3 / np.sqrt(2)
    assert found["sharpe"].ours.value == pytest.approx(-0.05 / deviation * np.sqrt(365))
    assert found["volatility"].ours.value == pytest.approx(deviation * np.sqrt(365))
    # the highest is 1.1, the lowest after it 0.88; the other never falls
    assert found["max_drawdown"].ours.value == pytest.approx(-0.2)
    assert found["max_drawdown"].theirs.value == 0


def test_a_first_loss_is_a_drawdown() -> None:
    returns = np.array([-0.5, 0.1])
    assert paired_performance(returns, returns, None, 365.0, 0.0, 0.95)[
        "max_drawdown"
    ].ours.value == pytest.approx(-0.5)


def test_returns_that_do_not_vary_have_no_sharpe_ratio_and_no_difference_in_it() -> None:
    found = paired_performance(drawn(1), np.full(400, 0.001), None, 365.0, 0.0, 0.95)["sharpe"]
    assert found.ours.value is not None
    assert (found.theirs.value, found.difference.value) == (None, None)
    assert found.theirs.reason == found.difference.reason == "returns do not vary"


def test_an_account_that_was_lost_has_no_growth_and_fell_by_all() -> None:
    lost = drawn(1)
    lost[200] = -1.0
    found = paired_performance(lost, drawn(2), None, 365.0, 0.0, 0.95)
    for name in ("sharpe", "cagr", "total_return"):
        assert found[name].ours.value is None
        assert found[name].ours.reason == found[name].difference.reason == "the account was lost"
    assert found["max_drawdown"].ours.value == -1


def test_sharpe_ratios_and_their_difference_are_those_of_a_run() -> None:
    ours, theirs = drawn(1), drawn(2, mean=0.0)
    resampler = make_resampler(np.column_stack([ours, theirs]), 200, 0)
    found = paired_performance(ours, theirs, resampler, 365.0, 0.02, 0.9)["sharpe"]
    assert found.ours.value == pytest.approx(sharpe(ours, 365.0, 0.02), rel=1e-12)
    expected = sharpe_difference(ours, theirs, resampler, 365.0, 0.02, 0.9)
    for part in ("value", "low", "high", "level"):
        assert getattr(found.difference, part) == pytest.approx(getattr(expected, part), rel=1e-9)


def test_what_both_share_cancels_out_of_the_difference() -> None:
    shared = drawn(1)
    ours = shared + 0.001
    resampler = make_resampler(np.column_stack([ours, shared]), 500, 0)
    found = paired_performance(ours, shared, resampler, 365.0, 0.0, 0.95)["sharpe"]
    # 0.001 a bar over a deviation of about 0.02 is 0.05 · √365 = 0.96 whatever was drawn; either
    # ratio alone has an interval of about ± 1.96 · √365 / √400 = ± 1.9
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert found.ours.low is not None
    assert found.ours.high is not None
    assert 0.8 < found.difference.low < found.difference.high < 1.3
    assert found.ours.high - found.ours.low > 2.5


def test_an_account_compared_with_itself_differs_by_nothing() -> None:
    returns = drawn(3)
    resampler = make_resampler(returns[:, None], 100, 0)
    found = paired_performance(returns, returns, resampler, 365.0, 0.0, 0.95)
    for name in PAIRED:
        one = found[name].difference
        assert (one.value, one.low, one.high) == (0.0, 0.0, 0.0), name
