"""The cost at which a lead is used up."""

import numpy as np
import pytest

from cryptobt.metrics.break_even import BPS, OUTLASTS, break_even

NAN = float("nan")
COSTS = np.array([0.0, 10.0, 20.0, 40.0])


def test_between_two_costs_the_lead_falls_along_a_straight_line() -> None:
    # From 0.6 at 10 bps to -0.2 at 20: gone after three quarters of the way
    found = break_even(COSTS, np.array([1.0, 0.6, -0.2, -1.0]))
    assert found.value == pytest.approx(10 + 10 * 0.6 / 0.8)
    assert (found.unit, found.reason) == (BPS, None)


def test_a_lead_of_exactly_nothing_at_a_cost_is_used_up_there() -> None:
    assert break_even(COSTS, np.array([1.0, 0.5, 0.0, -0.5])).value == 20.0


def test_the_first_cost_at_which_it_is_gone_counts() -> None:
    assert break_even(COSTS, np.array([1.0, -1.0, 0.5, -0.5])).value == 5.0


@pytest.mark.parametrize("free", [0.0, -0.1, 1e-15])
def test_what_has_no_lead_without_costs_has_no_break_even(free: float) -> None:
    found = break_even(COSTS, np.array([free, -0.2, -0.3, -0.4]))
    assert (found.value, found.reason) == (None, "nothing is left even without costs")


def test_a_lead_that_no_cost_uses_up_says_so() -> None:
    found = break_even(np.array([0.0, 500.0, 1000.0]), np.array([1.0, 0.9, 0.8]))
    assert (found.value, found.reason) == (None, f"1,000 bps a fill {OUTLASTS}")


def test_costs_at_which_there_is_no_lead_to_see_are_left_out() -> None:
    # From 1 at 0 bps to -1 at 20; at 10 it is not known
    assert break_even(COSTS, np.array([1.0, NAN, -1.0, NAN])).value == 10.0


def test_without_any_lead_to_see_there_is_nothing_to_compare() -> None:
    assert break_even(COSTS, np.full(4, NAN)).reason == "there is nothing to compare"
