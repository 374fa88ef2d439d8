"""One polite question over HTTP: bounded in time, size and tries, every failure explained.

What the client library does by itself and is guarded here: its read timeout starts anew with each
byte, so that a slow drip never ends; it follows redirects to other hosts; and its messages and
debug logs quote the whole address, with a key where there is one.
"""

import json
import logging
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests import exceptions as outer
from urllib3 import exceptions as inner

from cryptobt import __version__
from cryptobt.core import errors

_WRONG_REQUEST = (
    outer.URLRequired, outer.MissingSchema, outer.InvalidSchema, outer.InvalidURL,
    outer.InvalidHeader, inner.LocationValueError, inner.InvalidHeader, inner.ProxySchemeUnknown,
    inner.ProxySchemeUnsupported,
)  # fmt: skip
_WRONG_ANSWER = (
    outer.HTTPError, outer.InvalidJSONError, outer.TooManyRedirects, outer.StreamConsumedError,
    outer.ContentDecodingError, outer.UnrewindableBodyError, inner.DecodeError,
    inner.ResponseError, inner.HeaderParsingError, inner.UnrewindableBodyError,
)  # fmt: skip
_HEADERS = {"User-Agent": f"cryptobt/{__version__}", "Accept": "application/json"}
_LATE = "no whole answer in the time allowed"
_Query = Mapping[str, str]
_Fetched = tuple[requests.Response, bytes] | Exception
_Box = queue.SimpleQueue[_Fetched]


