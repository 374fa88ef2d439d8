"""What may be typed in place of a bar's values, and what is said of the rest."""

import pickle
from typing import Any

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.jobs.edits import EditsError, Field, read_edits, shown

CLOSE = Field("close", "Close", 41235.678912, "41235.7", 100.0, 60000.0, 0.9, "")
RSI = Field("rsi", "RSI", 55.123456789, "55.1235", 10.0, 90.0, 0.6, "")


def read(edits: dict[str, Any], *, priced: bool = True) -> dict[str, float]:
    return read_edits([CLOSE, RSI], edits, priced=priced)


def problem(edits: dict[str, Any]) -> EditsError:
    with pytest.raises(EditsError) as caught:
        read(edits)
    return caught.value


def test_numbers_and_their_texts_are_read() -> None:
    assert read({"close": 40000, "rsi": " 20.5 "}) == {"close": 40000.0, "rsi": 20.5}
    assert read({"close": "4e4", "rsi": "-.5"}) == {"close": 40000.0, "rsi": -0.5}


def test_a_form_sent_back_as_it_was_edits_nothing() -> None:
    assert read({"close": CLOSE.text, "rsi": RSI.text}) == {}
    assert read({"close": repr(CLOSE.value), "rsi": RSI.value}) == {}


@pytest.mark.parametrize(
    "typed", ["", "abc", "nan", "NaN", "inf", "-Infinity", "1_000", "1,5", "0x10", "٣", "1 2", None,
              True, [1.0], float("nan"), "1e"],
)  # fmt: skip
def test_what_is_no_number_is_refused_in_one_line(typed: Any) -> None:
    found = problem({"rsi": typed})
    assert "is not a number; expected one such as 55.1235" in str(found)
    assert str(found).startswith("field 'rsi': ")
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    "typed", [1e308, "1e308", "-1e308", 1e16, float("inf"), "1e999", 10**400, "9" * 10_000]
)
def test_what_is_too_large_is_refused(typed: Any) -> None:
    assert "is too large; expected at most 1e+15 either way" in str(problem({"rsi": typed}))


@pytest.mark.parametrize("typed", ["x" * 10_000, "9" * 10_000, "<script>\n" * 2000])
def test_a_message_repeats_little_of_what_was_typed(typed: str) -> None:
    line = str(problem({"rsi": typed}))
    assert len(line) < 160
    assert "\n" not in line


def test_an_unknown_field_is_named_with_the_nearest_one() -> None:
    assert str(problem({"rsii": "5"})) == "field 'rsii': no such field; did you mean 'rsi'?"
    assert len(str(problem({"y" * 10_000: "5"}))) < 160


def test_a_price_is_above_0_where_the_field_is_the_price() -> None:
    for typed in (0, "-5", "0.0"):
        assert "is no price; expected a number above 0" in str(problem({"close": typed}))
    assert read({"close": -5}, priced=False) == {"close": -5.0}


def test_every_wrong_field_has_its_problem_and_keeps_it_across_processes() -> None:
    found = problem({"close": "many", "rsi": "55.1235", "macd": 1})
    assert list(found.problems) == ["close", "macd"]
    sent = pickle.loads(pickle.dumps(found))
    assert (str(sent), sent.problems) == (str(found), found.problems)
    assert isinstance(sent, UsageError)
    assert sent.exit_code == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(41235.678912, "41235.7"), (1234567.8, "1234570"), (0.000012345678, "0.0000123457"),
     (-0.5, "-0.5"), (3.0, "3"), (0.0, "0")],
)  # fmt: skip
def test_values_are_shown_in_six_digits_without_an_exponent(value: float, text: str) -> None:
    assert shown(value) == text
