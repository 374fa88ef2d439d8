"""``cryptobt data`` as a user calls it, with our own Yahoo on the loopback interface."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.data.extras import extra_store
from cryptobt.data.sources import registry
from cryptobt.data.sources.feargreed import FearGreedSource
from cryptobt.data.store import Extra
from tests.data.fake_vendors import fear_greed
from tests.fake_yahoo import FakeYahoo, chart, failure
from tests.loopback import HASTY, Loopback, Reply

from .conftest import Call

YESTERDAY = pd.Timestamp.now("UTC").floor("D") - pd.Timedelta(days=1)


def rows(count: int, price: float = 100.0) -> list[tuple[int, list[float | None]]]:
    """Daily bars that end with today's, which is still forming."""
    first = YESTERDAY - pd.Timedelta(days=count - 2)
    times = pd.date_range(first, periods=count, freq="D")
    return [
        (int(time.timestamp()), [price + i, price + i + 1, price + i - 1, price + i, 10.0])
        for i, time in enumerate(times)
    ]


@pytest.fixture(autouse=True)
def _home(server: FakeYahoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


def test_a_sync_says_what_is_stored_and_what_is_new(call: Call, server: FakeYahoo) -> None:
    server.body = chart("BTC-USD", rows(10))
    said = call("data", "sync", "BTC-USD")
    assert said.code == 0
    assert "BTC-USD 1d of yahoo: 9 bars," in said.out
    assert "9 new" in said.out
    server.body = chart("BTC-USD", rows(10, price=100.5)[:-1])
    assert "0 new, 9 rewritten, first" in call("data", "sync", "BTC-USD").out


def test_several_symbols_are_synced_and_shown(call: Call, server: FakeYahoo) -> None:
    server.body = chart("BTC-USD", rows(10))
    documents = json.loads(call("data", "sync", "BTC-USD", "ETH-USD", "--json").out)
    assert [one["symbol"] for one in documents] == ["BTC-USD", "ETH-USD"]
    assert {one.get("bars", one.get("error")) for one in documents} == {9}
    shown = json.loads(call("data", "show", "--json").out)
    assert [one["symbol"] for one in shown] == ["BTC-USD", "ETH-USD"]
    assert shown[0]["last"] == YESTERDAY.strftime("%Y-%m-%dT00:00:00Z")
    assert "BTC-USD" in call("data", "show").out


def test_nothing_stored_is_said_with_what_to_do(call: Call) -> None:
    assert "nothing is stored yet; `cryptobt data sync BTC-USD`" in call("data", "show").out


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, failure("Not Found", "x"), "no bars of 'BTC-USD'"),
        (429, "Too Many Requests", "too many requests"),
        (500, "oops", "HTTP status 500"),
    ],
)
def test_a_vendor_that_fails_ends_with_3_and_stores_nothing(
    call: Call, server: FakeYahoo, status: int, body: Any, words: str
) -> None:
    server.status, server.body = status, body
    said = call("data", "sync", "BTC-USD")
    assert said.code == 3
    assert words in said.err
    assert "1 of 1 could not be synced" in said.err
    assert json.loads(call("data", "show", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sync", "BTC-USD", "--source", "yahooo"], "did you mean 'yahoo'?"),
        (["sync", "BTC-USD", "--interval", "7m"], "no interval '7m'"),
        (["sync", "BTC-USD", "--since", "yesterday"], "'yesterday' is not a date"),
        (["sync"], "say which symbols to sync"),
        (["sync", "--onchain", "coinmetrics"], "say which symbols to sync"),
        (["sync", "BTC-USD", "--extra", "fergreed"], "did you mean 'feargreed'?"),
        (["sync", "BTC-USD", "--extra", "news=news.csv"], "news=news.csv is a file"),
        (["sync", "BTC-USD", "--onchain", "chain.csv"], "chain.csv is a file"),
        (["verify", "--csv", "nowhere.csv"], "there is no such file"),
        (["verify", "--source", "sample", "--cross-check", "nowhere.csv"], "there is no such file"),
    ],
)
def test_a_usage_mistake_exits_with_2(call: Call, arguments: list[str], words: str) -> None:
    said = call("data", *arguments)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_run_uses_what_is_stored_where_the_vendor_is_gone(
    call: Call, server: FakeYahoo, aim: Any, tmp_path: Path
) -> None:
    server.body = chart("BTC-USD", rows(60)[:-3])
    assert call("data", "sync", "BTC-USD").code == 0
    aim("http://127.0.0.1:9")
    said = call("backtest", "--strategy", "momentum", "--out", str(tmp_path / "runs"))
    assert said.code == 0
    assert "cannot be reached" in said.err
    assert "these are the bars stored before" in said.err
    assert "SIMULATED" not in said.out


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """An alternative.me of our own, whose index ends with today's value."""
    days = [(YESTERDAY - pd.Timedelta(days=back)).strftime("%Y-%m-%d") for back in range(-1, 59)]
    values = {day: str(20 + place) for place, day in enumerate(days)}
    with Loopback(Reply(fear_greed(values))) as fake:
        source = partial(FearGreedSource, base_url=fake.address, patience=HASTY)
        monkeypatch.setitem(registry.SERIES, "feargreed", source)
        yield fake


