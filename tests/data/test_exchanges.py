"""The real ccxt against exchanges of our own on the loopback interface."""

import asyncio
import builtins
import importlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core import columns
from cryptobt.core.errors import (
    DataUnavailableError,
    MalformedAnswerError,
    NoDataError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.data.sources.exchange_errors import explain, one_line
from cryptobt.data.sources.exchange_pages import History
from cryptobt.data.sources.exchanges import ExchangeSource
from cryptobt.data.sources.patience import Answered
from cryptobt.data.sources.source import BarSource
from cryptobt.data.validation import check_bars

from ..loopback import HASTY, Pauses, Reply
from .fake_exchange import (
    DAY,
    HOUR,
    MINUTE,
    STEPS,
    WEEK,
    Bar,
    FakeBinance,
    FakeExchange,
    FakeKraken,
    Manner,
    Said,
    TickerStream,
    bars,
    from_start,
    grouped,
    in_window,
    newest,
    oldest,
    overlapping,
)

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
SYMBOL = "BTC/USDT"
TOO_EARLY = {"code": -1100, "msg": "Illegal characters found in a parameter."}


@pytest.fixture
def binance() -> Iterator[FakeBinance]:
    with FakeBinance() as fake:
        yield fake


@pytest.fixture
def kraken() -> Iterator[FakeKraken]:
    with FakeKraken() as fake:
        yield fake


def source(fake: FakeExchange, **options: Any) -> ExchangeSource:
    exchange = "kraken" if isinstance(fake, FakeKraken) else "binance"
    return ExchangeSource(exchange, settings=fake.settings(), **{"patience": HASTY} | options)


def fetch(
    fake: FakeExchange, interval: str = "1d", since: str | None = None, **options: Any
) -> Any:
    start = None if since is None else pd.Timestamp(since, tz="UTC")
    symbol = "BTC/USD" if isinstance(fake, FakeKraken) else SYMBOL
    return source(fake, **options).fetch(symbol, interval, start, NOW)


def served(fake: FakeExchange, label: str, rows: list[Bar]) -> list[Bar]:
    fake.rows = {label: rows, "1w": grouped(rows, WEEK)}
    return rows


def closes(rows: list[Bar]) -> list[float | None]:
    return [values[3] for _, values in rows]


def times(rows: list[Bar]) -> list[pd.Timestamp]:
    return [pd.Timestamp(at, unit="ms", tz="UTC") for at, _ in rows]


def assert_same(frame: pd.DataFrame, rows: list[Bar]) -> None:
    assert frame[columns.TIME].tolist() == times(rows)
    assert frame[columns.CLOSE].tolist() == closes(rows)


# --- right data


def test_a_long_history_comes_whole_over_many_pages(binance: FakeBinance) -> None:
    rows = served(binance, "1d", bars("2017-08-17", 2398))
    seen: list[int] = []
    frame = fetch(binance, report=seen.append)
    assert_same(frame, rows)
    assert seen == [1000, 2000, 2398]
    assert [int(page["startTime"]) for page in binance.pages("1d")] == [
        rows[0][0] - rows[0][0] % WEEK, rows[999][0] + DAY, rows[1999][0] + DAY,
    ]  # fmt: skip


def test_a_frame_is_what_the_protocol_says_and_passes_the_door(binance: FakeBinance) -> None:
    served(binance, "1d", bars("2024-03-01", 10))
    subject: BarSource = source(binance)
    frame = subject.fetch(SYMBOL, "1d", None, NOW)
    assert subject.name == "ccxt:binance"
    assert sorted(frame.columns) == sorted((columns.TIME, *columns.BARS))
    assert str(frame[columns.TIME].dtype) == "datetime64[ns, UTC]"
    assert set(frame[list(columns.BARS)].dtypes.astype(str)) == {"float64"}
    checked, report = check_bars(
        frame, label="b", interval=pd.Timedelta("1D"), on_bad_row="refuse", now=NOW
    )
    assert len(checked) == 9
    assert "still forming left out, first 2024-03-10" in report.warnings[0]


def test_kraken_gives_its_newest_720_bars_in_its_own_words(kraken: FakeKraken) -> None:
    kraken.manner = newest
    rows = served(kraken, "1h", bars("2024-01-01", 1666, HOUR))
    assert_same(fetch(kraken, "1h"), rows[-720:])
    assert len(kraken.pages("60")) == 1


def test_only_bars_since_are_asked_for(binance: FakeBinance) -> None:
    rows = served(binance, "1d", bars("2024-01-01", 70))
    assert_same(fetch(binance, since="2024-03-01"), rows[60:])
    assert len(binance.pages("1d")) == 1
    assert not binance.pages("1w")


def test_nothing_newer_than_since_is_an_empty_frame(binance: FakeBinance) -> None:
    served(binance, "1d", bars("2024-01-01", 10))
    frame = fetch(binance, since="2024-03-05")
    assert frame.empty
    assert sorted(frame.columns) == sorted((columns.TIME, *columns.BARS))
    assert str(frame[columns.TIME].dtype) == "datetime64[ns, UTC]"


@pytest.mark.parametrize("manner", [from_start, in_window, overlapping])
def test_every_manner_of_pages_gives_the_same_bars(binance: FakeBinance, manner: Manner) -> None:
    binance.manner = manner
    rows = bars("2023-01-01", 2700, HOUR) + bars("2023-11-15", 1500, HOUR)
    served(binance, "1h", rows)
    assert_same(fetch(binance, "1h"), rows)


def test_silence_of_months_inside_a_window_exchange_is_crossed(binance: FakeBinance) -> None:
    binance.manner = in_window
    rows = bars("2023-01-02", 50, MINUTE) + bars("2023-09-05", 70, MINUTE)
    served(binance, "1m", rows)
    assert_same(fetch(binance, "1m"), rows)
    assert len(binance.asked) < 120


def test_a_delisted_symbol_ends_without_a_walk_through_the_years(binance: FakeBinance) -> None:
    binance.manner = in_window
    rows = served(binance, "1m", bars("2018-01-02", 1500, MINUTE))
    assert_same(fetch(binance, "1m"), rows)
    assert len(binance.asked) < 40


def test_an_exchange_that_keeps_little_of_a_spacing_gives_that(binance: FakeBinance) -> None:
    binance.manner = in_window
    rows = bars("2024-03-08", 3450, MINUTE)
    binance.rows = {"1m": rows, "1w": bars("2017-08-17", 350, WEEK)}
    assert_same(fetch(binance, "1m"), rows)
    assert len(binance.asked) < 100


def test_an_exchange_that_refuses_an_early_start_is_asked_later(binance: FakeBinance) -> None:
    rows = bars("2024-03-01", 226, HOUR)
    binance.rows = {"1h": rows, "1w": bars("2017-08-17", 350, WEEK)}

    def kept(all_rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
        if start < rows[0][0]:
            raise Said(Reply(TOO_EARLY, 400))
        return from_start(all_rows, start, limit, step)

    binance.manners["1h"] = kept
    assert_same(fetch(binance, "1h"), rows)


@pytest.mark.parametrize("manner", [oldest, newest])
def test_an_exchange_that_ignores_the_start_is_no_endless_loop(
    binance: FakeBinance, manner: Manner
) -> None:
    binance.manners, binance.most = {"1m": manner}, 100
    rows = served(binance, "1m", bars("2024-03-09T20:00", 811, MINUTE))
    assert_same(fetch(binance, "1m"), manner(rows, 0, 100, MINUTE))
    assert len(binance.asked) < 40


def test_an_exchange_that_ignores_the_start_everywhere_is_no_endless_loop(
    binance: FakeBinance,
) -> None:
    binance.manner, binance.most = oldest, 100
    rows = served(binance, "1m", bars("2023-03-09T20:00", 811, MINUTE))
    assert_same(fetch(binance, "1m"), rows[:100])
    assert len(binance.asked) < 200


def test_of_a_bar_that_changes_between_pages_the_later_one_is_taken(binance: FakeBinance) -> None:
    rows = bars("2024-02-01", 30)
    served(binance, "1d", rows)

    def rewritten(all_rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
        changed: list[Bar] = [(at, [1.0, 3.0, 0.5, 2.0, 9.0]) for at, _ in all_rows[10:12]]
        return from_start(all_rows, start, 10, step) + ([] if start < changed[0][0] else changed)

    binance.manners["1d"] = rewritten
    frame = fetch(binance, since="2024-02-01")
    assert frame[columns.TIME].is_unique
    assert frame[columns.CLOSE].tolist()[9:13] == [114.0, 2.0, 2.0, 117.0]


def test_a_history_rewritten_between_two_calls_comes_as_it_is_now(binance: FakeBinance) -> None:
    rows = served(binance, "1d", bars("2024-02-01", 30))
    subject = source(binance)
    assert_same(subject.fetch(SYMBOL, "1d", None, NOW), rows)
    rows[4] = (rows[4][0], [1.0, 3.0, 0.5, 2.0, 9.0])
    assert_same(subject.fetch(SYMBOL, "1d", None, NOW), rows)
    lists = [asked for asked in binance.asked if asked.path == "/api/v3/exchangeInfo"]
    assert len(lists) == 1


def test_a_bar_of_the_future_is_left_to_the_door_and_hides_no_other(binance: FakeBinance) -> None:
    rows = bars("2024-02-01", 39)
    served(binance, "1d", rows)

    def ahead(all_rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
        return [*from_start(all_rows, start, 10, step), *bars("2031-01-01", 1)]

    binance.manners["1d"] = ahead
    assert_same(fetch(binance), [*rows, *bars("2031-01-01", 1)])


@given(
    data=st.data(),
    manner=st.sampled_from([from_start, in_window, overlapping]),
    since=st.none() | st.integers(0, 400),
    limit=st.sampled_from([3, 10, 50]),
)
def test_any_holes_in_any_manner_of_pages_lose_no_bar(
    data: st.DataObject, manner: Manner, since: int | None, limit: int
) -> None:
    first = pd.Timestamp("2023-12-01", tz="UTC").value // 1_000_000
    places = data.draw(st.sets(st.integers(0, 2000), max_size=40))
    rows: list[Bar] = [(first + HOUR * i, [1.0] * 5) for i in sorted(places)]
    fine, coarse = rows, grouped(rows, DAY)

    def ask(label: str, start: int, _: int | None) -> list[Any]:
        page = manner(fine if label == "1h" else coarse, start, limit, STEPS[label])
        return [[at, *values] for at, values in page]

    now = first + 2000 * HOUR
    history = History(ask, "1h", "1d", limit, now, None)
    start = None if since is None else first + HOUR * since
    told = [row[0] for row in history.read(start) if start is None or row[0] >= start]
    assert told == [at for at, _ in rows if start is None or at >= start]


# --- symbols, intervals, exchanges


def test_a_dash_is_a_slash(binance: FakeBinance) -> None:
    rows = served(binance, "1d", bars("2024-03-01", 10))
    assert_same(source(binance).fetch("BTC-USDT", "1d", None, NOW), rows)


@pytest.mark.parametrize(
    ("symbol", "near"), [("BTC/USTD", "BTC/USDT"), ("ETH-USDC", "ETH/USDT"), ("", "")]
)
def test_an_unknown_symbol_names_the_nearest_known(
    binance: FakeBinance, symbol: str, near: str
) -> None:
    with pytest.raises(UnknownSymbolError, match=f"nearest that it knows is '{near}") as caught:
        source(binance).fetch(symbol, "1d", None, NOW)
    assert f"does not know '{symbol}'" in str(caught.value)


def test_no_markets_at_all_is_a_malformed_answer(binance: FakeBinance) -> None:
    binance.markets = Reply({})
    with pytest.raises(MalformedAnswerError, match="ccxt:binance lists no markets"):
        fetch(binance)


def test_intervals_are_the_exchanges_own_without_months_and_seconds(binance: FakeBinance) -> None:
    intervals = source(binance).intervals
    assert {"1m", "1h", "1d", "1w"} <= set(intervals)
    assert not {"1M", "1s"} & set(intervals)


def test_an_interval_by_another_name_is_known_by_its_length(binance: FakeBinance) -> None:
    rows = bars("2024-01-04", 9, WEEK)
    binance.rows = {"1w": rows}
    assert_same(fetch(binance, "7d"), rows)


@pytest.mark.parametrize("interval", ["7m", "1M", "1s", "soon", ""])
def test_an_interval_it_has_not_is_a_usage_error_that_lists_those_it_has(
    binance: FakeBinance, interval: str
) -> None:
    with pytest.raises(UsageError, match=f"no interval '{interval}'; it has 1m, 3m, 5m"):
        fetch(binance, interval)
    assert not binance.asked


def test_an_unknown_exchange_is_a_usage_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no exchange 'binanse'; did you mean 'binance'"):
        ExchangeSource("binanse")


def test_an_exchange_without_bars_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="ccxt:coinspot gives no bars"):
        ExchangeSource("coinspot")


def test_every_exchange_of_ccxt_is_made_or_gives_no_bars() -> None:
    ccxt = importlib.import_module("ccxt")
    made = 0
    for exchange in ccxt.exchanges:
        try:
            made += bool(ExchangeSource(exchange).intervals)
        except UsageError as error:
            assert "gives no bars" in str(error)  # noqa: PT017
    assert made > 80


def test_a_missing_ccxt_is_a_usage_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "ccxt":
            raise ImportError(name=name)
        return plain(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'cryptobt\[exchanges\]'"):
        ExchangeSource("binance")


# --- errors and patience


def test_no_bars_of_a_known_symbol_is_no_data(binance: FakeBinance) -> None:
    with pytest.raises(NoDataError, match="has no 1d bars of BTC/USDT"):
        fetch(binance)


BAD_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
BANNED = {"code": -1003, "msg": "Way too much request weight used; IP banned."}


@pytest.mark.parametrize(
    ("answer", "kind", "words", "tries"),
    [
        (Reply("<html>blocked</html>", 403), SourceRefusedError, "HTTP status 403", 1),
        (Reply({"code": 0, "msg": "restricted"}, 451), SourceRefusedError, "status 451", 1),
        (Reply(BAD_SYMBOL, 400), UnknownSymbolError, SYMBOL, 1),
        (Reply(BANNED, 418), RateLimitedError, "too many requests", 3),
        (Reply(BANNED, 429), RateLimitedError, "too many requests", 3),
        (Reply(BAD_SYMBOL, 502), UnknownSymbolError, SYMBOL, 1),
        (Reply("<html></html>", 503), SourceRefusedError, "HTTP status 503", 3),
        (Reply("", 504), SourceUnreachableError, "HTTP status 504", 3),
        (Reply(BAD_SYMBOL), UnknownSymbolError, SYMBOL, 1),
        (Reply({"code": -1003, "msg": "Too many"}), RateLimitedError, "too many", 3),
        (Reply({"code": -1001, "msg": "Internal"}), SourceRefusedError, "Internal", 3),
        (Reply(""), MalformedAnswerError, "not understood", 1),
        (Reply("null"), MalformedAnswerError, "not understood|is no bar", 1),
        (Reply('"bars"'), MalformedAnswerError, "not understood|is no bar", 1),
        (Reply("17"), MalformedAnswerError, "not understood|is no bar", 1),
        (Reply({"a": 1}), MalformedAnswerError, "not understood", 1),
        (Reply([None]), MalformedAnswerError, "not understood|is no bar", 1),
        (Reply([[]]), MalformedAnswerError, "is no bar", 1),
        (Reply([["soon", "1", "1", "1", "1", "1"]]), MalformedAnswerError, "is no bar", 1),
        (Reply([[10**15, "1", "1", "1", "1", "1"]]), MalformedAnswerError, "is no bar", 1),
        (Reply([[-5, "1", "1", "1", "1", "1"]]), MalformedAnswerError, "is no bar", 1),
        (Reply("[" * 5000), MalformedAnswerError, "not understood", 1),
        (Reply("[]", headers={"Content-Encoding": "gzip"}), MalformedAnswerError, "understood", 1),
    ],
)
def test_whatever_is_answered_ends_in_one_line_of_a_typed_error(
    binance: FakeBinance,
    answer: Reply,
    kind: type[Exception],
    words: str,
    tries: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    binance.always = answer
    with pytest.raises(DataUnavailableError, match=words) as caught:
        fetch(binance, since="2024-03-01")
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert "ccxt:binance" in str(caught.value)
    assert len(binance.pages("1d")) == tries
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("said", "kind", "tries"),
    [
        ("EGeneral:Too many requests", RateLimitedError, 3),
        ("EAPI:Rate limit exceeded", RateLimitedError, 3),
        ("EQuery:Invalid asset pair", UnknownSymbolError, 1),
        ("EService:Unavailable", SourceRefusedError, 3),
        ("EGeneral:Permission denied", SourceRefusedError, 1),
        ("EOther:Never heard of", SourceRefusedError, 1),
    ],
)
def test_krakens_errors_inside_http_200_are_typed(
    kraken: FakeKraken, said: str, kind: type[Exception], tries: int
) -> None:
    kraken.always = Reply({"error": [said]})
    with pytest.raises(kind, match=said) as caught:
        fetch(kraken, "1h")
    assert type(caught.value) is kind
    assert len(kraken.pages("10080")) == tries


def test_http_429_is_a_limit_whatever_else_is_said(kraken: FakeKraken) -> None:
    kraken.always = Reply({"error": ["EOther:Never heard of"]}, 429)
    with pytest.raises(RateLimitedError, match="HTTP status 429"):
        fetch(kraken, "1h")


def test_a_bad_request_without_end_is_a_refusal(binance: FakeBinance) -> None:
    binance.always = Reply(TOO_EARLY, 400)
    with pytest.raises(SourceRefusedError, match="Illegal characters"):
        fetch(binance)
    assert len(binance.asked) < 20


def test_a_bad_request_between_pages_is_no_silent_hole(binance: FakeBinance) -> None:
    rows = served(binance, "1h", bars("2023-01-01", 3000, HOUR))

    def broken(all_rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
        if start == rows[1000][0]:
            raise Said(Reply(TOO_EARLY, 400))
        return from_start(all_rows, start, limit, step)

    binance.manners["1h"] = broken
    with pytest.raises(SourceRefusedError, match="Illegal characters"):
        fetch(binance, "1h")


def test_a_list_of_markets_that_fails_is_typed(binance: FakeBinance) -> None:
    binance.markets = Reply("oops", 500)
    with pytest.raises(SourceRefusedError, match="the list of its markets"):
        fetch(binance)


def test_a_wait_beyond_the_patience_is_not_begun(binance: FakeBinance) -> None:
    binance.always = Reply(BANNED, 418, {"Retry-After": "86400"})
    pauses = Pauses()
    with pytest.raises(RateLimitedError, match="asks to wait 86400 s"):
        fetch(binance, patience=replace(HASTY, sleep=pauses))
    assert pauses == []


def test_an_answer_that_is_too_large_is_malformed(binance: FakeBinance) -> None:
    with pytest.raises(MalformedAnswerError, match="not understood") as caught:
        fetch(binance, patience=replace(HASTY, max_bytes=1000))
    assert "more than 1000 bytes" in repr(caught.value.__cause__.__cause__)  # type: ignore[union-attr]


def test_a_refused_connection_is_unreachable(binance: FakeBinance) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        binance.address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(SourceUnreachableError, match="ccxt:binance cannot be reached"):
        fetch(binance)


def test_the_users_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    subject = ExchangeSource("binance", patience=HASTY)
    with pytest.raises(SourceUnreachableError, match="cannot be reached") as caught:
        subject.fetch(SYMBOL, "1d", None, NOW)
    assert "ProxyError" in repr(caught.value.__cause__.__cause__)  # type: ignore[union-attr]


def test_a_large_answer_in_small_parts_is_read_whole(binance: FakeBinance) -> None:
    body = [[1709251200000 + DAY * i, "1", "1", "1", "1", "1"] for i in range(2)]
    binance.queued = [Reply(body, manner="slow")]
    assert len(fetch(binance, since="2024-03-01")) == 2


EXPECTED = {
    "BaseError": SourceRefusedError,
    "ExchangeError": SourceRefusedError,
    "AuthenticationError": SourceRefusedError,
    "PermissionDenied": SourceRefusedError,
    "AccountNotEnabled": SourceRefusedError,
    "AccountSuspended": SourceRefusedError,
    "ArgumentsRequired": SourceRefusedError,
    "BadRequest": SourceRefusedError,
    "BadSymbol": UnknownSymbolError,
    "OperationRejected": SourceRefusedError,
    "NoChange": SourceRefusedError,
    "MarginModeAlreadySet": SourceRefusedError,
    "MarketClosed": SourceRefusedError,
    "ManualInteractionNeeded": SourceRefusedError,
    "RestrictedLocation": SourceRefusedError,
    "InsufficientFunds": SourceRefusedError,
    "InvalidAddress": SourceRefusedError,
    "AddressPending": SourceRefusedError,
    "InvalidOrder": SourceRefusedError,
    "OrderNotFound": SourceRefusedError,
    "OrderNotCached": SourceRefusedError,
    "OrderImmediatelyFillable": SourceRefusedError,
    "OrderNotFillable": SourceRefusedError,
    "DuplicateOrderId": SourceRefusedError,
    "ContractUnavailable": UnknownSymbolError,
    "NotSupported": UsageError,
    "InvalidProxySettings": UsageError,
    "ExchangeClosedByUser": SourceUnreachableError,
    "OperationFailed": SourceRefusedError,
    "NetworkError": SourceUnreachableError,
    "DDoSProtection": RateLimitedError,
    "RateLimitExceeded": RateLimitedError,
    "ExchangeNotAvailable": SourceRefusedError,
    "OnMaintenance": SourceRefusedError,
    "InvalidNonce": SourceRefusedError,
    "ChecksumError": MalformedAnswerError,
    "RequestTimeout": SourceUnreachableError,
    "BadResponse": MalformedAnswerError,
    "NullResponse": MalformedAnswerError,
    "CancelPending": SourceRefusedError,
    "UnsubscribeError": SourceRefusedError,
}


def ccxt_errors() -> dict[str, type[Exception]]:
    kinds = vars(importlib.import_module("ccxt.base.errors"))
    return {
        name: kind
        for name, kind in kinds.items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }


def test_every_error_of_ccxt_is_expected_here() -> None:
    assert ccxt_errors().keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_error_of_ccxt_is_one_of_ours(name: str) -> None:
    told = explain(ccxt_errors()[name]("a\nb\x1b[31m"), "ccxt:x", "BTC/USDT 1d", Answered())
    assert type(told) is EXPECTED[name]
    assert name in str(told)
    assert str(told).isprintable()


@pytest.mark.parametrize("kind", [KeyError, TypeError, IndexError, AttributeError, ValueError])
def test_what_ccxts_parsers_trip_over_is_a_malformed_answer(kind: type[Exception]) -> None:
    told = explain(kind("x"), "ccxt:x", "BTC/USDT 1d", Answered(200))
    assert type(told) is MalformedAnswerError


def test_what_a_vendor_wrote_becomes_one_printable_line() -> None:
    assert one_line("a\n b\t\x1b[31mc" + "x" * 500) == "a b [31mc" + "x" * 191


# --- quotes


def test_a_quote_is_the_last_price_at_the_exchanges_own_time(binance: FakeBinance) -> None:
    price, at = source(binance).quote("BTC-USDT", NOW)
    assert price == 68250.5
    assert at == pd.Timestamp(1710063000000, unit="ms", tz="UTC")


def test_a_quote_without_a_time_is_of_now(kraken: FakeKraken) -> None:
    assert source(kraken).quote("BTC/USD", NOW) == (68250.5, NOW)


def test_no_price_is_no_data(binance: FakeBinance) -> None:
    binance.queued = [Reply({"symbol": "BTCUSDT"})]
    with pytest.raises(NoDataError, match="no price of BTC/USDT now"):
        source(binance).quote(SYMBOL, NOW)


def test_a_quote_that_fails_is_typed(binance: FakeBinance) -> None:
    binance.always = Reply("{}", 403)
    with pytest.raises(SourceRefusedError, match="refuses the price of BTC/USDT"):
        source(binance).quote(SYMBOL, NOW)


def live(binance: FakeBinance, stream: str, read_seconds: float = 5.0) -> ExchangeSource:
    settings = binance.settings()
    settings["urls"]["api"]["ws"] = {"spot": stream}
    patience = replace(HASTY, read_seconds=read_seconds)
    return ExchangeSource("binance", settings=settings, patience=patience)


def test_a_live_quote_is_pushed_and_the_line_is_closed(binance: FakeBinance) -> None:
    with TickerStream() as stream:
        price, at = live(binance, stream.address).live_quote(SYMBOL, NOW)
        assert stream.closed.wait(5)
    assert (price, at) == (68260.5, pd.Timestamp(1710063000100, unit="ms", tz="UTC"))
    assert [question["params"] for question in stream.asked] == [["btcusdt@ticker"]]
    assert "/api/v3/ticker/24hr" not in [asked.path for asked in binance.asked]


def test_a_live_quote_is_had_inside_a_running_event_loop(binance: FakeBinance) -> None:
    async def inside(stream: TickerStream) -> tuple[float, pd.Timestamp]:
        return live(binance, stream.address).live_quote(SYMBOL, NOW)

    with TickerStream() as stream:
        assert asyncio.run(inside(stream))[0] == 68260.5


@pytest.mark.parametrize("says", ["[]", "{}", "no JSON", '{"e": "24hrTicker", "s": "BTCUSDT"}'])
def test_a_line_that_says_nothing_of_use_is_left_for_a_plain_quote(
    binance: FakeBinance, says: str
) -> None:
    with TickerStream(says) as stream:
        assert live(binance, stream.address, 0.5).live_quote(SYMBOL, NOW)[0] == 68250.5
        assert stream.closed.wait(5)


def test_a_line_that_cannot_be_had_is_left_for_a_plain_quote(binance: FakeBinance) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert live(binance, f"ws://127.0.0.1:{port}/ws").live_quote(SYMBOL, NOW)[0] == 68250.5


def test_an_exchange_that_pushes_nothing_is_asked_for_a_plain_quote(
    binance: FakeBinance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("ccxt.pro"), "exchanges", [])
    assert source(binance).live_quote(SYMBOL, NOW)[0] == 68250.5


@pytest.mark.parametrize(
    "wrong", [{"lastPrice": "-1"}, {"lastPrice": "inf"}, {"closeTime": 10**13}]
)
def test_a_price_that_cannot_be_is_a_malformed_answer(
    binance: FakeBinance, wrong: dict[str, Any]
) -> None:
    usual = {"symbol": "BTCUSDT", "lastPrice": "68250.50", "closeTime": 1710063000000}
    binance.always = Reply(usual | wrong)
    with pytest.raises(MalformedAnswerError, match="is no quote"):
        source(binance).quote(SYMBOL, NOW)


def test_ccxts_own_rate_limiter_spaces_the_requests(kraken: FakeKraken) -> None:
    settings = kraken.settings() | {"rateLimit": 60}
    subject = ExchangeSource("kraken", settings=settings)
    begin = time.monotonic()
    for _ in range(3):
        subject.quote("BTC/USD", NOW)
    assert time.monotonic() - begin >= 0.12
