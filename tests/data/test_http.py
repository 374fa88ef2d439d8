"""The real HTTP client against ill-mannered servers on the loopback interface."""

import email.utils
import gzip
import inspect
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from requests import exceptions as outer
from urllib3 import exceptions as inner

from cryptobt import __version__
from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UsageError,
)
from cryptobt.data.sources.http import VendorClient
from cryptobt.data.sources.patience import Patience

from ..loopback import HASTY, HTML, Loopback, Pauses, Reply

KEY = "SECRETKEY0815"
GOOD = {"good": True}


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback(Reply(GOOD)) as fake:
        yield fake


def ask(address: str, patience: Patience = HASTY) -> Any:
    client = VendorClient("Vendor", patience, secrets=(KEY,))
    return client.get(f"{address}/query", {"apikey": KEY}, "the bars").document


def failure(address: str, patience: Patience = HASTY) -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        ask(address, patience)
    error = caught.value
    assert "\n" not in str(error)
    assert "when asked for the bars; " in str(error)
    assert KEY not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


def test_an_answer_arrives_and_the_question_names_us(vendor: Loopback) -> None:
    assert ask(vendor.address) == GOOD
    (asked,) = vendor.asked
    assert (asked.path, asked.query) == ("/query", {"apikey": KEY})
    assert asked.headers["User-Agent"] == f"cryptobt/{__version__}"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(GOOD, manner="chunked"),
        Reply(gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"}),
        Reply(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    ],
    ids=["chunked", "gzip", "byte order mark"],
)
def test_an_answer_arrives_however_it_is_packed(vendor: Loopback, reply: Reply) -> None:
    vendor.queued = [reply]
    assert ask(vendor.address) == GOOD


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_passing_fault_is_asked_again_and_the_wait_doubles(vendor: Loopback, status: int) -> None:
    vendor.queued = [Reply(HTML, status), Reply(HTML, status)]
    pauses = Pauses()
    assert ask(vendor.address, replace(HASTY, sleep=pauses)) == GOOD
    assert len(vendor.asked) == 3
    first, second = pauses
    assert 0.5 <= first <= 1.0 <= second <= 2.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RateLimitedError), (500, SourceRefusedError), (503, SourceRefusedError)],
)
def test_a_lasting_fault_ends_after_the_last_try(
    vendor: Loopback, status: int, kind: type[CryptobtError]
) -> None:
    vendor.queued = [Reply(HTML, status)] * 9
    error = failure(vendor.address)
    assert type(error) is kind
    assert f"HTTP status {status}" in str(error)
    assert len(vendor.asked) == 3


def test_a_pause_in_seconds_is_kept(vendor: Loopback) -> None:
    vendor.queued = [Reply({}, 429, {"Retry-After": "2"})]
    pauses = Pauses()
    assert ask(vendor.address, replace(HASTY, sleep=pauses)) == GOOD
    assert pauses == [2.0]


def test_a_pause_until_a_date_is_kept(vendor: Loopback) -> None:
    at = email.utils.formatdate(time.time() + 20, usegmt=True)
    vendor.queued = [Reply({}, 503, {"Retry-After": at})]
    pauses = Pauses()
    assert ask(vendor.address, replace(HASTY, total_seconds=60, sleep=pauses)) == GOOD
    assert 15 <= pauses[0] <= 20


def test_a_pause_beyond_our_patience_is_the_end_at_once(vendor: Loopback) -> None:
    vendor.queued = [Reply({}, 429, {"Retry-After": "3600"})]
    pauses = Pauses()
    error = failure(vendor.address, replace(HASTY, total_seconds=86_400, sleep=pauses))
    assert type(error) is RateLimitedError
    assert "wants a pause of 3600 s" in str(error)
    assert (len(vendor.asked), pauses) == (1, [])


