"""Where the rules of backtesting.py are not ours, each does what docs/engines.md says."""

import re
from pathlib import Path

import pytest

from .both import Terms
from .examples import EXAMPLES, Both, followed, shown

DOCUMENT = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
ROWS = {
    row[1]: (row[2], row[3])
    for row in re.finditer(r"(?m)\| `(\w+)` \| ([\d,.]+) \| ([\d,.]+) \|$", DOCUMENT)
}
LONG = ("nothing_differs", "slippage_on_both_sides", "funding", "all_there_is", "whole_coins")
SHORT = tuple(name for name in EXAMPLES if name not in LONG)


def example(name: str) -> Both:
    return EXAMPLES[name]()


def test_every_example_is_in_the_document() -> None:
    assert list(ROWS) == list(EXAMPLES)


@pytest.mark.parametrize("name", SHORT)
def test_the_document_has_what_both_engines_give(name: str) -> None:
    assert ROWS[name] == shown(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_the_document_has_what_both_engines_give_in_ten_years(name: str) -> None:
    assert ROWS[name] == shown(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cash_at_sending", "insufficient cash"),
        ("coins_not_held", "sells more than is held (long/flat account)"),
        ("least_order", "below the minimum notional of 10"),
    ],
)
def test_what_ours_refuses_the_other_fills(name: str, reason: str) -> None:
    both = example(name)
    assert both.ours.orders["reason"].iloc[-1] == reason
    assert not any("Broker canceled" in line for line in both.theirs.said)


def test_the_other_refuses_by_a_close_that_ours_does_not_look_at() -> None:
    both = example("margin_by_the_bars_close")
    assert both.ours.orders["status"].tolist() == ["filled", "filled"]
    assert any("insufficient margin" in line for line in both.theirs.said)


def test_ours_closes_a_position_where_the_other_ends_the_run() -> None:
    both = example("ruin")
    assert both.ours.orders["reason"].tolist() == ["", "margin call"]
    assert both.theirs.equity.iloc[-2:].tolist() == [0.0, 0.0]


def test_a_trade_that_is_open_is_no_trade_of_the_other() -> None:
    both = example("first_bar")
    assert both.ours.trades["open"].tolist() == [True]
    assert any("remain open" in line for line in example("least_order").theirs.said)
    assert both.theirs.stats["# Trades"] == 0


@pytest.mark.slow
def test_twice_our_slippage_as_a_spread_costs_what_ours_does_in_a_round_trip() -> None:
    ours, _ = followed(Terms(slippage_bps=5.0)).last()
    _, other = followed(Terms(slippage_bps=5.0), Terms(slippage_bps=10.0)).last()
    assert other == pytest.approx(ours, rel=0.02)
