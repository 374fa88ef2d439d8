"""Closes of markets that sleep: when each may be used."""

import pandas as pd
import pytest

from cryptobt.core.errors import NoDataError, UnknownSymbolError
from cryptobt.core.types import MarketData
from cryptobt.data.sources.macro import MacroSource
from cryptobt.features.sets import join

NOW = pd.Timestamp("2024-03-20T12:00:00Z")
# Friday, Monday, Tuesday: midnights in New York, on both sides of the change of its clocks.
DAYS = pd.DatetimeIndex(
    [pd.Timestamp(day, tz="America/New_York") for day in ("2024-03-08", "2024-03-11", "2024-03-12")]
).tz_convert("UTC")


class Bars:
    """A source that tells three days of an index."""

    def __init__(self, closes: tuple[float, ...] = (5123.7, 5117.9, 5175.3)) -> None:
        self.closes = closes
        self.asked = ""

    def fetch(self, symbol: str, *_: object) -> pd.DataFrame:
        self.asked = symbol
        count = len(self.closes)
        return pd.DataFrame({"time": DAYS[:count], "close": list(self.closes)})


def fetch(bars: Bars, now: pd.Timestamp = NOW) -> pd.DataFrame:
    return MacroSource(lambda: bars).fetch("sp500", None, now).frame  # type: ignore[arg-type,return-value]


def test_a_close_may_be_used_once_its_market_has_closed() -> None:
    bars = Bars()
    frame = fetch(bars)
    assert bars.asked == "^GSPC"
    assert frame["sp500"].tolist() == [5123.7, 5117.9, 5175.3]
    # 17:15 in New York: 22:15 UTC in winter, 21:15 UTC in summer.
    assert [str(at) for at in frame["available_at"]] == [
        "2024-03-08 22:15:00+00:00", "2024-03-11 21:15:00+00:00", "2024-03-12 21:15:00+00:00",
    ]  # fmt: skip


def test_a_day_that_has_not_closed_is_left_out() -> None:
    assert len(fetch(Bars(), pd.Timestamp("2024-03-12T21:00:00Z"))) == 2


def test_the_last_close_is_carried_over_the_weekend() -> None:
    days = pd.date_range("2024-03-07", periods=6, tz="UTC", name="time")
    bars = pd.DataFrame({"close": 1.0}, index=days)
    market = MarketData("X", pd.Timedelta(days=1), "test", bars)
    series = MacroSource(lambda: Bars()).fetch("sp500", None, NOW)  # type: ignore[arg-type,return-value]
    joined = join(market, [series], ["sp500"])["sp500"]
    # Known at the close of the bar: Friday's from Friday's bar on, through Saturday and Sunday.
    assert joined.isna().tolist() == [True, False, False, False, False, False]
    assert joined.tolist()[1:] == [5123.7, 5123.7, 5123.7, 5117.9, 5175.3]


def test_an_unknown_series_and_an_empty_one_are_said() -> None:
    with pytest.raises(UnknownSymbolError, match="did you mean 'sp500'"):
        MacroSource().fetch("sp50", None, NOW)
    with pytest.raises(NoDataError, match=r"no close of \^GSPC"):
        fetch(Bars(()))
