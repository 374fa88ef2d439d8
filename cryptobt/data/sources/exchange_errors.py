"""What comes of asking an exchange through ccxt: its errors as ours, and answers in short time."""

import time
from typing import Any

import requests
from requests import exceptions
from urllib3 import exceptions as inner

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.data.sources.http import read_body
from cryptobt.data.sources.patience import Answered, Patience, Setback

_RATE_LIMITED = frozenset((418, 429))
_ELSE = "try again later, or use another source, --csv FILE or --source sample"

# By name, so that nothing of ccxt is imported here; of several the nearest ancestor counts.
_KINDS: dict[str, type[CryptobtError]] = {
    "BaseError": SourceRefusedError,
    "BadSymbol": UnknownSymbolError,
    "ContractUnavailable": UnknownSymbolError,
    "NotSupported": UsageError,
    "InvalidProxySettings": UsageError,
    "ExchangeClosedByUser": SourceUnreachableError,
    "NetworkError": SourceUnreachableError,
    "DDoSProtection": RateLimitedError,
    "RateLimitExceeded": RateLimitedError,
    "ExchangeNotAvailable": SourceRefusedError,
    "InvalidNonce": SourceRefusedError,
    "ChecksumError": MalformedAnswerError,
    "BadResponse": MalformedAnswerError,
    # of requests: ccxt gives no class of its own to these causes
    "SSLError": SourceUnreachableError,
    "InvalidJSONError": MalformedAnswerError,
}
_CAUSES = frozenset(("SSLError", "InvalidJSONError"))


def setback(error: Exception, name: str, what: str, answered: Answered) -> Setback:
    """Say what an error of ccxt means, and whether it may pass."""
    ours = explain(error, name, what, answered)
    return Setback(ours, _may_pass(ours, error, answered.status), answered.retry_after)


def explain(error: Exception, name: str, what: str, answered: Answered) -> CryptobtError:
    """Tell an error of ccxt, or of a parser that ccxt lets through, as one of ours, in one line.

    Parameters
    ----------
    error : Exception
        As it left ccxt.
    name : str
        Of the source.
    what : str
        That was asked for, such as ``BTC/USDT 1d``.
    answered : Answered
        What the transport saw last.
    """
    kind = _kind(error, answered.status)
    status = f"HTTP status {answered.status}: " if answered.status >= 400 else ""
    why = f"({status}{type(error).__name__}: {one_line(error)})"
    if kind is SourceUnreachableError:
        return kind(f"{name} cannot be reached {why}; {_ELSE}")
    if kind is RateLimitedError:
        return kind(f"{name}: too many requests for now{answered.wish} {why}; {_ELSE}")
    if kind is UnknownSymbolError:
        return kind(f"{name} does not know {what} {why}; check the symbol (such as BTC/USDT)")
    if kind is UsageError:
        return kind(f"{name} cannot be asked for {what} {why}; use another exchange")
    if kind is MalformedAnswerError:
        return kind(f"{name}: the answer for {what} is not understood {why}; {_ELSE}")
    return kind(f"{name} refuses {what} {why}; {_ELSE}")


def _kind(error: Exception, status: int) -> type[CryptobtError]:
    if status in _RATE_LIMITED:
        return RateLimitedError
    cause = error.__cause__
    names = [kind.__name__ for kind in type(cause).__mro__] if cause else []
    told = next((name for name in names if name in _CAUSES), None)
    if told:
        return _KINDS[told]
    # what is no error of ccxt comes from its parsers, which trust the exchange
    ours = (_KINDS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _KINDS)
    return next(ours, MalformedAnswerError)


def one_line(text: object) -> str:
    """Make what a vendor wrote fit for a terminal: one line, printable, 200 characters."""
    words = " ".join(str(text).split())
    return "".join(letter for letter in words if letter.isprintable())[:200]


def is_bad_request(error: CryptobtError) -> bool:
    """Whether the exchange refuses what was asked for, rather than us or the symbol."""
    return type(error.__cause__).__name__ == "BadRequest"


def _may_pass(ours: CryptobtError, error: Exception, status: int) -> bool:
    if isinstance(ours, SourceUnreachableError | RateLimitedError):
        return True
    # ccxt's word for what may pass; it gives it to every unknown status of 4xx too
    failed = any(kind.__name__ == "OperationFailed" for kind in type(error).__mro__)
    return isinstance(ours, SourceRefusedError) and (status >= 500 or (failed and status < 400))


class ImpatientSession(requests.Session):
    """Notes each status, ends an answer that drips or is too large, and wants JSON.

    A timeout of requests is between two bytes only: all of an answer may take three times as
    long, since a list of markets is megabytes. And ccxt takes a page of HTML for bars.
    """

    def __init__(self, patience: Patience, answered: Answered) -> None:
        super().__init__()
        self._patience, self._answered = patience, answered

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """Ask as the parent does, and read all of the answer."""
        until = time.monotonic() + 3 * self._patience.read_seconds
        options["stream"] = True
        with super().request(*args, **options) as answer:
            self._answered.note(answer)
            answer._content = self._body(answer, until)
            # else the connection would be closed, and each page begin with another
            answer._content_consumed = True
        if answer.ok and not _is_json(answer):
            raise exceptions.InvalidJSONError(f"no JSON: {answer.content[:100]!r}")
        return answer

    def _body(self, answer: requests.Response, until: float) -> bytes:
        most = self._patience.max_bytes
        try:
            body = read_body(answer, most, until)
        except TimeoutError as error:
            raise requests.ReadTimeout("the answer only drips") from error
        except inner.DecodeError as error:
            raise exceptions.InvalidJSONError(error) from error
        except inner.HTTPError as error:
            raise requests.ConnectionError(error) from error
        if len(body) > most:
            raise exceptions.InvalidJSONError(f"more than {most} bytes")
        return body


def _is_json(answer: requests.Response) -> bool:
    # ccxt would take a bare word or number letter by letter
    if answer.content.lstrip()[:1] not in (b"[", b"{"):
        return False
    try:
        answer.json()
    except (ValueError, RecursionError):
        return False
    return True