def test_series_beside_the_bars_are_synced_shown_and_verified(
    call: Call, server: FakeYahoo, index: Loopback
) -> None:
    server.body = chart("BTC-USD", rows(60))
    said = call("data", "sync", "BTC-USD", "--extra", "feargreed", "--extra", "macro:sp500")
    assert said.code == 0
    bars, mood, stocks = said.out.splitlines()
    assert bars.startswith("BTC-USD 1d of yahoo: 59 bars")
    assert mood.startswith("feargreed: 60 rows")
    assert stocks.startswith("macro:sp500: ")
    shown = json.loads(call("data", "show", "--json").out)
    assert [(one["source"], one.get("key")) for one in shown] == [
        ("yahoo", None), ("feargreed", ""), ("macro", "sp500")]  # fmt: skip
    assert (shown[1]["rows"], shown[1]["rewrites"]) == (60, 0)
    table = call("data", "show").out
    assert "source  symbol   interval  bars" in table
    assert "source     key    rows" in table
    (found,) = json.loads(
        call("data", "verify", "--symbol", "BTC-USD", "--extra", "feargreed", "--json").out
    )
    (series,) = found["extras"]
    assert (series["name"], series["rows"], series["gaps"]) == ("sentiment", 60, [])
    assert len(index.asked) == 1
    told = call("data", "verify", "--symbol", "BTC-USD", "--extra", "feargreed").out
    assert "sentiment (feargreed): 60 rows of 1d" in told


@pytest.mark.slow
def test_a_run_says_which_series_were_stored_before(
    call: Call,
    server: FakeYahoo,
    index: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server.body = chart("BTC-USD", rows(60))
    assert call("data", "sync", "BTC-USD", "--extra", "feargreed").code == 0
    store = extra_store()
    path = store.path(Extra("feargreed", ""))
    stored = pd.read_parquet(path)
    older = stored[:-3]
    older.attrs = stored.attrs
    older.to_parquet(path)
    gone = partial(FearGreedSource, base_url="http://127.0.0.1:9", patience=HASTY)
    monkeypatch.setitem(registry.SERIES, "feargreed", gone)
    said = call(
        "backtest", "--strategy", "momentum", "--extra", "feargreed", "--json",
        "--out", str(tmp_path / "runs"),
    )  # fmt: skip
    assert said.code == 0
    assert "warning: feargreed: alternative.me cannot be reached" in said.err
    warnings = json.loads(said.out)["data"]["warnings"]
    assert any("these are the rows stored before" in warning for warning in warnings)
    assert any("feargreed: the newest row is of" in warning for warning in warnings)


def test_verify_tells_a_person_what_is_in_a_file(call: Call, tmp_path: Path) -> None:
    bars = pd.DataFrame(rows(40)[:-1], columns=["time", "values"])
    table = pd.DataFrame(
        bars["values"].tolist(), columns=["open", "high", "low", "close", "volume"]
    )
    table.insert(0, "time", bars["time"])
    table = table.drop(index=[11, 12])
    table.loc[20, ["open", "high", "low", "close"]] = 900.0
    path = tmp_path / "bars.csv"
    table.to_csv(path, index=False)
    said = call("data", "verify", "--csv", str(path))
    assert said.code == 0
    assert said.out.startswith("bars (csv): 37 bars of 1d")
    assert "2 bar" in said.out
    (document,) = json.loads(call("data", "verify", "--csv", str(path), "--json").out)
    assert len(document["hash"]) == 64
    other = tmp_path / "other.csv"
    table.assign(close=table["close"] * 1.05, high=table["high"] * 1.05).to_csv(other, index=False)
    crossed = call("data", "verify", "--csv", str(path), "--cross-check", str(other))
    assert "37" in crossed.out


def test_verify_lists_every_bad_row_and_ends_as_a_run_would(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "dirty.csv"
    good = [f"2024-01-{day:02},10,12,9,11,5" for day in range(1, 21)]
    good[4], good[9] = "2024-01-05,10,8,9,11,5", "2024-01-10,10,12,9,x,5"
    path.write_text("\n".join(["date,open,high,low,close,volume", *good]))
    said = call("data", "verify", "--csv", str(path))
    assert said.code == 4
    assert "2 row(s) that cannot be true" in said.out
    assert "line 6: column 'high' is 8.0, below low 9.0" in said.out
    assert "line 11: column 'close' is 'x', which is not a number" in said.out
    assert "dirty: a run refuses 2 row(s), listed above" in said.err
    kept = call("data", "verify", "--csv", str(path), "--set", "data.on_bad_row=quarantine")
    assert (kept.code, kept.out) == (0, said.out)
