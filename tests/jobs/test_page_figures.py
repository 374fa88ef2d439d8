"""Figures of the pages: of the values that were given, and nothing that a strict policy refuses."""

import re
from typing import Any

import pandas as pd
import pytest

from cryptobt.jobs.house import house_script, house_style
from cryptobt.jobs.page_figures import account_figure, growth_figure

DAYS = [f"2026-01-{number:02}T00:00:00Z" for number in range(1, 11)]


def nights(count: int = 10, **more: Any) -> dict[str, list[Any]]:
    usual: dict[str, list[Any]] = {
        "time": DAYS[:count],
        "equity_quote": [100.0 + number for number in range(count)],
        "buy_and_hold_quote": [100.0 - number for number in range(count)],
    }
    return usual | more


def test_an_account_is_drawn_beside_buy_and_hold_with_both_losses() -> None:
    drawn = account_figure("coins", nights())
    assert "account <b>109</b>" in drawn
    assert "buy-and-hold <b>91</b>" in drawn
    assert "loss of buy-and-hold <b>−9.0%</b>" in drawn
    assert "deepest is 0.0%" in drawn


def test_a_figure_has_no_style_attribute_and_no_script_that_runs() -> None:
    grown: dict[str, list[Any]] = {
        "time": DAYS,
        "a": [1.0] * 10,
        "b": [1.0 + n / 10 for n in range(10)],
    }
    for drawn in (account_figure("coins", nights()), growth_figure(grown)):
        assert "style=" not in drawn
        assert set(re.findall(r"<script[^>]*>", drawn)) == {'<script type="application/json">'}


def test_late_nights_are_marked_and_simulated_ones_have_another_ground() -> None:
    late = [number == 3 for number in range(10)]
    unmarked = account_figure("coins", nights(late=[False] * 10, simulated=[False] * 10))
    marked = account_figure("coins", nights(late=late, simulated=late))
    assert unmarked == account_figure("coins", nights())
    assert ("▼" in unmarked, "▼" in marked) == (False, True)
    assert marked.count('fill="var(--red)"') == unmarked.count('fill="var(--red)"') + 1


@pytest.mark.parametrize("count", [0, 1])
def test_one_night_is_no_line(count: int) -> None:
    assert account_figure("coins", nights(count)) == ""
    assert growth_figure({"time": DAYS[:count], "a": [1.0] * count, "b": [1.0] * count}) == ""


def test_an_account_that_owes_is_drawn_on_a_straight_axis() -> None:
    drawn = account_figure("coins", nights(3, equity_quote=[100.0, 20.0, -5.0]))
    assert "account <b>−5</b>" in drawn


def test_a_night_without_a_number_is_left_out() -> None:
    holes = nights(4, buy_and_hold_quote=[100.0, None, float("nan"), 90.0])
    times = [pd.Timestamp(DAYS[k]).timestamp() for k in (0, 3)]
    assert f'"times":[{times[0]:.0f},{times[1] - times[0]:.0f}]' in account_figure("coins", holes)


def test_growth_of_an_account_that_was_lost_is_not_drawn() -> None:
    assert growth_figure({"time": DAYS[:3], "a": [1.0, 0.5, 0.0], "b": [1.0] * 3}) == ""


def test_the_house_style_has_both_the_pages_and_the_figures_and_a_dark_half() -> None:
    style = house_style()
    assert ".verdict" in style
    assert ".plot .ink" in style
    assert "prefers-color-scheme: dark" in style
    assert "document.querySelectorAll" in house_script()
