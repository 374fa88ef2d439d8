"""When a vendor is asked again, and what it may ask of us."""

import email.utils
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.errors import CryptobtError, SourceUnreachableError
from cryptobt.data.sources.patience import Patience, Setback, patiently, retry_after

from ..loopback import HASTY, Pauses

AT = "Sun, 10 Mar 2024 09:30:00 GMT"


def waits(patience: Patience, **setback: float | bool) -> list[float]:
    """Ask a vendor that never answers; return the waits."""
    pauses = Pauses()
    never = Setback(SourceUnreachableError("no"), **({"again": True} | setback))  # type: ignore[arg-type]
    with pytest.raises(SourceUnreachableError, match="no"):
        patiently(lambda _: never, replace(patience, sleep=pauses))
    return pauses


def test_an_answer_is_returned_and_nothing_is_waited_for() -> None:
    pauses = Pauses()
    assert patiently(lambda _: "answer", replace(HASTY, sleep=pauses)) == "answer"
    assert pauses == []


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    patience = Patience(total_seconds=1000, attempts=6, longest_wait_seconds=4)
    for wait, most in zip(waits(patience), [1, 2, 4, 4, 4], strict=True):
        assert most / 2 <= wait <= most
    assert waits(patience) != waits(patience)


def test_what_will_not_pass_is_not_asked_again() -> None:
    assert waits(HASTY, again=False) == []


def test_tries_and_waits_stay_within_the_time_in_all() -> None:
    # the first two waits are 3 s at most, the first three 3.5 s at least
    assert len(waits(Patience(total_seconds=3.4))) == 2


def test_each_try_is_told_what_is_left() -> None:
    told: list[float] = []

    def ask(left: float) -> Setback:
        told.append(left)
        return Setback(CryptobtError("no"), again=True, retry_after=2.0)

    with pytest.raises(CryptobtError):
        patiently(ask, replace(HASTY, total_seconds=5.5))
    assert [round(left, 1) for left in told] == [5.5, 3.5, 1.5]


def test_a_wait_that_is_wanted_is_kept_up_to_the_longest() -> None:
    patience = Patience(total_seconds=1000, attempts=2)
    assert waits(patience, retry_after=0.0) == [0.0]
    assert waits(patience, retry_after=60.0) == [60.0]
    assert waits(patience, retry_after=60.1) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("Sun, 10 Mar 2024 09:30:17 GMT", 17.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Thu, 99 Foo 2026 00:00:00 GMT", None),
        ("", None),
    ],
)
def test_a_wish_to_wait_is_read(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header, "Date": AT}) == seconds


def test_a_date_without_the_vendors_clock_is_no_wish() -> None:
    until = email.utils.formatdate(usegmt=True)
    assert retry_after({"Retry-After": until}) is None
    assert retry_after({}) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_wish_to_wait_is_seconds_or_none(text: str, date: str) -> None:
    wish = retry_after({"Retry-After": text, "Date": date})
    assert wish is None or wish >= 0
