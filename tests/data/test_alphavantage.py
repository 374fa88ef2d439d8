"""The Alpha Vantage source against an Alpha Vantage of our own, and against recorded answers."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.time import DAY
from cryptobt.data.sources.alphavantage import BASE_URL, KEY_VARIABLE, AlphaVantageSource
from cryptobt.data.validation import check_bars

from .fake_vendors import HASTY, HTML, FakeVendor, Reply, alphavantage_chart, days_from

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
KEY = "SECRETKEY0815"
DAYS = days_from("2024-03-01", 10)
SERIES = "Time Series (Digital Currency Daily)"


def bar(place: int) -> list[str | None]:
    return [f"{100 + place}.00000000", f"{110 + place}.5", f"{90 + place}", f"{105 + place}", "7.5"]


BARS = {day: bar(place) for place, day in enumerate(DAYS)}


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVendor]:
    monkeypatch.setenv(KEY_VARIABLE, f" {KEY}\n")
    with FakeVendor(lambda _: Reply(alphavantage_chart(BARS))) as fake:
        yield fake


def fetch(
    vendor: FakeVendor, symbol: str = "BTC-USD", interval: str = "1d", now: pd.Timestamp = NOW
) -> pd.DataFrame:
    source = AlphaVantageSource(base_url=vendor.address, patience=HASTY, sleep=lambda _: None)
    return source.fetch(symbol, interval, None, now)


def checked(vendor: FakeVendor, symbol: str = "BTC-USD", now: pd.Timestamp = NOW) -> pd.DataFrame:
    raw = fetch(vendor, symbol, now=now)
    return check_bars(raw, label=symbol, interval=DAY, on_bad_row="refuse", now=now)[0]


def failure(vendor: FakeVendor, symbol: str = "BTC-USD", interval: str = "1d") -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        fetch(vendor, symbol, interval)
    assert "\n" not in str(caught.value)
    assert "Alpha Vantage" in str(caught.value)
    assert KEY.lower() not in str(caught.value).lower()
    assert caught.value.__context__ is None
    return caught.value


def test_bars_arrive_newest_first_with_todays_forming_one(vendor: FakeVendor) -> None:
    raw = fetch(vendor)
    assert list(raw.columns) == ["time", "open", "high", "low", "close", "volume"]
    assert raw["time"].iloc[0] == pd.Timestamp("2024-03-10T00:00:00Z")
    assert str(raw["time"].dt.tz) == "UTC"
    bars = checked(vendor)
    assert len(bars) == 9
    assert bars.iloc[0].tolist() == [100.0, 110.5, 90.0, 105.0, 7.5]
    assert bars.iloc[-1].tolist() == [108.0, 118.5, 98.0, 113.0, 7.5]


def test_the_question_is_as_documented(vendor: FakeVendor) -> None:
    fetch(vendor, "btc-usd")
    (asked,) = vendor.asked
    assert asked.path == "/query"
    assert asked.query == {
        "function": "DIGITAL_CURRENCY_DAILY", "symbol": "BTC", "market": "USD", "apikey": KEY,
    }  # fmt: skip
    assert BASE_URL == "https://www.alphavantage.co"


def test_without_a_key_nothing_is_asked(
    vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (None, "", "  "):
        monkeypatch.delenv(KEY_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(KEY_VARIABLE, value)
        error = failure(vendor)
        assert type(error) is SourceRefusedError
        assert "set ALPHAVANTAGE_API_KEY in the environment" in str(error)
    assert vendor.asked == []


@pytest.mark.parametrize("interval", ["1h", "1w", "1m"])
def test_another_interval_is_a_usage_error(vendor: FakeVendor, interval: str) -> None:
    assert type(failure(vendor, interval=interval)) is UsageError
    assert vendor.asked == []


@pytest.mark.parametrize("symbol", ["BTC", "", "-USD", "BTC-"])
def test_a_symbol_without_a_currency_is_not_asked(vendor: FakeVendor, symbol: str) -> None:
    error = failure(vendor, symbol)
    assert type(error) is UnknownSymbolError
    assert "such as BTC-USD" in str(error)
    assert vendor.asked == []


@pytest.mark.parametrize(("market", "closing"), [("EUR", 105.0), ("USD", 105.0)])
def test_the_legacy_layout_gives_the_currency_asked_for(
    vendor: FakeVendor, market: str, closing: float
) -> None:
    vendor.queued = [Reply(alphavantage_chart(BARS, market=market, legacy=True))]
    bars = checked(vendor, f"BTC-{market}")
    assert bars["close"].iloc[0] == closing
    assert bars["volume"].iloc[0] == 7.5


def test_a_missing_yesterday_beside_a_partial_today_is_missing(vendor: FakeVendor) -> None:
    vendor.queued = [Reply(alphavantage_chart({d: BARS[d] for d in DAYS if d != DAYS[8]}))]
    assert checked(vendor).index[-1] == pd.Timestamp("2024-03-08T00:00:00Z")


def test_a_day_of_nulls_is_a_gap(vendor: FakeVendor) -> None:
    vendor.queued = [Reply(alphavantage_chart({**BARS, DAYS[4]: [None] * 5}))]
    bars = checked(vendor)
    assert len(bars) == 8
    assert pd.Timestamp("2024-03-05T00:00:00Z") not in bars.index


def test_rewritten_history_is_told_as_it_is_now(vendor: FakeVendor) -> None:
    assert checked(vendor)["close"].iloc[0] == 105.0
    vendor.queued = [Reply(alphavantage_chart({**BARS, DAYS[0]: ["100", "110", "90", "99", "1"]}))]
    assert checked(vendor)["close"].iloc[0] == 99.0


QUOTED = (
    f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per "
    "day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ "
    "to instantly remove all daily rate limits."
)
INVALID_KEY = (
    "the parameter apikey is invalid or missing. Please claim your free API key on "
    "(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
)
INVALID_CALL = (
    "Invalid API call. Please retry or visit the documentation "
    "(https://www.alphavantage.co/documentation/) for DIGITAL_CURRENCY_DAILY."
)
FREQUENCY = (
    "Thank you! Our standard API call frequency is 5 calls per minute and 500 calls per day."
)
PREMIUM = "Thank you for using Alpha Vantage! This is a premium endpoint."


@pytest.mark.parametrize(
    ("field", "said", "kind", "words"),
    [
        ("Information", QUOTED, RateLimitedError, "your API key as *** and"),
        ("Information", "Please consider spreading out your free API requests more sparingly",
         RateLimitedError, "try again later"),
        ("Information", PREMIUM, SourceRefusedError, "premium endpoint"),
        ("Information", "The **demo** API key is for demo purposes only.",
         SourceRefusedError, "check the key in ALPHAVANTAGE_API_KEY"),
        ("Note", FREQUENCY, RateLimitedError, "5 calls per minute"),
        ("Note", "Please consider optimizing your API call frequency", RateLimitedError, "later"),
        ("Error Message", INVALID_KEY, SourceRefusedError, "check the key in ALPHAVANTAGE_API_KEY"),
        ("Error Message", INVALID_CALL, UnknownSymbolError, "check the symbol, such as BTC-USD"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 403])
def test_an_error_inside_an_answer_is_typed(
    vendor: FakeVendor, field: str, said: str, kind: type[CryptobtError], words: str, status: int
) -> None:
    vendor.queued = [Reply({field: said}, status)]
    error = failure(vendor)
    assert type(error) is kind
    assert words in str(error)
    assert len(vendor.asked) == 1


def with_meta(**changed: Any) -> dict[str, Any]:
    chart = alphavantage_chart(BARS)
    names = {"coin": "2. Digital Currency Code", "market": "4. Market Code", "zone": "7. Time Zone"}
    meta = chart["Meta Data"] | {names[name]: value for name, value in changed.items()}
    return chart | {"Meta Data": meta}


def with_row(day: str, values: Any) -> dict[str, Any]:
    chart = alphavantage_chart(BARS)
    return chart | {SERIES: chart[SERIES] | {day: values}}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(HTML, 401), SourceRefusedError, "HTTP status 401"),
        (Reply(HTML, 404), SourceRefusedError, "HTTP status 404"),
        (Reply({}, 422), SourceRefusedError, "HTTP status 422"),
        (Reply({}, 429, {"Retry-After": "3600"}), RateLimitedError, "3600 s"),
        (Reply(b'{"Meta Data": {"1. Inf'), MalformedAnswerError, "no JSON"),
        (Reply(HTML), MalformedAnswerError, "HTML instead of JSON"),
        (Reply({}), MalformedAnswerError, "neither bars nor an error"),
        (Reply([]), MalformedAnswerError, "neither bars nor an error"),
        (Reply(with_meta(zone="EST")), MalformedAnswerError, "'EST' instead of 'UTC'"),
        (Reply(with_meta(zone=None)), MalformedAnswerError, "'None' instead of 'UTC'"),
        (Reply(with_meta(coin="ETH")), MalformedAnswerError, "'ETH' instead of 'BTC'"),
        (Reply(with_meta(market="EUR")), MalformedAnswerError, "'EUR' instead of 'USD'"),
        (Reply(alphavantage_chart({})), MalformedAnswerError, "no series of days"),
        (Reply(with_row("yesterday", {})), MalformedAnswerError, "the day 'yesterday'"),
        (Reply(with_row("2024-03-11", {})), MalformedAnswerError, "no open on 2024-03-11"),
        (Reply(with_row("2024-03-11", None)), MalformedAnswerError, "no open on 2024-03-11"),
        (Reply(with_row("2024-03-11", {"1. open": "1"})), MalformedAnswerError, "no high on"),
        (
            Reply(with_row("2024-03-11", {"1a. open (EUR)": "1", "1b. open (GBP)": "2"})),
            MalformedAnswerError, "no open on",
        ),
    ],
)  # fmt: skip
def test_refusals_and_nonsense_are_typed(
    vendor: FakeVendor, reply: Reply, kind: type[CryptobtError], words: str
) -> None:
    vendor.queued = [reply]
    error = failure(vendor)
    assert type(error) is kind
    assert words in str(error)


def test_a_fault_of_the_vendor_is_refused_after_the_last_try(vendor: FakeVendor) -> None:
    vendor.queued = [Reply(HTML, 500)] * 3
    assert type(failure(vendor)) is SourceRefusedError
    vendor.queued = [Reply(HTML, 500)]
    assert len(fetch(vendor)) == 10


@pytest.mark.parametrize("manner", ["hang", "cut"])
def test_silence_is_unreachable(vendor: FakeVendor, manner: str) -> None:
    vendor.queued = [Reply(manner=manner)] * 3
    assert type(failure(vendor)) is SourceUnreachableError


def test_the_key_reaches_no_log(vendor: FakeVendor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fetch(vendor)
    vendor.queued = [Reply({}, 500), Reply(manner="cut"), Reply({"Information": QUOTED})]
    failure(vendor)
    assert "/query?..." in caplog.text
    assert KEY not in caplog.text


def replay(vendor: FakeVendor, real_data: Path, name: str) -> None:
    vendor.queued = [Reply((real_data / "fixtures" / f"alphavantage_{name}.json").read_bytes())]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("market", "first", "last"),
    [
        ("usd", [63452.18, 64400.0, 61645.09, 63814.94, 17710.28213211],
         [82624.06, 83508.98, 81538.88, 82379.98, 2472.72302228]),
        ("eur", None, [76346.0, 77221.12, 75432.48, 76135.85, 204.16296485]),
    ],
)  # fmt: skip
def test_recorded_bars_are_read(
    vendor: FakeVendor,
    real_data: Path,
    market: str,
    first: list[float] | None,
    last: list[float],
) -> None:
    replay(vendor, real_data, f"digital_currency_daily_btc_{market}")
    bars = checked(vendor, f"BTC-{market}", pd.Timestamp("2025-03-31T12:00:00Z"))
    # the bar of 2025-03-31 still forms at noon of its day
    assert bars.index[-1] == pd.Timestamp("2025-03-30T00:00:00Z")
    assert bars.iloc[-1].tolist() == last
    if first:
        assert bars.index[0] == pd.Timestamp("2024-04-16T00:00:00Z")
        assert len(bars) == 349
        assert bars.iloc[0].tolist() == first


@pytest.mark.real_data
def test_recorded_legacy_bars_are_read_in_the_currency_asked_for(
    vendor: FakeVendor, real_data: Path
) -> None:
    replay(vendor, real_data, "digital_currency_daily_btc_legacy")
    bars = checked(vendor, "BTC-SEK", pd.Timestamp("2022-11-18T00:00:00Z"))
    assert bars.index[0] == pd.Timestamp("2022-11-15T00:00:00Z")
    assert bars.to_numpy().tolist() == [
        [173904.273623, 179314.359503, 172962.424523, 176864.296044, 282461.84391],
        [176864.296044, 178071.432641, 175452.254944, 177033.619583, 53187.57454],
    ]


@pytest.mark.real_data
def test_the_recorded_error_is_an_unknown_symbol(vendor: FakeVendor, real_data: Path) -> None:
    replay(vendor, real_data, "error_http200")
    assert type(failure(vendor)) is UnknownSymbolError
