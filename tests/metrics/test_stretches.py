import numpy as np
import pytest

from cryptobt.metrics.stretches import growth_range, stretch_ranges


def test_stretches_of_a_hand_worked_account() -> None:
    # Ten bars up by 10 %, ten down by 10 %, ten still: every stretch of five of the ups has no
    # loss, every one of the downs loses 1 - 0.9 ** 5 = 40.951 %, and most others something between.
    returns = np.repeat([0.1, -0.1, 0.0], 10)
    found = stretch_ranges(returns, 5, 365.0, 0.0, 0.999)
    assert found["max_drawdown"].low == pytest.approx(-0.40951, abs=1e-4)
    assert found["max_drawdown"].high == 0.0
    assert found["volatility"].low == 0.0
    # The most that five returns of 0.1 and -0.1 vary is 3 of one and 2 of the other.
    most = np.std([0.1, 0.1, 0.1, -0.1, -0.1], ddof=1) * np.sqrt(365)
    assert found["volatility"].high == pytest.approx(most)


def test_the_sharpe_ratio_of_a_stretch_is_that_of_an_account() -> None:
    returns = np.tile([0.01, -0.02, 0.03, 0.00, 0.01], 6)
    found = stretch_ranges(returns, 5, 365.0, 0.0, 0.9)["sharpe"]
    # Each stretch holds the same five returns: mean 0.006.
    ratio = 0.006 / np.std([0.01, -0.02, 0.03, 0.0, 0.01], ddof=1) * np.sqrt(365)
    assert (found.low, found.value, found.high) == pytest.approx((ratio, ratio, ratio))


@pytest.mark.parametrize(
    ("bars", "reason"),
    [(4, "fewer than 5 returns"), (8, "the backtest is not 4 times as long")],
)
def test_what_is_too_short_has_a_reason(bars: int, reason: str) -> None:
    found = stretch_ranges(np.full(30, 0.01), bars, 365.0, 0.0, 0.95)
    assert {metric.reason for metric in found.values()} == {reason}


def test_an_account_that_never_moved_has_no_sharpe_ratio_to_expect() -> None:
    found = stretch_ranges(np.zeros(40), 5, 365.0, 0.0, 0.95)
    assert found["sharpe"].reason == "the account hardly moved"
    assert found["max_drawdown"].low == 0.0


def test_a_lost_account_has_no_stretches() -> None:
    returns = np.append(np.full(39, 0.01), -1.0)
    assert stretch_ranges(returns, 5, 365.0, 0.0, 0.95)["sharpe"].value is None
    assert np.isnan(growth_range(returns, 5, 0.95)[1:]).all()


def test_growth_begins_at_one_and_ends_where_there_are_too_few_stretches() -> None:
    found = growth_range(np.full(20, 0.01), 8, 0.95)
    assert found[0].tolist() == [1.0, 1.0]
    # Every stretch of k bars grew by 1.01 ** k; of 20 bars, stretches of up to 5 are known.
    assert found[5] == pytest.approx([1.01**5, 1.01**5])
    assert np.isnan(found[6:]).all()