@dataclass(frozen=True)
class Patience:
    """How long and how often a vendor is asked, and how much it may answer.

    The read timeout is for the next piece of an answer, the total for all tries and the waits
    between them. There are further tries after a fault of the network, HTTP 408, 429 and 5xx;
    the first wait is doubled each time, and a vendor that asks for more than the longest in
    ``Retry-After`` is not asked again. ``max_bytes`` counts the answer unpacked.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 90.0
    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    max_bytes: int = 64 * 2**20


PATIENCE = Patience()
"""What every source has where nothing else is said."""


@dataclass(frozen=True)
class Answer:
    """What a vendor says: HTTP status, 2xx or 4xx, and its JSON; None where a 4xx has none."""

    status: int
    document: Any


@dataclass(frozen=True)
class _Setback:
    error: errors.CryptobtError
    again: bool = False
    retry_after: float | None = None


class VendorClient:
    """Asks one vendor; no message contains one of the secrets, even where the vendor quotes it."""

    def __init__(
        self,
        vendor: str,
        patience: Patience = PATIENCE,
        sleep: Callable[[float], object] = time.sleep,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._vendor, self._patience, self._sleep = vendor, patience, sleep
        self._secrets = secrets
        for talkative in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(talkative).addFilter(_without_queries)

    def get(self, url: str, params: _Query, asked: str) -> Answer:
        """Ask, and ask again where that may help; ``asked`` is the question in words.

        Raises
        ------
        UsageError
            If the address, or a proxy that the environment names, cannot be used.
        SourceUnreachableError, RateLimitedError, SourceRefusedError, MalformedAnswerError
            After the last try; the last one also for a redirect, too large an answer, or no JSON.
        """
        until = time.monotonic() + self._patience.total_seconds
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(url, params, asked, until)
            if isinstance(outcome, Answer):
                return outcome
            wait = self._wait(attempt, outcome)
            if wait is None or time.monotonic() + wait > until:
                raise outcome.error
            self._sleep(wait)

    def refused(self, asked: str, answer: Answer, said: str = "") -> errors.SourceRefusedError:
        """Explain a status of 4xx, with the vendor's own words where there are some."""
        what = f"refuses with HTTP status {answer.status}" + (f", '{said}'" if said else "")
        line = self.line(what, asked, "check what is asked, or try again later")
        return errors.SourceRefusedError(line)

    def malformed(self, asked: str, what: str) -> errors.MalformedAnswerError:
        """Explain an answer that is not what the vendor documents."""
        advice = "try again later, and report it if it stays"
        return errors.MalformedAnswerError(self.line(f"answers with {what}", asked, advice))

    def line(self, what: str, asked: str, advice: str) -> str:
        """Say in one line what came of which question and what to do, without any secret."""
        told, rest = f"{self._vendor} {what}", f"when asked for {asked}; {advice}"
        for secret in self._secrets:
            hide = re.compile(re.escape(secret), re.IGNORECASE)
            told, rest = hide.sub("***", told), hide.sub("***", rest)
        return " ".join(f"{told[:400]} {rest}".split())

    def _attempt(self, url: str, params: _Query, asked: str, until: float) -> Answer | _Setback:
        came = self._in_time(url, params, until)
        # not raised as the cause of ours: it quotes the address, and a traceback would show it
        if isinstance(came, Exception):
            return self._fault(came, asked)
        response, body = came
        status = response.status_code
        if status in (408, 429) or status >= 500:
            return self._turned_away(response, asked)
        return self._read(status, body, asked)

    def _in_time(self, url: str, params: _Query, until: float) -> _Fetched:
        """Fetch in a thread: neither a name server nor dripping headers keep to a deadline."""
        came: _Box = queue.SimpleQueue()
        question = (came, url, params, self._patience, until)
        threading.Thread(target=_fetch, args=question, daemon=True).start()
        try:
            return came.get(timeout=max(until - time.monotonic(), 0.0))
        except queue.Empty:
            return TimeoutError(_LATE)

    def _read(self, status: int, body: bytes, asked: str) -> Answer | _Setback:
        if 300 <= status < 400:
            return _Setback(self.malformed(asked, f"a redirect, HTTP status {status}"))
        if len(body) > self._patience.max_bytes:
            return _Setback(self.malformed(asked, f"more than {self._patience.max_bytes} bytes"))
        try:
            return Answer(status, json.loads(body))
        except (ValueError, RecursionError) as error:
            found = "HTML instead of JSON" if body.lstrip()[:1] == b"<" else f"no JSON ({error})"
        return Answer(status, None) if status >= 400 else _Setback(self.malformed(asked, found))

    def _fault(self, error: Exception, asked: str) -> _Setback:
        words = _root(error)
        if isinstance(error, _WRONG_REQUEST):
            advice = "check the address, and the proxy that the environment names"
            line = self.line(f"cannot be asked ({words})", asked, advice)
            return _Setback(errors.UsageError(line))
        # every error of requests is an OSError
        if isinstance(error, _WRONG_ANSWER) or not isinstance(error, OSError | inner.HTTPError):
            return _Setback(self.malformed(asked, f"a fault ({words})"))
        advice = "check the network, or try again later"
        line = self.line(f"cannot be reached ({words})", asked, advice)
        return _Setback(errors.SourceUnreachableError(line), again=True)

    def _turned_away(self, response: requests.Response, asked: str) -> _Setback:
        after = _retry_after(response.headers.get("Retry-After", ""))
        pause = "" if after is None else f", wants a pause of {after:.0f} s"
        came = f"(HTTP status {response.status_code}{pause})"
        if response.status_code == 429:
            line = self.line(f"was asked too often {came}", asked, "try again later")
            return _Setback(errors.RateLimitedError(line), True, after)
        refusal = errors.SourceRefusedError(self.line(f"fails {came}", asked, "try again later"))
        return _Setback(refusal, True, after)

    def _wait(self, attempt: int, setback: _Setback) -> float | None:
        """Seconds until the next try; None where there is none."""
        longest = self._patience.longest_wait_seconds
        if not setback.again or attempt >= self._patience.attempts:
            return None
        if setback.retry_after is not None:
            return setback.retry_after if setback.retry_after <= longest else None
        doubled = self._patience.first_wait_seconds * 2.0 ** (attempt - 1)
        # clients that failed together must not come back together
        return min(doubled, longest) * random.uniform(0.5, 1.0)


def _fetch(came: _Box, url: str, params: _Query, patience: Patience, until: float) -> None:
    limits = (patience.connect_seconds, patience.read_seconds)
    try:
        with requests.get(
            url, params=params, headers=_HEADERS, timeout=limits, stream=True, allow_redirects=False
        ) as response:
            came.put((response, _body(response, patience.max_bytes, until)))
    # whatever it is belongs to the thread that waits
    except Exception as error:
        came.put(error)


def _body(response: requests.Response, most: int, until: float) -> bytes:
    """Read the body, at the most one piece more than ``most`` bytes of it."""
    body = bytearray()
    while len(body) <= most and (piece := response.raw.read1(65_536, decode_content=True)):
        if time.monotonic() > until:
            raise TimeoutError(_LATE)
        body += piece
    return bytes(body)


def _root(error: BaseException) -> str:
    """Tell the first cause: in the system's words, or by the name of one that quotes addresses."""
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    ours = isinstance(error, requests.RequestException | inner.HTTPError)
    return type(error).__name__ if ours else str(error) or type(error).__name__


def _retry_after(header: str) -> float | None:
    """Read seconds, or an HTTP date, as seconds from now; None for anything else."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _without_queries(record: logging.LogRecord) -> bool:
    """Cut query strings out of the client library's log lines: a key may be in them."""
    record.msg, record.args = re.sub(r"\?[^\s\"']*", "?...", record.getMessage()), ()
    return True
