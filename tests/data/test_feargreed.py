"""The fear and greed source against an alternative.me of our own, and against a recorded answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    NoDataError,
    SourceRefusedError,
    UnknownSymbolError,
)
from cryptobt.core.types import ExtraSeries
from cryptobt.data.sources.feargreed import BASE_URL, FearGreedSource

from ..loopback import HASTY, Loopback, Reply
from .fake_vendors import days_from, fear_greed

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
DAYS = days_from("2024-03-01", 10)
VALUES: dict[str, str | None] = {day: str(40 + place) for place, day in enumerate(DAYS)}


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback(Reply(fear_greed(VALUES))) as fake:
        yield fake


def fetch(
    vendor: Loopback, since: pd.Timestamp | None = None, now: pd.Timestamp = NOW, key: str = ""
) -> ExtraSeries:
    source = FearGreedSource(base_url=vendor.address, patience=HASTY)
    return source.fetch(key, since, now)


def failure(vendor: Loopback, key: str = "") -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        fetch(vendor, key=key)
    assert "\n" not in str(caught.value)
    assert "alternative.me" in str(caught.value)
    return caught.value


def test_values_arrive_oldest_first_and_may_be_used_at_their_timestamp(vendor: Loopback) -> None:
    series = fetch(vendor)
    assert (series.name, series.source, series.lag_hours) == ("sentiment", "feargreed", 0.0)
    frame = series.frame
    assert list(frame.columns) == ["fear_greed", "available_at"]
    assert frame.index.name == "time"
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert frame["fear_greed"].tolist() == [40.0 + place for place in range(10)]
    assert frame.index[0] == pd.Timestamp("2024-03-01T00:00:00Z")
    assert frame["available_at"].tolist() == list(frame.index)


def test_the_question_is_as_documented(vendor: Loopback) -> None:
    fetch(vendor)
    (asked,) = vendor.asked
    assert (asked.path, asked.query) == ("/fng/", {"limit": "0", "format": "json"})
    assert BASE_URL == "https://api.alternative.me"


def test_only_what_is_published_and_asked_for_arrives(vendor: Loopback) -> None:
    early = pd.Timestamp("2024-03-05T00:00:00Z")
    assert fetch(vendor, now=early).frame.index[-1] == early
    just_before = early - pd.Timedelta(seconds=1)
    assert fetch(vendor, now=just_before).frame.index[-1] == early - pd.Timedelta(days=1)
    assert fetch(vendor, since=early).frame.index[0] == early
    assert len(fetch(vendor, since=pd.Timestamp("2024-03-10T01:00:00Z")).frame) == 0


def test_there_is_one_index_only(vendor: Loopback) -> None:
    assert type(failure(vendor, key="ETH")) is UnknownSymbolError
    assert vendor.asked == []


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_day_without_a_value_is_left_out(vendor: Loopback, nothing: str | None) -> None:
    vendor.queued = [Reply(fear_greed({**VALUES, DAYS[3]: nothing}))]
    frame = fetch(vendor).frame
    assert len(frame) == 9
    assert pd.Timestamp(DAYS[3], tz="UTC") not in frame.index


def test_a_missing_yesterday_is_missing(vendor: Loopback) -> None:
    vendor.queued = [Reply(fear_greed({d: VALUES[d] for d in DAYS if d != DAYS[8]}))]
    assert [f"{day:%d}" for day in fetch(vendor).frame.index[-2:]] == ["08", "10"]


def test_rewritten_history_is_told_as_it_is_now(vendor: Loopback) -> None:
    before = fetch(vendor)
    vendor.queued = [Reply(fear_greed({**VALUES, DAYS[0]: "99"}))]
    after = fetch(vendor)
    assert (before.frame["fear_greed"].iloc[0], after.frame["fear_greed"].iloc[0]) == (40.0, 99.0)
    assert before.hash != after.hash


def answer(*rows: Any, error: Any = None) -> dict[str, Any]:
    return {"name": "Fear and Greed Index", "data": list(rows), "metadata": {"error": error}}


def row(value: Any, timestamp: Any = "1709251200") -> dict[str, Any]:
    return {"value": value, "value_classification": "Fear", "timestamp": timestamp}


def test_a_row_that_comes_twice_counts_once(vendor: Loopback) -> None:
    vendor.queued = [Reply(answer(row("40"), row("40")))]
    assert fetch(vendor).frame["fear_greed"].tolist() == [40.0]


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply({"data": [], "metadata": {"error": "Too many requests"}}), SourceRefusedError,
         "refuses with 'Too many requests'"),
        (Reply(answer(row("40"), error="odd")), SourceRefusedError, "'odd'"),
        (Reply(answer(error="no limit"), 422), SourceRefusedError, "422, 'no limit'"),
        (Reply(answer()), NoDataError, "gives no value"),
        (Reply(answer(row(None))), NoDataError, "gives no value"),
        (Reply([]), MalformedAnswerError, "no list of days"),
        (Reply({"data": None}), MalformedAnswerError, "no list of days"),
        (Reply(answer("odd")), MalformedAnswerError, "the row odd"),
        (Reply(answer({"value": "40"})), MalformedAnswerError, "the row {'value': '40'}"),
        (Reply(answer(row("greedy"))), MalformedAnswerError, "'greedy'"),
        (Reply(answer(row("40", "03-01-2024"))), MalformedAnswerError, "'03-01-2024'"),
        (Reply(answer(row("40", 1709251200000))), MalformedAnswerError, "timestamp 1709251200000"),
        (Reply(answer(row("101"))), MalformedAnswerError, "the value 101"),
        (Reply(answer(row("-1"))), MalformedAnswerError, "the value -1"),
        (Reply(answer(row("nan"))), MalformedAnswerError, "the value nan"),
        (Reply(answer(row("40"), row("41"))), MalformedAnswerError, "two values of the instant"),
    ],
)  # fmt: skip
def test_refusals_and_nonsense_are_typed(
    vendor: Loopback, reply: Reply, kind: type[CryptobtError], words: str
) -> None:
    vendor.queued = [reply]
    error = failure(vendor)
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.real_data
def test_the_recorded_index_is_read(vendor: Loopback, real_data: Path) -> None:
    file = real_data / "fixtures" / "alternative_me_fng_limit0.json"
    vendor.queued = [Reply(file.read_bytes())]
    frame = fetch(vendor, now=pd.Timestamp("2026-03-04T12:00:00Z")).frame
    assert len(frame) == 2950
    assert frame.index[0] == pd.Timestamp("2018-02-01T00:00:00Z")
    assert frame["fear_greed"].iloc[:5].tolist() == [30.0, 15.0, 40.0, 24.0, 11.0]
    assert frame.index[-1] == pd.Timestamp("2026-03-04T00:00:00Z")
    assert frame["fear_greed"].iloc[-4:].tolist() == [14.0, 10.0, 14.0, 10.0]
    assert (frame["available_at"] == frame.index).all()
