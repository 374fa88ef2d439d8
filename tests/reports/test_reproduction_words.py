"""How a reproduction's numbers are written: with their unit, and a dash where there is none."""

from typing import Any

import pytest

from cryptobt.reports import reproduction_words as words


def cell(value: float | None, unit: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None, "unit": unit, "reason": None, **more}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4018.654, "USD", "4,019 USD"),
        (12.345, "USDT", "12.35 USDT"),
        (0.39535, "share", "39.53%"),
        (-10.2248, "ratio", "-10.2248"),
        (0.0313, "scaled", "0.0313 scaled"),
        (0.0012866, "MSE of scaled closes", "0.00129 scaled²"),
        (0.043, "MSE of window-relative closes", "0.043 window²"),
        (1.0844, "MSE of returns in σ", "1.08 σ²"),
        (20.0, "epochs", "20 epochs"),
        (12345.0, "fitted numbers", "12,345 weights"),
    ],
)
def test_every_number_has_its_unit(value: float, unit: str, text: str) -> None:
    assert words.cell(cell(value, unit)) == text


def test_an_absent_number_is_a_dash_and_never_0() -> None:
    assert words.cell(cell(None, "USD", reason="it calls a direction")) == "—"
    assert words.claimed({"claim": {"value": None, "unit": "USD"}}) == "—"


def test_a_claim_keeps_its_printed_digits() -> None:
    assert words.claimed({"claim": {"value": 4018.65, "unit": "USD"}}) == "4,018.65 USD"
    row = {"claim": {"value": 0.0012866, "unit": "MSE of scaled closes"}}
    assert words.claimed(row) == "0.0012866 scaled²"
    assert words.claimed({"claim": {"value": "lowest", "unit": "rank"}}) == "lowest"


def test_the_seeds_ends_stand_in_brackets_where_they_differ() -> None:
    assert words.spread(cell(2.0, "ratio", low=1.0, high=3.0)) == "[1.0000, 3.0000]"
    assert words.spread(cell(2.0, "ratio", low=2.0, high=2.0)) == ""
    assert words.spread(cell(2.0, "ratio")) == ""


def test_a_place_is_said_where_the_text_ranks() -> None:
    found = cell(0.001, "MSE of scaled closes", rank=2, of=6)
    assert words.cell(found) == "0.001 scaled² (place 2 of 6)"


def test_claims_fall_into_results_days_and_importances() -> None:
    measures = ["rmse", "actual_on:2025-05-16", "importance:high", "f1"]
    document = {"claims": [{"measure": measure} for measure in measures]}
    groups = words.grouped(document)
    assert [len(rows) for rows in groups.values()] == [2, 1, 1]
    assert list(groups) == ["results", "days", "importance"]
