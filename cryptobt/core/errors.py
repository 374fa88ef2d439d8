"""Every error a user can meet, each with the exit code that the command line gives it."""

import difflib
from collections.abc import Iterable


class CryptobtError(Exception):
    """Base of all errors that are explained in one line instead of a traceback."""

    exit_code = 1


class UsageError(CryptobtError):
    """A missing file, an unknown name, or a setting that cannot be used."""

    exit_code = 2


class DataUnavailableError(CryptobtError):
    """A vendor cannot be reached, refuses, or has nothing to give."""

    exit_code = 3


class SourceUnreachableError(DataUnavailableError):
    """No connection to a vendor: no network, no name, no answer in time."""


class SourceRefusedError(DataUnavailableError):
    """A vendor answers that it will not: no key, no right, a fault of its own."""


class RateLimitedError(DataUnavailableError):
    """A vendor was asked too often."""


class UnknownSymbolError(DataUnavailableError):
    """A vendor does not know the symbol."""


class NoDataError(DataUnavailableError):
    """A vendor knows the symbol and has nothing of it."""


class MalformedAnswerError(DataUnavailableError):
    """A vendor's answer is not what it documents."""


class DataInvalidError(CryptobtError):
    """Rows that contradict what a market can do, or too few of them."""

    exit_code = 4


class LedgerError(CryptobtError):
    """A ledger is damaged, or what a paper account recorded is not what a replay gives."""

    exit_code = 5


class LockHeldError(CryptobtError):
    """Another process works on the same files."""

    exit_code = 6


class CannotWriteError(CryptobtError):
    """The disk is full, read-only, or the path is not ours to write."""

    exit_code = 7


class CheckFailedError(CryptobtError):
    """What was checked does not do what it has to."""

    exit_code = 8


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name nearest to a misspelt one, or list them all.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        ``did you mean 'x'?`` or ``known: a, b, c``.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else "known: " + ", ".join(names)
