"""What goes wrong with every vendor, and what comes of it, through the real client of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pandas as pd
import pytest

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
)
from cryptobt.data.sources.alphavantage import AlphaVantageSource
from cryptobt.data.sources.coinmetrics import CoinMetricsSource
from cryptobt.data.sources.exchanges import ExchangeSource
from cryptobt.data.sources.feargreed import FearGreedSource
from cryptobt.data.sources.patience import Patience
from cryptobt.data.sources.source import BarSource
from cryptobt.data.sources.yahoo import YahooSource
from cryptobt.data.validation import check_bars

from ..fake_yahoo import FakeYahoo, chart
from ..fake_yahoo import failure as yahoo_error
from ..loopback import HASTY, HTML, Loopback, Pauses, Reply
from .fake_exchange import DAY, WEEK, Bar, FakeBinance, bars, grouped
from .fake_vendors import (
    FakeCoinMetrics,
    alphavantage_chart,
    coinmetrics_error,
    days_from,
    fear_greed,
)

NOW = pd.Timestamp("2024-03-10T09:30:00Z")
DAYS = days_from("2024-03-01", 8)
ROWS = bars("2024-03-01", 10)
BRIEF = replace(HASTY, read_seconds=0.1, total_seconds=0.6, attempts=2, first_wait_seconds=0.01)
"""Patience with what never ends."""


@dataclass
class Case:
    """A source, the vendor of ours that it asks, and how that refuses with HTTP status 200."""

    name: str
    vendor: Loopback
    fetch: Callable[[Patience], pd.DataFrame]
    refusal: Reply
    tell: Callable[[list[Bar]], None] = lambda _: None


def yahoo(vendor: FakeYahoo) -> Case:
    def tell(rows: list[Bar]) -> None:
        vendor.body = chart("BTC-USD", [(at // 1000, values) for at, values in rows])

    def fetch(patience: Patience) -> pd.DataFrame:
        return YahooSource(patience).fetch("BTC-USD", "1d", None, NOW)

    return Case("Yahoo", vendor, fetch, Reply(yahoo_error("Unauthorized", "No access")), tell)


def ccxt(vendor: FakeBinance) -> Case:
    def tell(rows: list[Bar]) -> None:
        vendor.rows = {"1d": rows, "1w": grouped(rows, WEEK)}

    def fetch(patience: Patience) -> pd.DataFrame:
        source: BarSource = ExchangeSource("binance", patience=patience, settings=vendor.settings())
        return source.fetch("BTC/USDT", "1d", None, NOW)

    refusal = Reply({"code": -1002, "msg": "You are not authorized to execute this request."})
    return Case("ccxt:binance", vendor, fetch, refusal, tell)


def alphavantage(vendor: Loopback) -> Case:
    def tell(rows: list[Bar]) -> None:
        told: dict[str, list[str | None]] = {
            f"{pd.Timestamp(at, unit='ms'):%Y-%m-%d}": [value and str(value) for value in values]  # type: ignore[misc]
            for at, values in rows
        }
        vendor.always = Reply(alphavantage_chart(told))

    def fetch(patience: Patience) -> pd.DataFrame:
        source: BarSource = AlphaVantageSource("KEY", base_url=vendor.address, patience=patience)
        return source.fetch("BTC-USD", "1d", None, NOW)

    refusal = Reply({"Information": "This is a premium endpoint."})
    return Case("Alpha Vantage", vendor, fetch, refusal, tell)


def coinmetrics(vendor: FakeCoinMetrics) -> Case:
    def fetch(patience: Patience) -> pd.DataFrame:
        source = CoinMetricsSource(base_url=f"{vendor.address}/v4", patience=patience)
        return source.fetch("btc", None, NOW).frame

    refusal = replace(coinmetrics_error(403, "forbidden", "Not yours."), status=200)
    return Case("Coin Metrics", vendor, fetch, refusal)


def feargreed(vendor: Loopback) -> Case:
    def fetch(patience: Patience) -> pd.DataFrame:
        source = FearGreedSource(base_url=vendor.address, patience=patience)
        return source.fetch("", None, NOW).frame

    refusal = Reply({"data": [], "metadata": {"error": "Not yours."}})
    return Case("alternative.me", vendor, fetch, refusal)


@pytest.fixture
def of_yahoo(server: FakeYahoo) -> Case:
    return yahoo(server)


@pytest.fixture
def of_ccxt() -> Iterator[Case]:
    with FakeBinance() as vendor:
        yield ccxt(vendor)


@pytest.fixture
def of_alphavantage() -> Iterator[Case]:
    with Loopback() as vendor:
        yield alphavantage(vendor)


@pytest.fixture
def of_coinmetrics() -> Iterator[Case]:
    day: dict[str, str | None] = {"AdrActCnt": "900", "TxCnt": "400", "FeeTotNtv": "0.25"}
    with FakeCoinMetrics({"btc": dict.fromkeys(DAYS, day)}) as vendor:
        yield coinmetrics(vendor)


@pytest.fixture
def of_feargreed() -> Iterator[Case]:
    with Loopback(Reply(fear_greed(dict.fromkeys(DAYS, "40")))) as vendor:
        yield feargreed(vendor)


OF_BARS = ["yahoo", "ccxt", "alphavantage"]


@pytest.fixture(params=[*OF_BARS, "coinmetrics", "feargreed"])
def case(request: pytest.FixtureRequest) -> Case:
    one: Case = request.getfixturevalue(f"of_{request.param}")
    one.tell(ROWS[:8])
    return one


@pytest.fixture(params=OF_BARS)
def of_bars(request: pytest.FixtureRequest) -> Case:
    one: Case = request.getfixturevalue(f"of_{request.param}")
    return one


def failure(case: Case, patience: Patience) -> CryptobtError:
    with pytest.raises(CryptobtError) as caught:
        case.fetch(patience)
    assert "\n" not in str(caught.value)
    assert case.name in str(caught.value)
    return caught.value


def test_what_is_there_arrives(case: Case) -> None:
    assert len(case.fetch(HASTY)) == 8


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_is_said_and_not_asked_again(case: Case, status: int) -> None:
    case.vendor.always = Reply(HTML, status)
    pauses = Pauses()
    error = failure(case, replace(HASTY, sleep=pauses))
    if (case.name, status) == ("Yahoo", 404):
        # its way to say that there is no such symbol
        assert type(error) is UnknownSymbolError
    else:
        assert type(error) is SourceRefusedError
        assert f"HTTP status {status}" in str(error)
    assert pauses == []


def test_a_refusal_inside_http_200_is_said_and_not_asked_again(case: Case) -> None:
    case.vendor.always = case.refusal
    pauses = Pauses()
    assert type(failure(case, replace(HASTY, sleep=pauses))) is SourceRefusedError
    assert pauses == []


@pytest.mark.parametrize("body", [HTML, b'{"data": [{"a": 1}, {"a"', b"", b"null"])
def test_what_cannot_be_read_is_malformed_and_not_asked_again(case: Case, body: bytes) -> None:
    case.vendor.always = Reply(body)
    pauses = Pauses()
    assert type(failure(case, replace(HASTY, sleep=pauses))) is MalformedAnswerError
    assert pauses == []


def test_a_lasting_fault_of_the_vendor_is_a_refusal_after_the_last_try(case: Case) -> None:
    case.vendor.always = Reply(HTML, 500)
    pauses = Pauses()
    error = failure(case, replace(HASTY, sleep=pauses))
    assert type(error) is SourceRefusedError
    assert "HTTP status 500" in str(error)
    assert len(pauses) == HASTY.attempts - 1


def test_a_long_pause_that_is_wanted_is_the_end_at_once(case: Case) -> None:
    case.vendor.always = Reply({}, 429, {"Retry-After": "3600"})
    pauses = Pauses()
    error = failure(case, replace(HASTY, total_seconds=86_400, sleep=pauses))
    assert type(error) is RateLimitedError
    assert "3600 s" in str(error)
    assert pauses == []


@pytest.mark.parametrize("manner", ["hang", "cut", "drip"])
def test_no_whole_answer_is_unreachable_in_bounded_time(case: Case, manner: str) -> None:
    case.vendor.always = Reply(b"[[1, 2, 3]]", manner=manner)
    assert type(failure(case, BRIEF)) is SourceUnreachableError


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (Reply(HTML, 500), 0.5, 1.0),
        (Reply({}, 429), 0.5, 1.0),
        (Reply({}, 429, {"Retry-After": "2"}), 2.0, 2.0),
        (Reply(manner="cut"), 0.5, 1.0),
        (Reply(manner="hang"), 0.5, 1.0),
    ],
)
def test_a_fault_that_passes_costs_a_wait_and_no_rows(
    case: Case, fault: Reply, least: float, most: float
) -> None:
    well, case.vendor.always = case.vendor.always, fault
    pauses: list[float] = []

    def mend(seconds: float) -> None:
        pauses.append(seconds)
        case.vendor.always = well

    read_seconds = 0.3 if fault.manner == "hang" else HASTY.read_seconds
    assert len(case.fetch(replace(HASTY, read_seconds=read_seconds, sleep=mend))) == 8
    assert least <= pauses[0] <= most


# --- rows, for those that have bars; series have tests of their own


def checked(case: Case, rows: list[Bar]) -> pd.DataFrame:
    case.tell(rows)
    day = pd.Timedelta(milliseconds=DAY)
    raw = case.fetch(HASTY)
    return check_bars(raw, label="BTC", interval=day, on_bad_row="refuse", now=NOW)[0]


def test_complete_bars_arrive_and_todays_forming_one_is_left_out(of_bars: Case) -> None:
    frame = checked(of_bars, ROWS)
    assert frame.index[0] == pd.Timestamp("2024-03-01T00:00:00Z")
    assert frame.index[-1] == pd.Timestamp("2024-03-09T00:00:00Z")
    assert frame.to_numpy().tolist() == [values for _, values in ROWS[:9]]


def test_a_missing_yesterday_stays_missing_beside_a_forming_today(of_bars: Case) -> None:
    frame = checked(of_bars, ROWS[:8] + ROWS[9:])
    assert frame.index[-1] == pd.Timestamp("2024-03-08T00:00:00Z")


def test_a_row_of_nulls_is_a_gap(of_bars: Case) -> None:
    nothing: Bar = (ROWS[4][0], [None] * 5)
    rows = [*ROWS[:4], nothing, *ROWS[5:]]
    frame = checked(of_bars, rows)
    assert len(frame) == 8
    assert pd.Timestamp("2024-03-05T00:00:00Z") not in frame.index


def test_rewritten_history_is_told_as_it_is_now(of_bars: Case) -> None:
    assert checked(of_bars, ROWS)["close"].iloc[0] == 105.0
    rewritten: Bar = (ROWS[0][0], [100.0, 110.0, 90.0, 99.0, 1.0])
    assert checked(of_bars, [rewritten, *ROWS[1:]])["close"].iloc[0] == 99.0
