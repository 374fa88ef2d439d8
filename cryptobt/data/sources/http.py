"""One polite question over HTTP: bounded in time, size and tries, every failure explained.

What the client library does by itself and is guarded here: its read timeout starts anew with each
byte, so that a slow drip never ends; it follows redirects to other hosts; and its messages and
debug logs quote the whole address, with a key where there is one.
"""

import json
import logging
import queue
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests import exceptions as outer
from urllib3 import exceptions as inner

from cryptobt import __version__
from cryptobt.core import errors
from cryptobt.data.sources.patience import (
    PATIENCE,
    Patience,
    Setback,
    patiently,
    retry_after,
)

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
class Answer:
    """What a vendor says: HTTP status, 2xx or 4xx, and its JSON; None where a 4xx has none."""

    status: int
    document: Any


class VendorClient:
    """Asks one vendor; no message contains one of the secrets, even where the vendor quotes it."""

    def __init__(
        self, vendor: str, patience: Patience = PATIENCE, secrets: tuple[str, ...] = ()
    ) -> None:
        self._vendor, self._patience, self._secrets = vendor, patience, secrets
        for talkative in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(talkative).addFilter(_without_queries)

    def get(self, url: str, params: _Query, asked: str) -> Answer:
        """Ask, and again after a fault of the network, HTTP 408, 429 and 5xx.

        Parameters
        ----------
        asked : str
            The question in words.

        Raises
        ------
        UsageError
            If the address, or a proxy that the environment names, cannot be used.
        SourceUnreachableError, RateLimitedError, SourceRefusedError, MalformedAnswerError
            After the last try; the last one also for a redirect, too large an answer, or no JSON.
        """
        return patiently(lambda left: self._attempt(url, params, asked, left), self._patience)

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

    def _attempt(self, url: str, params: _Query, asked: str, left: float) -> Answer | Setback:
        came = self._in_time(url, params, left)
        # not raised as the cause of ours: it quotes the address, and a traceback would show it
        if isinstance(came, Exception):
            return self._fault(came, asked)
        response, body = came
        status = response.status_code
        if status in (408, 429) or status >= 500:
            return self._turned_away(response, asked)
        return self._read(status, body, asked)

    def _in_time(self, url: str, params: _Query, left: float) -> _Fetched:
        """Fetch in a thread: neither a name server nor dripping headers keep to a deadline."""
        came: _Box = queue.SimpleQueue()
        question = (came, url, params, self._patience, time.monotonic() + left)
        threading.Thread(target=_fetch, args=question, daemon=True).start()
        try:
            return came.get(timeout=left)
        except queue.Empty:
            return TimeoutError(_LATE)

    def _read(self, status: int, body: bytes, asked: str) -> Answer | Setback:
        if 300 <= status < 400:
            return Setback(self.malformed(asked, f"a redirect, HTTP status {status}"))
        if len(body) > self._patience.max_bytes:
            return Setback(self.malformed(asked, f"more than {self._patience.max_bytes} bytes"))
        try:
            return Answer(status, json.loads(body))
        except (ValueError, RecursionError) as error:
            found = "HTML instead of JSON" if body.lstrip()[:1] == b"<" else f"no JSON ({error})"
        return Answer(status, None) if status >= 400 else Setback(self.malformed(asked, found))

    def _fault(self, error: Exception, asked: str) -> Setback:
        words = _root(error)
        if isinstance(error, _WRONG_REQUEST):
            advice = "check the address, and the proxy that the environment names"
            line = self.line(f"cannot be asked ({words})", asked, advice)
            return Setback(errors.UsageError(line))
        # every error of requests is an OSError
        if isinstance(error, _WRONG_ANSWER) or not isinstance(error, OSError | inner.HTTPError):
            return Setback(self.malformed(asked, f"a fault ({words})"))
        advice = "check the network, or try again later"
        line = self.line(f"cannot be reached ({words})", asked, advice)
        return Setback(errors.SourceUnreachableError(line), again=True)

    def _turned_away(self, response: requests.Response, asked: str) -> Setback:
        after = retry_after(response.headers)
        pause = "" if after is None else f", wants a pause of {after:.0f} s"
        came = f"(HTTP status {response.status_code}{pause})"
        if response.status_code == 429:
            line = self.line(f"was asked too often {came}", asked, "try again later")
            return Setback(errors.RateLimitedError(line), True, after)
        refusal = errors.SourceRefusedError(self.line(f"fails {came}", asked, "try again later"))
        return Setback(refusal, True, after)


def _fetch(came: _Box, url: str, params: _Query, patience: Patience, until: float) -> None:
    limits = (patience.connect_seconds, patience.read_seconds)
    try:
        with requests.get(
            url, params=params, headers=_HEADERS, timeout=limits, stream=True, allow_redirects=False
        ) as response:
            came.put((response, read_body(response, patience.max_bytes, until)))
    # whatever it is belongs to the thread that waits
    except Exception as error:
        came.put(error)


def read_body(response: requests.Response, most: int, until: float) -> bytes:
    """Read the body, at the most one piece more than ``most`` bytes of it.

    Raises
    ------
    TimeoutError
        If it is not whole ``until`` then, by the monotonic clock.
    """
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


def _without_queries(record: logging.LogRecord) -> bool:
    """Cut query strings out of the client library's log lines: a key may be in them."""
    record.msg, record.args = re.sub(r"\?[^\s\"']*", "?...", record.getMessage()), ()
    return True
