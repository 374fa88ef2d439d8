"""Errors carry the exit code that the command line gives them."""

import pytest

from cryptobt.core import errors
from cryptobt.core.errors import CryptobtError, did_you_mean

CODES = {
    "CryptobtError": 1,
    "UsageError": 2,
    "DataUnavailableError": 3,
    "DataInvalidError": 4,
    "CannotWriteError": 7,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_an_error_has_its_exit_code(name: str, code: int) -> None:
    error = getattr(errors, name)
    assert error("what went wrong").exit_code == code
    assert str(error("what went wrong")) == "what went wrong"


def test_every_error_is_one_of_ours_and_no_other_code_is_used() -> None:
    ours = [k for k in vars(errors).values() if isinstance(k, type)]
    kinds = {k for k in ours if issubclass(k, CryptobtError)}
    assert {k for k in ours if issubclass(k, Exception)} == kinds
    # 5 and 6 belong to the ledger and the lock, 8 to a failed check, 130 to an interrupt.
    assert {kind.exit_code for kind in kinds} <= {1, 2, 3, 4, 5, 6, 7, 8}


def test_the_nearest_name_is_suggested() -> None:
    assert did_you_mean("momentun", ["sma_trend", "momentum"]) == "did you mean 'momentum'?"


def test_without_a_near_name_all_are_listed_in_order() -> None:
    assert did_you_mean("qqq", ["b", "a"]) == "known: a, b"
