"""What comes of asking an exchange through ccxt: its errors as ours, pauses, and a short wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)

_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 30
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


@dataclass
class Answered:
    """What the transport saw of the latest request: 0 where no answer came."""

    status: int = 0
    retry_after_seconds: float = 0.0


@dataclass(frozen=True)
class Patience:
    """How long one question is asked again: ``seconds`` in all, waited by ``sleep``."""

    seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep


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
        wait = answered.retry_after_seconds
        asked = f", it asks to wait {wait:.0f} s" if wait else ""
        return kind(f"{name}: too many requests for now{asked} {why}; {_ELSE}")
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


def retry_after(headers: Any) -> float:
    """Read how many seconds an answer asks to wait, written as seconds or as a date; 0 if not."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        # by the vendor's own clock, whatever ours says
        wait = (until - parsedate_to_datetime(str(headers.get("Date", "")))).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return max(wait, 0.0)


def is_bad_request(error: CryptobtError) -> bool:
    """Whether the exchange refuses what was asked for, rather than us or the symbol."""
    return type(error.__cause__).__name__ == "BadRequest"


def patiently(
    call: Callable[[], Any],
    told: Callable[[Exception], CryptobtError],
    answered: Answered,
    patience: Patience,
) -> Any:
    """Ask until there is an answer, an error that will not pass, or no patience left.

    The pauses double from one second, with jitter, or are as long as the exchange asks for. A
    pause that would go beyond the patience is not begun.

    Raises
    ------
    CryptobtError
        The last one, as ``told`` tells it.
    """
    import tenacity

    def once() -> Any:
        answered.status, answered.retry_after_seconds = 0, 0.0
        try:
            return call()
        except Exception as error:
            raise told(error) from error

    jitter = tenacity.wait_exponential_jitter(max=_LONGEST_PAUSE_SECONDS)

    def pause(state: tenacity.RetryCallState) -> float:
        return max(jitter(state), answered.retry_after_seconds)

    def enough(state: tenacity.RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        return state.attempt_number >= _ATTEMPTS or waited > patience.seconds

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: _may_pass(error, answered.status)),
        wait=pause,
        stop=enough,
        sleep=patience.sleep,
        reraise=True,
    )(once)


def _may_pass(error: BaseException, status: int) -> bool:
    if isinstance(error, SourceUnreachableError | RateLimitedError):
        return True
    # ccxt's word for what may pass; it gives it to every unknown status of 4xx too
    failed = any(kind.__name__ == "OperationFailed" for kind in type(error.__cause__).__mro__)
    return isinstance(error, SourceRefusedError) and (status >= 500 or (failed and status < 400))


def impatient_session(seconds: float, answered: Answered) -> Any:
    """Make a session that notes each status, ends an answer that drips, and wants JSON.

    A timeout of requests is between two bytes only: all of an answer may take three times as
    long, since a list of markets is megabytes. And ccxt takes a page of HTML for bars.
    """
    import requests
    import urllib3

    def body(answer: requests.Response, until: float) -> bytes:
        parts: list[bytes] = []
        try:
            while part := answer.raw.read1(1 << 16, decode_content=True):
                parts.append(part)
                if time.monotonic() > until:
                    raise requests.ReadTimeout("the answer only drips")
        except urllib3.exceptions.DecodeError as error:
            raise requests.exceptions.InvalidJSONError(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
        return b"".join(parts)

    class ImpatientSession(requests.Session):
        def request(self, *args: Any, **options: Any) -> requests.Response:
            until = time.monotonic() + 3 * seconds
            options["stream"] = True
            with super().request(*args, **options) as answer:
                answered.status = answer.status_code
                answered.retry_after_seconds = retry_after(answer.headers)
                answer._content = body(answer, until)
                # else the connection would be closed, and each page begin with another
                answer._content_consumed = True
            if answer.ok and not _is_json(answer):
                raise requests.exceptions.InvalidJSONError(f"no JSON: {answer.content[:100]!r}")
            return answer

    return ImpatientSession()


def _is_json(answer: Any) -> bool:
    # ccxt would take a bare word or number letter by letter
    if answer.content.lstrip()[:1] not in (b"[", b"{"):
        return False
    try:
        answer.json()
    except (ValueError, RecursionError):
        return False
    return True
