"""The Coin Metrics source against a Coin Metrics of our own, and against recorded answers."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import (
    CryptobtError,
    DataUnavailableError,
    MalformedAnswerError,
    NoDataError,
    SourceRefusedError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.types import ExtraSeries
from cryptobt.data.extras import extra_source
from cryptobt.data.sources import coinmetrics
from cryptobt.data.sources.coinmetrics import BASE_URL, CoinMetricsSource
from cryptobt.data.store import Extra

from ..loopback import HASTY, HTML, Loopback, Reply
from .fake_vendors import FakeCoinMetrics, bad_parameter, coinmetrics_error, days_from

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
DAYS = days_from("2024-03-01", 8)


def values(place: int) -> dict[str, str | None]:
    return {"AdrActCnt": f"{900 + place}", "TxCnt": f"{400 + place}", "FeeTotNtv": f"{place}.25"}


@pytest.fixture
def vendor() -> Iterator[FakeCoinMetrics]:
    days = {day: values(place) for place, day in enumerate(DAYS)}
    with FakeCoinMetrics({"btc": days, "sol": {DAYS[0]: {"PriceUSD": "130.5"}}}) as fake:
        yield fake


def source(vendor: Loopback, *metrics: str, lag_hours: float = 24.0) -> CoinMetricsSource:
    return CoinMetricsSource(
        metrics or coinmetrics.METRICS,
        lag_hours,
        base_url=f"{vendor.address}/v4",
        patience=HASTY,
    )


def fetch(vendor: Loopback, key: str = "btc", since: str | None = None) -> ExtraSeries:
    return source(vendor).fetch(key, since and pd.Timestamp(since, tz="UTC"), NOW)  # type: ignore


def failure(vendor: Loopback, key: str = "btc", *metrics: str) -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        source(vendor, *metrics).fetch(key, None, NOW)
    assert "\n" not in str(caught.value)
    assert "Coin Metrics" in str(caught.value)
    return caught.value


def test_days_arrive_with_their_publication(vendor: FakeCoinMetrics) -> None:
    series = fetch(vendor)
    assert (series.name, series.source, series.lag_hours) == ("onchain", "coinmetrics", 24.0)
    frame = series.frame
    assert list(frame.columns) == ["adractcnt", "txcnt", "feetotntv", "available_at"]
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert frame.index.name == "time"
    assert frame.index[0] == pd.Timestamp("2024-03-01T00:00:00Z")
    assert frame.iloc[0, :3].tolist() == [900.0, 400.0, 0.25]
    assert frame.iloc[6, :3].tolist() == [906.0, 406.0, 6.25]
    # the day of 2024-03-01 ends at the start of the 2nd and is published 24 hours later
    assert frame["available_at"].iloc[0] == pd.Timestamp("2024-03-03T00:00:00Z")


def test_the_question_is_as_documented(vendor: FakeCoinMetrics) -> None:
    fetch(vendor, since="2024-03-04")
    (asked,) = vendor.asked
    assert asked.path == "/v4/timeseries/asset-metrics"
    assert asked.query == {
        "assets": "btc", "metrics": "AdrActCnt,TxCnt,FeeTotNtv", "frequency": "1d",
        "page_size": "10000", "paging_from": "start", "start_time": "2024-03-04T00:00:00Z",
    }  # fmt: skip
    assert BASE_URL == "https://community-api.coinmetrics.io/v4"


def test_days_that_are_not_published_yet_are_left_out(vendor: FakeCoinMetrics) -> None:
    # at 09:30 of the 10th the 8th (over at the 9th, out at the 10th) is the newest
    assert fetch(vendor).frame.index[-1] == pd.Timestamp("2024-03-08T00:00:00Z")
    slow = source(vendor, lag_hours=48.0).fetch("btc", None, NOW)
    assert slow.frame.index[-1] == pd.Timestamp("2024-03-07T00:00:00Z")
    assert slow.frame["available_at"].iloc[-1] == pd.Timestamp("2024-03-10T00:00:00Z")


def test_a_day_may_be_used_at_the_instant_of_its_publication(vendor: FakeCoinMetrics) -> None:
    out = pd.Timestamp("2024-03-10T00:00:00Z")
    early = source(vendor).fetch("btc", None, out - pd.Timedelta(seconds=1))
    assert early.frame.index[-1] == pd.Timestamp("2024-03-07T00:00:00Z")
    assert source(vendor).fetch("btc", None, out).frame["available_at"].iloc[-1] == out


def test_a_partial_today_is_left_out_and_a_missing_yesterday_is_missing(
    vendor: FakeCoinMetrics,
) -> None:
    vendor.days["btc"]["2024-03-10"] = values(50)
    frame = source(vendor, lag_hours=0.0).fetch("btc", None, NOW).frame
    assert frame.index[-1] == pd.Timestamp("2024-03-08T00:00:00Z")


def test_pages_are_followed_and_joined(vendor: FakeCoinMetrics) -> None:
    whole = fetch(vendor)
    vendor.page_rows = 3
    vendor.asked.clear()
    pd.testing.assert_frame_equal(fetch(vendor).frame, whole.frame)
    tokens = [asked.query.get("next_page_token") for asked in vendor.asked]
    assert tokens == [None, "0.3", "0.6"]


def test_a_token_without_an_address_is_followed(vendor: FakeCoinMetrics) -> None:
    first = {"data": [row("2024-03-01")], "next_page_token": "0.4"}
    vendor.queued = [Reply(first)]
    assert len(fetch(vendor).frame) == 5
    assert vendor.asked[1].query["next_page_token"] == "0.4"
    assert vendor.asked[1].query["assets"] == "btc"


def row(day: str, asset: str = "btc", **metrics: Any) -> dict[str, Any]:
    return {"asset": asset, "time": f"{day}T00:00:00.000000000Z", **values(0), **metrics}


def test_a_next_page_on_another_host_is_not_asked(vendor: FakeCoinMetrics) -> None:
    tls = vendor.address.replace("http", "https")
    for elsewhere in ("http://elsewhere.invalid/v4", "http://127.0.0.1:1/v4", tls, "/v4"):
        vendor.queued = [Reply({"data": [row("2024-03-01")], "next_page_url": elsewhere})]
        error = failure(vendor)
        assert type(error) is MalformedAnswerError
        assert "a next page on another host" in str(error)


def test_pages_without_an_end_are_malformed(vendor: FakeCoinMetrics) -> None:
    turn = {"data": [row("2024-03-01")], "next_page_token": "0.0"}
    vendor.always = Reply(turn)
    assert "more than 100 pages" in str(failure(vendor))


@pytest.mark.parametrize("key", ["btc", "BTC", "BTC-USD", "btc-eur"])
def test_a_symbol_names_its_asset(vendor: FakeCoinMetrics, key: str) -> None:
    assert len(fetch(vendor, key).frame) == 8
    assert vendor.asked[0].query["assets"] == "btc"


@pytest.mark.parametrize("key", ["", "-USD", "btc,eth", "*", "a b"])
def test_a_key_that_is_no_asset_is_not_asked(vendor: FakeCoinMetrics, key: str) -> None:
    assert type(failure(vendor, key)) is UnknownSymbolError
    assert vendor.asked == []


def test_values_that_are_not_there_are_nan_and_empty_days_are_left_out(
    vendor: FakeCoinMetrics,
) -> None:
    days = vendor.days["btc"]
    days[DAYS[1]] |= {"AdrActCnt": None}
    del days[DAYS[2]]["TxCnt"]
    days[DAYS[3]] = dict.fromkeys(values(0))
    days[DAYS[4]] = {}
    frame = fetch(vendor).frame
    assert math.isnan(frame["adractcnt"].iloc[1])
    assert frame.loc["2024-03-02", "txcnt"] == 401.0
    assert math.isnan(frame["txcnt"].iloc[2])
    assert [f"{day:%d}" for day in frame.index] == ["01", "02", "03", "06", "07", "08"]


def test_other_metrics_are_asked_for_and_named_in_lower_case(vendor: FakeCoinMetrics) -> None:
    frame = source(vendor, "PriceUSD").fetch("SOL-USD", None, NOW).frame
    assert frame["priceusd"].tolist() == [130.5]


@pytest.mark.parametrize("metrics", [("Price USD",), ("",), ("TxCnt", "txcnt"), ("a,b",)])
def test_names_that_are_no_metrics_are_a_usage_error(metrics: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="Coin Metrics"):
        CoinMetricsSource(metrics)


def test_an_unknown_asset_is_said(vendor: FakeCoinMetrics) -> None:
    error = failure(vendor, "NOPE-USD")
    assert type(error) is UnknownSymbolError
    assert "has no 'nope'" in str(error)
    assert "check the symbol" in str(error)


def test_an_asset_without_the_metrics_names_what_it_has(vendor: FakeCoinMetrics) -> None:
    error = failure(vendor, "sol")
    assert type(error) is NoDataError
    assert "has no AdrActCnt, TxCnt, FeeTotNtv of sol" in str(error)
    # neither the hourly ReferenceRate nor the NVTAdj that the community does not get
    assert str(error).endswith("ask for what it has there: PriceUSD")


def test_an_asset_without_one_of_the_metrics_names_what_it_has(vendor: FakeCoinMetrics) -> None:
    error = failure(vendor, "btc", "TxCnt", "HashRate")
    assert type(error) is NoDataError
    assert "has no HashRate of btc" in str(error)
    assert str(error).endswith("ask for what it has there: AdrActCnt, FeeTotNtv, TxCnt")


def test_a_metric_that_must_be_paid_for_names_what_is_free(vendor: FakeCoinMetrics) -> None:
    vendor.paid = {"TxCnt"}
    error = failure(vendor)
    assert type(error) is NoDataError
    assert "has no TxCnt of btc" in str(error)
    assert str(error).endswith("ask for what it has there: AdrActCnt, FeeTotNtv")


def test_a_long_list_of_metrics_is_cut(vendor: FakeCoinMetrics) -> None:
    vendor.days["sol"][DAYS[0]] = {f"M{place:02d}": "1" for place in range(50)}
    assert str(failure(vendor, "sol")).endswith("M38, M39 and 10 more")


def test_a_metric_without_any_value_is_no_data(vendor: FakeCoinMetrics) -> None:
    for day in DAYS:
        vendor.days["btc"][day]["TxCnt"] = None
    error = failure(vendor)
    assert type(error) is NoDataError
    assert "gives no value of txcnt" in str(error)


def test_no_row_is_no_data_unless_only_newer_ones_are_asked_for(vendor: FakeCoinMetrics) -> None:
    vendor.queued = [Reply({"data": []})]
    assert type(failure(vendor)) is NoDataError
    series = fetch(vendor, since="2024-03-09")
    assert len(series.frame) == 0
    assert list(series.frame.columns) == ["adractcnt", "txcnt", "feetotntv", "available_at"]
    assert str(series.frame.index.dtype) == "datetime64[ns, UTC]"


def test_only_days_from_since_on_arrive(vendor: FakeCoinMetrics) -> None:
    assert fetch(vendor, since="2024-03-06").frame["txcnt"].tolist() == [405.0, 406.0, 407.0]
    assert fetch(vendor, since="2024-03-06T01:00").frame["txcnt"].tolist() == [406.0, 407.0]


def test_rewritten_history_is_told_as_it_is_now(vendor: FakeCoinMetrics) -> None:
    before = fetch(vendor)
    vendor.days["btc"][DAYS[0]] |= {"TxCnt": "7"}
    after = fetch(vendor)
    assert before.frame["txcnt"].iloc[0] == 400.0
    assert after.frame["txcnt"].iloc[0] == 7.0
    assert before.hash != after.hash


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            coinmetrics_error(401, "unauthorized", "Requested resource requires authorization."),
            SourceRefusedError, "HTTP status 401, 'Requested resource requires authorization.'",
        ),
        (coinmetrics_error(404, "not_found", "None."), SourceRefusedError, "404, 'None.'"),
        (coinmetrics_error(422, "unprocessable", "Bad."), SourceRefusedError, "422, 'Bad.'"),
        (bad_parameter("Bad parameter 'page_size'."), SourceRefusedError, "'page_size'"),
        (Reply(HTML, 403), SourceRefusedError, "HTTP status 403"),
        (Reply([], 400), SourceRefusedError, "HTTP status 400"),
        (
            Reply({"error": {"type": "forbidden", "message": "Not yours."}}),
            SourceRefusedError, "'Not yours.'",
        ),
        (Reply({"error": "odd"}), SourceRefusedError, "HTTP status 200"),
        (Reply([]), MalformedAnswerError, "no list of rows"),
        (Reply({"data": {}}), MalformedAnswerError, "no list of rows"),
        (Reply({"data": [3]}), MalformedAnswerError, "a row that is not of this asset"),
        (Reply({"data": [row("2024-03-01", "eth")]}), MalformedAnswerError, "not of this asset"),
        (Reply({"data": [row("2024-13-01")]}), MalformedAnswerError, "the day '2024-13-01T"),
        (Reply({"data": [{"asset": "btc"}]}), MalformedAnswerError, "the day 'None'"),
        (
            Reply({"data": [row("2024-03-01", time="2024-03-01T12:00:00Z")]}),
            MalformedAnswerError, "the day '2024-03-01T12",
        ),
        (
            Reply({"data": [row("2024-03-01", TxCnt="many")]}),
            MalformedAnswerError, "TxCnt 'many' at 2024-03-01, which is no finite number",
        ),
        (Reply({"data": [row("2024-03-01", TxCnt="Infinity")]}), MalformedAnswerError, "finite"),
        (Reply({"data": [row("2024-03-01", TxCnt=[1])]}), MalformedAnswerError, "finite"),
        (Reply({"data": [row("2024-03-01", TxCnt=True)]}), MalformedAnswerError, "finite"),
        (
            Reply({"data": [row("2024-03-01"), row("2024-03-01", TxCnt="1")]}),
            MalformedAnswerError, "two rows of 2024-03-01 that differ",
        ),
    ],
)  # fmt: skip
def test_refusals_and_nonsense_are_typed(
    vendor: FakeCoinMetrics, reply: Reply, kind: type[CryptobtError], words: str
) -> None:
    vendor.queued = [reply]
    error = failure(vendor)
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize("catalog", [Reply({"data": [{}]}), Reply(HTML), Reply({}, 404)])
def test_a_catalog_that_fails_leaves_the_vendors_own_words(
    vendor: FakeCoinMetrics, catalog: Reply
) -> None:
    vendor.queued = [bad_parameter("Bad parameter 'metrics'."), catalog]
    error = failure(vendor)
    assert isinstance(error, DataUnavailableError)
    assert "'Bad parameter 'metrics'.'" in str(error)


def test_a_row_that_comes_twice_counts_once(vendor: FakeCoinMetrics) -> None:
    twice = row("2024-03-01", TxCnt=None)
    vendor.queued = [Reply({"data": [twice, row("2024-03-02"), twice]})]
    assert len(fetch(vendor).frame) == 2


@pytest.mark.real_data
def test_the_recorded_day_is_read(vendor: FakeCoinMetrics, real_data: Path) -> None:
    file = real_data / "fixtures" / "coinmetrics_v4_asset_metrics_btc.json"
    vendor.queued = [Reply(file.read_bytes())]
    now = pd.Timestamp("2026-03-01T00:00:00Z")
    frame = source(vendor, "AdrActCnt", "BlkCnt", "TxCnt").fetch("BTC-USD", None, now).frame
    (only,) = frame.itertuples()
    assert only.Index == pd.Timestamp("2026-02-17T00:00:00Z")
    assert (only.adractcnt, only.blkcnt, only.txcnt) == (595_445.0, 165.0, 661_420.0)
    assert only.available_at == pd.Timestamp("2026-02-19T00:00:00Z")


@pytest.mark.real_data
def test_the_vendors_own_examples_are_read(vendor: FakeCoinMetrics, real_data: Path) -> None:
    file = real_data / "fixtures" / "coinmetrics_openapi_assetmetrics.json"
    examples = json.loads(file.read_text())
    content = examples["AssetMetrics"]["content"]["application/json"]["examples"]
    daily = content["daily_metrics"]["value"]
    now = pd.Timestamp("2020-04-01T00:00:00Z")
    # its next page lies on the host of those who pay
    vendor.queued = [Reply(daily)]
    with pytest.raises(MalformedAnswerError, match="another host"):
        source(vendor, "PriceUSD", "SplyBMXNtv").fetch("btc", None, now)
    last = {"data": daily["data"]}
    vendor.queued = [Reply(last)]
    frame = source(vendor, "PriceUSD", "SplyBMXNtv").fetch("btc", None, now).frame
    assert frame["priceusd"].tolist() == [8582.09029964933, 8541.77389392169]
    assert frame["splybmxntv"].tolist() == [283220.10827406, 284691.32323907]
    wrong = examples["Unauthorized"]["content"]["application/json"]["examples"]
    vendor.queued = [Reply(wrong["wrong_credentials"]["value"], 401)]
    assert "'Supplied credentials are not valid.'" in str(failure(vendor))


def test_the_key_of_stored_rows_may_name_metrics_behind_the_asset() -> None:
    source = extra_source(Extra("coinmetrics", "btc:HashRate,SplyCur"))
    assert source.metrics == ("HashRate", "SplyCur")
    assert source.lag_hours == 0.0
    with pytest.raises(UsageError, match="'Hash Rate' is no metric"):
        extra_source(Extra("coinmetrics", "btc:Hash Rate"))
