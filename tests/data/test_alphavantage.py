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
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.time import DAY
from cryptobt.data.sources import alphavantage
from cryptobt.data.sources.alphavantage import BASE_URL, KEY_VARIABLE, AlphaVantageSource
from cryptobt.data.sources.registry import find_source
from cryptobt.data.validation import check_bars

from ..loopback import HASTY, Loopback, Reply
from .fake_vendors import alphavantage_chart, days_from

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
KEY = "SECRETKEY0815"
DAYS = days_from("2024-03-01", 10)
SERIES = "Time Series (Digital Currency Daily)"


def bar(place: int) -> list[str | None]:
    return [f"{100 + place}.00000000", f"{110 + place}.5", f"{90 + place}", f"{105 + place}", "7.5"]


BARS = {day: bar(place) for place, day in enumerate(DAYS)}


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback(Reply(alphavantage_chart(BARS))) as fake:
        yield fake


def fetch(
    vendor: Loopback, symbol: str = "BTC-USD", interval: str = "1d", now: pd.Timestamp = NOW
) -> pd.DataFrame:
    source = AlphaVantageSource(KEY, base_url=vendor.address, patience=HASTY)
    return source.fetch(symbol, interval, None, now)


def checked(vendor: Loopback, symbol: str = "BTC-USD", now: pd.Timestamp = NOW) -> pd.DataFrame:
    raw = fetch(vendor, symbol, now=now)
    return check_bars(raw, label=symbol, interval=DAY, on_bad_row="refuse", now=now)[0]


def failure(vendor: Loopback, symbol: str = "BTC-USD", interval: str = "1d") -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        fetch(vendor, symbol, interval)
    assert "\n" not in str(caught.value)
    assert "Alpha Vantage" in str(caught.value)
    assert KEY.lower() not in str(caught.value).lower()
    assert caught.value.__context__ is None
    return caught.value


def test_bars_arrive_newest_first_with_todays_forming_one(vendor: Loopback) -> None:
    raw = fetch(vendor)
    assert list(raw.columns) == ["time", "open", "high", "low", "close", "volume"]
    assert raw["time"].iloc[0] == pd.Timestamp("2024-03-10T00:00:00Z")
    assert str(raw["time"].dt.tz) == "UTC"
    bars = checked(vendor)
    assert len(bars) == 9
    assert bars.iloc[0].tolist() == [100.0, 110.5, 90.0, 105.0, 7.5]
    assert bars.iloc[-1].tolist() == [108.0, 118.5, 98.0, 113.0, 7.5]


def test_the_question_is_as_documented(vendor: Loopback) -> None:
    fetch(vendor, "btc-usd")
    (asked,) = vendor.asked
    assert asked.path == "/query"
    assert asked.query == {
        "function": "DIGITAL_CURRENCY_DAILY", "symbol": "BTC", "market": "USD", "apikey": KEY,
    }  # fmt: skip
    assert BASE_URL == "https://www.alphavantage.co"


def test_without_a_key_nothing_is_asked(vendor: Loopback) -> None:
    with pytest.raises(SourceRefusedError, match="set ALPHAVANTAGE_API_KEY in the environment"):
        AlphaVantageSource("", base_url=vendor.address).fetch("BTC-USD", "1d", None, NOW)
    assert vendor.asked == []


@pytest.mark.parametrize(("value", "key"), [(f" {KEY}\n", KEY), ("", ""), ("  ", ""), (None, "")])
def test_the_key_comes_from_the_environment(
    value: str | None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(KEY_VARIABLE, value)
    monkeypatch.setattr(alphavantage, "AlphaVantageSource", lambda given: given)
    assert find_source("alphavantage") == key  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("interval", ["1h", "1w", "1m"])
def test_another_interval_is_a_usage_error(vendor: Loopback, interval: str) -> None:
    assert type(failure(vendor, interval=interval)) is UsageError
    assert vendor.asked == []


@pytest.mark.parametrize("symbol", ["BTC", "", "-USD", "BTC-"])
def test_a_symbol_without_a_currency_is_not_asked(vendor: Loopback, symbol: str) -> None:
    error = failure(vendor, symbol)
    assert type(error) is UnknownSymbolError
    assert "such as BTC-USD" in str(error)
    assert vendor.asked == []


@pytest.mark.parametrize(("market", "closing"), [("EUR", 105.0), ("USD", 105.0)])
def test_the_legacy_layout_gives_the_currency_asked_for(
    vendor: Loopback, market: str, closing: float
) -> None:
    vendor.queued = [Reply(alphavantage_chart(BARS, market=market, legacy=True))]
    bars = checked(vendor, f"BTC-{market}")
    assert bars["close"].iloc[0] == closing
    assert bars["volume"].iloc[0] == 7.5


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
    vendor: Loopback, field: str, said: str, kind: type[CryptobtError], words: str, status: int
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
    vendor: Loopback, reply: Reply, kind: type[CryptobtError], words: str
) -> None:
    vendor.queued = [reply]
    error = failure(vendor)
    assert type(error) is kind
    assert words in str(error)


def test_the_key_reaches_no_log(vendor: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fetch(vendor)
    vendor.queued = [Reply({}, 500), Reply(manner="cut"), Reply({"Information": QUOTED})]
    failure(vendor)
    assert "/query?..." in caplog.text
    assert KEY not in caplog.text


def replay(vendor: Loopback, real_data: Path, name: str) -> None:
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
    vendor: Loopback,
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
    vendor: Loopback, real_data: Path
) -> None:
    replay(vendor, real_data, "digital_currency_daily_btc_legacy")
    bars = checked(vendor, "BTC-SEK", pd.Timestamp("2022-11-18T00:00:00Z"))
    assert bars.index[0] == pd.Timestamp("2022-11-15T00:00:00Z")
    assert bars.to_numpy().tolist() == [
        [173904.273623, 179314.359503, 172962.424523, 176864.296044, 282461.84391],
        [176864.296044, 178071.432641, 175452.254944, 177033.619583, 53187.57454],
    ]


@pytest.mark.real_data
def test_the_recorded_error_is_an_unknown_symbol(vendor: Loopback, real_data: Path) -> None:
    replay(vendor, real_data, "error_http200")
    assert type(failure(vendor)) is UnknownSymbolError