def test_a_pause_beyond_the_time_in_all_is_the_end_at_once(vendor: Loopback) -> None:
    vendor.queued = [Reply({}, 429, {"Retry-After": "10"})]
    assert type(failure(vendor.address)) is RateLimitedError
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_an_answer_with_its_document(vendor: Loopback, status: int) -> None:
    vendor.queued = [Reply({"error": "no"}, status), Reply(HTML, status)]
    client = VendorClient("Vendor", HASTY)
    answer = client.get(vendor.address, {}, "the bars")
    assert (answer.status, answer.document) == (status, {"error": "no"})
    answer = client.get(vendor.address, {}, "the bars")
    assert (answer.status, answer.document) == (status, None)
    assert len(vendor.asked) == 2
    text = str(client.refused("the bars", answer, "no right"))
    assert text.startswith(f"Vendor refuses with HTTP status {status}, 'no right' when asked for")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b'{"data": [{"a": 1}, {"a"'), "no JSON"),
        (Reply(b""), "no JSON"),
        (Reply(b"\xff\xfe\xff{"), "no JSON"),
        (Reply(b"[" * 100_000), "no JSON"),
        (Reply(HTML), "HTML instead of JSON"),
        (Reply(b"", 302, {"Location": "http://elsewhere.invalid/"}), "a redirect, HTTP status 302"),
        (Reply(b"nonsense", headers={"Content-Encoding": "gzip"}), "a fault"),
        (Reply(b" " * 2_000), "more than 1000 bytes"),
        (Reply(gzip.compress(b" " * 2_000), headers={"Content-Encoding": "gzip"}), "more than"),
    ],
    ids=[
        "truncated", "empty", "no text", "deep", "HTML", "redirect", "no gzip", "large",
        "large when unpacked",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_malformed_and_not_asked_again(
    vendor: Loopback, reply: Reply, words: str
) -> None:
    vendor.queued = [reply]
    patience = HASTY if "no JSON" in words else replace(HASTY, max_bytes=1_000)
    error = failure(vendor.address, patience)
    assert type(error) is MalformedAnswerError
    assert words in str(error)
    assert len(vendor.asked) == 1


def test_an_endless_answer_is_given_up(vendor: Loopback) -> None:
    vendor.queued = [Reply(b" " * 3_000_000, manner="chunked")]
    error = failure(vendor.address, replace(HASTY, max_bytes=10_000))
    assert type(error) is MalformedAnswerError


@pytest.mark.parametrize("manner", ["hang", "cut", "drip", "drip headers"])
def test_no_whole_answer_is_unreachable_in_bounded_time(vendor: Loopback, manner: str) -> None:
    vendor.queued = [Reply(GOOD, manner=manner)] * 9
    begun = time.monotonic()
    error = failure(vendor.address, replace(HASTY, total_seconds=0.7))
    assert type(error) is SourceUnreachableError
    assert "Vendor cannot be reached (" in str(error)
    assert time.monotonic() - begun < 2.5


def test_a_broken_answer_is_asked_again(vendor: Loopback) -> None:
    vendor.queued = [Reply(GOOD, manner="cut")]
    assert ask(vendor.address) == GOOD


def test_a_drip_of_the_body_leaves_no_thread(vendor: Loopback) -> None:
    before = threading.active_count()
    vendor.queued = [Reply(manner="drip")]
    failure(vendor.address, replace(HASTY, total_seconds=0.3))
    # the vendor goes on dripping: only our hanging up ends it, and its own thread too
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}")
    assert type(error) is SourceUnreachableError
    assert "refused" in str(error)


def test_a_server_without_tls_is_unreachable_by_https(vendor: Loopback) -> None:
    error = failure(vendor.address.replace("http:", "https:"))
    assert type(error) is SourceUnreachableError
    assert "SSL" in str(error)


def test_a_dead_proxy_is_unreachable() -> None:
    error = failure("http://vendor.invalid", replace(HASTY, attempts=1))
    assert type(error) is SourceUnreachableError


@pytest.mark.parametrize("address", ["vendor.example", "gopher://x", "http://", "http://[::1"])
def test_an_address_that_is_none_is_a_usage_error(address: str) -> None:
    error = failure(address)
    assert type(error) is UsageError
    assert "check the address" in str(error)


def raised_by(module: Any) -> list[type[Exception]]:
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__]
    raised = [kind for kind in own if issubclass(kind, Exception)]
    return [kind for kind in raised if not issubclass(kind, Warning)]


WRONG_REQUEST = {
    outer.URLRequired, outer.MissingSchema, outer.InvalidSchema, outer.InvalidURL,
    outer.InvalidProxyURL, outer.InvalidHeader, inner.LocationValueError, inner.LocationParseError,
    inner.URLSchemeUnknown, inner.InvalidHeader, inner.ProxySchemeUnknown,
    inner.ProxySchemeUnsupported,
}  # fmt: skip
WRONG_ANSWER = {
    outer.HTTPError, outer.InvalidJSONError, outer.JSONDecodeError, outer.TooManyRedirects,
    outer.StreamConsumedError, outer.ContentDecodingError, outer.UnrewindableBodyError,
    inner.DecodeError, inner.ResponseError, inner.HeaderParsingError, inner.UnrewindableBodyError,
    TypeError, ValueError,
}  # fmt: skip


def expected(kind: type[Exception]) -> type[CryptobtError]:
    if kind in WRONG_REQUEST:
        return UsageError
    return MalformedAnswerError if kind in WRONG_ANSWER else SourceUnreachableError


@pytest.mark.parametrize(
    "kind",
    [*raised_by(outer), *raised_by(inner), OSError, TimeoutError, TypeError, ValueError],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_every_error_of_the_client_library_becomes_ours(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        # most of them want arguments of their own; the text is what may leak
        raise kind.__new__(kind, f"https://vendor.example/query?apikey={KEY}")

    monkeypatch.setattr(requests, "get", fail)
    assert type(failure("https://vendor.example")) is expected(kind)


def test_both_libraries_have_errors_to_map() -> None:
    assert len(raised_by(outer)) > 20
    assert len(raised_by(inner)) > 25
    # what tells an unknown fault of the network from a fault of the library
    assert issubclass(requests.RequestException, OSError)


def test_no_key_reaches_a_log(vendor: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(vendor.address)
    vendor.queued = [Reply(manner="cut")] * 3
    failure(vendor.address)
    assert "/query?..." in caplog.text
    assert KEY not in caplog.text


def test_a_key_that_the_vendor_quotes_is_starred_even_where_the_line_is_cut() -> None:
    client = VendorClient("Vendor", secrets=(KEY,))
    for length in (10, 380, 385, 390, 395, 399):
        line = client.line("." * length + KEY.lower() + "!" * 500, f"bars with {KEY}", "wait")
        assert "secret" not in line.lower()
        assert line.endswith("when asked for bars with ***; wait")
