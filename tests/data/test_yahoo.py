"""The real yfinance client against our own Yahoo on the loopback interface."""

import logging
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import (
    DataInvalidError,
    DataUnavailableError,
    MalformedAnswerError,
    NoDataError,
    RateLimitedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.settings import DataSettings
from cryptobt.data import load
from cryptobt.data.extras import load_extras
from cryptobt.data.sources import yahoo
from cryptobt.data.sources.patience import Answered
from cryptobt.data.sources.yahoo import YahooSource
from cryptobt.data.sync import up_to_date

from ..fake_yahoo import CRUMB, FakeYahoo, chart, failure
from ..loopback import HASTY

NOW = pd.Timestamp("2024-03-10T09:30:00Z")


def days(first: str, count: int) -> list[tuple[int, list[float | None]]]:
    start = int(pd.Timestamp(first, tz="UTC").timestamp())
    return [
        (start + 86_400 * i, [100.0 + i, 110.0 + i, 90.0 + i, 105.0 + i, 5000.0])
        for i in range(count)
    ]


def fetch(symbol: str = "BTC-USD", interval: str = "1d") -> Any:
    return up_to_date(load.bar_store(), YahooSource(HASTY), symbol, interval, "refuse", NOW)


def test_complete_bars_arrive_and_todays_partial_one_is_left_out(
    server: FakeYahoo,
) -> None:
    server.body = chart("BTC-USD", days("2024-03-01", 10))
    market = fetch()
    assert len(market.bars) == 9
    assert market.bars.iloc[-1].tolist() == [108.0, 118.0, 98.0, 113.0, 5000.0]
    assert market.times[-1] == pd.Timestamp("2024-03-09T00:00:00Z")
    assert (market.source, market.fetched_at) == ("yahoo", NOW)
    assert market.quality.warnings == ()
    assert server.crumbs == {CRUMB}


def test_a_missing_yesterday_is_said(server: FakeYahoo) -> None:
    rows = days("2024-03-01", 10)
    server.body = chart("BTC-USD", rows[:8] + rows[9:])
    market = fetch()
    assert market.times[-1] == pd.Timestamp("2024-03-08T00:00:00Z")
    assert "newest complete bar is 2024-03-08T00:00:00Z" in market.quality.warnings[-1]


def test_a_completed_day_of_nulls_is_a_gap(server: FakeYahoo) -> None:
    rows = days("2024-03-01", 10)
    rows[4] = (rows[4][0], [None] * 5)
    server.body = chart("BTC-USD", rows)
    market = fetch()
    assert market.quality.gaps == 1


def test_a_bad_vendor_row_is_refused_by_its_time(server: FakeYahoo) -> None:
    rows = days("2024-03-01", 10)
    rows[4] = (rows[4][0], [100.0, 110.0, 90.0, -1.0, 5.0])
    server.body = chart("BTC-USD", rows)
    with pytest.raises(DataInvalidError, match=r"Yahoo BTC-USD, 2024-03-05T.*'close' is -1\.0"):
        fetch()


def test_an_unknown_symbol_is_unavailable_and_says_what_to_do(server: FakeYahoo) -> None:
    server.status, server.body = 404, failure("Not Found", "No data found, symbol may be delisted")
    with pytest.raises(DataUnavailableError, match="no bars of 'NOPE-USD'; check the symbol"):
        fetch("NOPE-USD")


def test_an_empty_chart_is_unavailable(server: FakeYahoo) -> None:
    server.body = chart("BTC-USD", [])
    with pytest.raises(DataUnavailableError) as caught:
        fetch()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, "Too Many Requests", RateLimitedError, "too many requests"),
        (200, {"chart": {"result": [{"meta": {}}]}}, MalformedAnswerError, "not understood"),
        (200, {"chart": {"result": [], "error": None}}, MalformedAnswerError, "BTC-USD"),
        (200, "[]", MalformedAnswerError, "not understood"),
        (404, failure("Not Found", "No data found"), UnknownSymbolError, "no bars of"),
    ],
)
def test_refusals_and_nonsense_are_one_line_of_their_kind(
    server: FakeYahoo,
    status: int,
    body: Any,
    kind: type[Exception],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.status, server.body = status, body
    with pytest.raises(kind, match=words) as caught:
        fetch()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert "--source sample" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def every_class_in(module: Any) -> list[type[Exception]]:
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return sorted({one for one in found if issubclass(one, Exception)}, key=lambda one: str(one))


def test_every_error_class_of_the_client_and_its_transport_is_one_of_ours() -> None:
    from curl_cffi.requests import exceptions as transport
    from yfinance import exceptions as client

    ours = (SourceUnreachableError, RateLimitedError, UnknownSymbolError, MalformedAnswerError)
    for kind in [*every_class_in(client), *every_class_in(transport)]:
        raised = kind.__new__(kind)
        assert type(yahoo.explained("BTC-USD", raised, Answered())) in ours, kind
    timeouts = [transport.ConnectTimeout, transport.ReadTimeout, transport.Timeout]
    broken = [transport.ConnectionError, transport.DNSError, transport.ProxyError,
              transport.SSLError, transport.IncompleteRead]  # fmt: skip
    for kind in [*timeouts, *broken]:
        found = yahoo.explained("BTC-USD", kind("x"), Answered())
        assert type(found) is SourceUnreachableError, kind
    assert type(yahoo.explained("X", client.YFRateLimitError(), Answered())) is RateLimitedError
    assert (
        type(yahoo.explained("X", client.YFTzMissingError("X"), Answered())) is UnknownSymbolError
    )


def refused_address() -> str:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_refused_connection_is_unreachable_and_silent(
    aim: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    aim(refused_address())
    with pytest.raises(SourceUnreachableError, match="cannot be reached"):
        fetch()
    assert capfd.readouterr() == ("", "")


def test_a_dead_proxy_is_unreachable(aim: Any) -> None:
    aim("https://query2.finance.yahoo.com")
    with pytest.raises(SourceUnreachableError, match="cannot be reached"):
        fetch()


def test_the_clients_cache_lies_in_our_folder(server: FakeYahoo, tmp_path: Path) -> None:
    server.body = chart("BTC-USD", days("2024-03-01", 10))
    fetch()
    assert (tmp_path / "yfinance" / "tkr-tz.db").exists()
    assert not logging.getLogger("yfinance").propagate


def test_a_folder_that_cannot_be_written_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("CRYPTOBT_HOME", str(blocked))
    folder = yahoo._cache_folder()
    assert folder.is_dir()
    folder.rmdir()


def test_an_unknown_interval_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Yahoo has no interval '7m'"):
        fetch(interval="7m")


def test_auto_falls_back_to_the_sample_only_when_unreachable(aim: Any) -> None:
    aim(refused_address())
    (market,) = load.load_markets(DataSettings(), NOW)
    assert market.simulated
    assert market.quality.warnings[0] == load.FALLBACK_WARNING
    extras = load_extras(DataSettings(), [market], NOW)
    assert [series.name for series in extras["BTC-USD"]] == ["onchain", "sentiment"]
    with pytest.raises(SourceUnreachableError):
        load.load_markets(DataSettings(symbols=("DOGE-USD",)), NOW)
    with pytest.raises(SourceUnreachableError):
        load.load_markets(DataSettings(source="yahoo"), NOW)


def test_auto_does_not_fall_back_when_yahoo_refuses(server: FakeYahoo) -> None:
    server.status, server.body = 429, "Too Many Requests"
    with pytest.raises(DataUnavailableError, match="too many requests"):
        load.load_markets(DataSettings(), NOW)


def test_the_price_of_the_last_trade_is_told_with_its_time(server: FakeYahoo) -> None:
    at = int(NOW.timestamp()) - 30
    server.body = chart("BTC-USD", [(at - at % 86_400, [1.0, 2.0, 0.5, 1.5, 9.0])], (1.25, at))
    price, traded_at = YahooSource().quote("BTC-USD", NOW)
    assert (price, traded_at) == (1.25, pd.Timestamp(at, unit="s", tz="UTC"))


def test_no_price_is_no_data(server: FakeYahoo) -> None:
    server.body = chart("BTC-USD", [(int(NOW.timestamp()), [1.0, 2.0, 0.5, 1.5, 9.0])])
    with pytest.raises(NoDataError, match="tells no price of BTC-USD"):
        YahooSource().quote("BTC-USD", NOW)
