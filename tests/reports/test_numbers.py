import pytest

from cryptobt.reports import numbers
from cryptobt.reports.numbers import Measure


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5213, "52.1%"), (-0.3524, "-35.2%"), (12.5, "1,250.0%"), (None, "—"), (-0.0001, "0.0%")],
)
def test_a_fraction_is_written_as_per_cent(value: float | None, expected: str) -> None:
    assert numbers.format_percent(value) == expected


def test_amounts_lose_their_cents_and_keep_their_thousands() -> None:
    assert numbers.format_amount(1234.56) == "1,235"
    assert numbers.format_amount(None) == "—"


def test_an_absent_metric_keeps_its_reason() -> None:
    metrics = {"rows": {"strategy": {"performance": {"sharpe": {"value": None, "reason": "flat"}}}}}
    found = numbers.performance(metrics, "strategy", "sharpe")
    assert found.value is None
    assert found.reason == "flat"


@pytest.mark.parametrize("broken", [None, float("nan"), float("inf"), "0.5", True])
def test_what_is_no_finite_number_is_absent(broken: object) -> None:
    assert numbers.measure({"a": {"value": broken}}, "a").value is None
    assert numbers.measure({"a": broken}, "a").value is None


def test_a_missing_row_is_absent_instead_of_an_error() -> None:
    for metrics in ({}, {"rows": None}, {"rows": {"strategy": None}}):
        assert numbers.direction(metrics, "strategy", "accuracy").value is None


def test_costs_are_the_sum_of_the_kinds_that_are_known() -> None:
    kinds = {"fees_quote": {"value": 10.0}, "slippage_quote": {"value": 5.0}, "funding_quote": None}
    metrics = {"rows": {"strategy": {"performance": kinds}}}
    assert numbers.costs(metrics, "strategy").value == 15.0
    assert numbers.costs({}, "strategy").value is None


def test_an_interval_with_one_end_is_no_interval() -> None:
    assert numbers.format_interval(Measure(1.0, low=0.5), numbers.format_ratio) == ""
    assert numbers.format_interval(Measure(1.0, 0.5, 1.5), numbers.format_ratio) == "[0.50, 1.50]"


def test_symbols_keep_their_order_and_stand_once() -> None:
    assert numbers.symbols({"symbols": ["B", "A", "B"]}) == ["B", "A"]
    assert numbers.symbols({}) == []


def test_a_symbol_without_numbers_is_absent_instead_of_an_error() -> None:
    assert numbers.symbol_costs({}, "B").value is None
    assert numbers.day_of({"per_symbol": {"B": {"joined": None}}}, "B", "joined") is None


def test_costs_of_a_symbol_are_fees_and_slippage() -> None:
    paid = {"fees_quote": {"value": 10.0}, "slippage_quote": {"value": 5.0}}
    assert numbers.symbol_costs({"per_symbol": {"B": {"account": paid}}}, "B").value == 15.0


def test_a_long_name_is_cut_and_a_short_one_is_not() -> None:
    assert numbers.short_name("abcdef", 4) == "abc…"
    assert numbers.short_name("abcd", 4) == "abcd"
