"""The stored series beside the bars: what is kept, logged, asked for, and usable when."""

import json
import math
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cryptobt.core.errors import (
    DataInvalidError,
    NoDataError,
    RateLimitedError,
    SourceUnreachableError,
)
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data import extras as series_beside
from cryptobt.data.extra_quality import Hole, examine_extra
from cryptobt.data.extra_sync import extra_up_to_date, load_extra, missed, sync_extra
from cryptobt.data.sample import sample_market
from cryptobt.data.store import BarStore, Extra, ExtraStore, Series
from cryptobt.features.sets import compute

COIN = Extra("coinmetrics", "btc")
FIRST = pd.Timestamp("2024-01-01", tz="UTC")


def at(days: float) -> pd.Timestamp:
    return FIRST + pd.Timedelta(days=days)


class Vendor:
    """A vendor of daily rows that are published at the end of their day; notes what it is asked."""

    name = "coinmetrics"

    def __init__(
        self,
        values: Mapping[int, float],
        fail: Exception | None = None,
        column: str = "txcnt",
        hours: float = 0.0,
    ) -> None:
        self.values, self.fail, self.column, self.hours = dict(values), fail, column, hours
        self.asked: list[pd.Timestamp | None] = []

    def fetch(self, key: str, since: pd.Timestamp | None, now: pd.Timestamp) -> ExtraSeries:
        self.asked.append(since)
        if self.fail is not None:
            raise self.fail
        days = sorted(self.values)
        index = pd.DatetimeIndex([at(day) for day in days], tz="UTC", name="time").as_unit("ns")
        frame = pd.DataFrame({self.column: [self.values[day] for day in days]}, index=index)
        frame["available_at"] = index + DAY + pd.Timedelta(hours=self.hours)
        known = (frame["available_at"] <= now) & (index >= (since or FIRST))
        return ExtraSeries("onchain", self.name, frame[known], self.hours)


def days(count: int) -> dict[int, float]:
    return {day: 1.0 + day for day in range(count)}


def usable(store: ExtraStore, now: float = 1000.0, lag_hours: float = 0.0) -> dict[int, float]:
    series = load_extra(store, COIN, at(now), lag_hours)
    assert series is not None
    column = series.frame.drop(columns="available_at").iloc[:, 0]
    return {(t - FIRST).days: float(value) for t, value in column.items()}  # type: ignore[operator]


def load(
    store: ExtraStore, vendor: Vendor, now: float, lag_hours: float = 0.0, extra: Extra = COIN
) -> ExtraSeries:
    return extra_up_to_date(store, vendor, extra, at(now), lag_hours)


# What is kept, and when the vendor is asked


def test_a_loaded_series_is_what_the_vendor_told(tmp_path: Path) -> None:
    vendor = Vendor(days(5))
    series = load(ExtraStore(tmp_path), vendor, 5.5)
    told = vendor.fetch("btc", None, at(5.5))
    pd.testing.assert_frame_equal(series.frame, told.frame, check_freq=False)
    assert series == ExtraSeries("onchain", "coinmetrics", series.frame, 0.0)
    assert series.hash == told.hash


def test_only_what_is_missing_and_a_short_overlap_is_asked_for(tmp_path: Path) -> None:
    store, vendor = ExtraStore(tmp_path), Vendor(days(20))
    sync_extra(store, vendor, COIN, at(20))
    vendor.values = days(21)
    report = sync_extra(store, vendor, COIN, at(21))
    assert vendor.asked == [None, at(19 - 6)]
    assert (report.added, report.rewritten, report.rows, report.late) == (1, (), 21, False)
    assert report.line().startswith("coinmetrics:btc: 21 rows, 2024-01-01T00:00:00Z to 2024-01-21T")


def test_the_vendor_is_not_asked_where_no_row_is_due(tmp_path: Path) -> None:
    store, vendor = ExtraStore(tmp_path), Vendor(days(30))
    for now in (5.0, 5.5, 5.999):
        load(store, vendor, now)
    assert len(vendor.asked) == 1
    load(store, vendor, 6.0)
    assert len(vendor.asked) == 2


def test_a_row_that_may_not_be_used_yet_is_not_asked_for(tmp_path: Path) -> None:
    store, vendor = ExtraStore(tmp_path), Vendor(days(30))
    load(store, vendor, 6.0, lag_hours=24)  # days 0 to 5 are told, 0 to 4 may be used
    for now in (7.0, 7.9):
        assert max(usable(store, now, 24)) == 5
        load(store, vendor, now, lag_hours=24)
    assert len(vendor.asked) == 1
    load(store, vendor, 8.0, lag_hours=24)
    assert len(vendor.asked) == 2


def test_markets_that_rest_at_weekends_are_not_asked_for_saturday() -> None:
    friday = pd.Timestamp("2024-03-08T22:15:00Z")  # 17:15 in New York, clocks change on Sunday
    monday = pd.Timestamp("2024-03-11T21:15:00Z")
    second = pd.Timedelta(seconds=1)
    assert not len(missed("macro", friday, monday - second))
    assert list(missed("macro", friday, monday)) == [monday]
    assert list(missed("feargreed", FIRST, at(1) - second)) == []
    assert list(missed("feargreed", FIRST, at(2))) == [at(1), at(2)]


def test_everything_stored_from_a_date_on_is_asked_for_again(tmp_path: Path) -> None:
    store, vendor = ExtraStore(tmp_path), Vendor(days(30))
    sync_extra(store, vendor, COIN, at(30), since=at(20))
    assert vendor.asked == [None]
    vendor.values[1] = 9.0
    assert sync_extra(store, vendor, COIN, at(30)).rewritten == ()
    report = sync_extra(store, vendor, COIN, at(30), since=at(0))
    assert [rewrite.time for rewrite in report.rewritten] == [at(1)]


# The lag


def test_the_lag_is_that_of_the_load_and_not_of_the_first_one(tmp_path: Path) -> None:
    store, vendor = ExtraStore(tmp_path), Vendor(days(10))
    slow = load(store, vendor, 10.0, lag_hours=48)
    fast = load(store, vendor, 10.0, lag_hours=6)
    none = load(store, vendor, 10.0)
    assert [len(series.frame) for series in (slow, fast, none)] == [8, 9, 10]
    assert [series.lag_hours for series in (slow, fast, none)] == [48.0, 6.0, 0.0]
    assert slow.frame["available_at"].iloc[0] == at(3)
    assert fast.frame["available_at"].iloc[0] == at(1.25)
    assert len(vendor.asked) == 1


def test_nothing_usable_yet_is_said_with_when_it_will_be(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match=r"coinmetrics:btc: no row may be used at .*2024-01-12T"):
        load(ExtraStore(tmp_path), Vendor(days(3)), 3.0, lag_hours=240)


def test_an_earlier_clock_sees_what_was_published_then_and_no_lateness(tmp_path: Path) -> None:
    store = ExtraStore(tmp_path)
    load(store, Vendor(days(9)), 9.0)
    series = load_extra(store, COIN, at(4.5))
    assert series is not None
    assert (series.frame.index[-1], series.warnings) == (at(3), ())


# Offline


def test_what_is_stored_is_used_and_said_where_the_vendor_cannot_be_reached(
    tmp_path: Path,
) -> None:
    store = ExtraStore(tmp_path)
    down = Vendor({}, fail=SourceUnreachableError("Coin Metrics cannot be reached"))
    with pytest.raises(SourceUnreachableError):
        load(store, down, 9)
    load(store, Vendor(days(4)), 4.0)
    series = load(store, down, 9.0)
    assert series.warnings == (
        "coinmetrics:btc: Coin Metrics cannot be reached; these are the rows stored before",
        "coinmetrics:btc: the newest row is of 2024-01-04T00:00:00Z; later ones are not there yet",
    )
    with pytest.raises(RateLimitedError):
        load(store, Vendor({}, fail=RateLimitedError("too often")), 9.0)
    assert usable(store) == days(4)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    store = ExtraStore(tmp_path)
    load(store, Vendor(days(4)), 4.0)
    path = store.path(COIN)
    whole = pd.read_parquet(path)
    for spoil in (
        lambda: path.write_bytes(path.read_bytes()[:-40]),
        lambda: whole.drop(columns="available_at").to_parquet(path),
        lambda: pd.DataFrame(whole.to_dict("list")).to_parquet(path),  # its name is lost
    ):
        spoil()
        with pytest.raises(DataInvalidError, match=r"btc\.parquet are damaged .*sync again"):
            load_extra(store, COIN, at(4))


# Rewrites


def test_a_rewritten_value_is_replaced_and_logged_with_both(tmp_path: Path) -> None:
    store = ExtraStore(tmp_path)
    sync_extra(store, Vendor({0: 1.0, 1: math.nan, 2: 3.0}), COIN, at(3))
    sync_extra(store, Vendor({0: 7.0, 1: 2.0, 2: 3.0}), COIN, at(4))
    assert usable(store) == {0: 7.0, 1: 2.0, 2: 3.0}
    told = [(r.time, r.old, r.new, r.seen_at) for r in store.rewrites(COIN)]
    assert told == [
        (at(0), {"txcnt": 1.0}, {"txcnt": 7.0}, at(4)),
        (at(1), {"txcnt": None}, {"txcnt": 2.0}, at(4)),
    ]
    stored = store.read(COIN)
    assert stored is not None
    assert stored["fetched_at"].tolist() == [at(4), at(4), at(3)]


@pytest.mark.parametrize("anew", [{"column": "adractcnt"}, {"hours": 2.0}])
def test_other_columns_or_hours_of_publication_are_fetched_from_the_beginning(
    tmp_path: Path, anew: dict[str, Any]
) -> None:
    store = ExtraStore(tmp_path)
    sync_extra(store, Vendor(days(30)), COIN, at(30))
    later = Vendor(days(31), **anew)
    sync_extra(store, later, COIN, at(32))
    assert later.asked == [at(29 - 6), None]
    series = load_extra(store, COIN, at(32))
    assert series is not None
    pd.testing.assert_frame_equal(
        series.frame, later.fetch("btc", None, at(32)).frame, check_freq=False
    )
    assert series.lag_hours == later.hours
    assert store.rewrites(COIN) == []


def test_bars_and_series_share_a_folder_and_no_name(tmp_path: Path) -> None:
    extras = [Extra("macro", "sp500"), Extra("feargreed", ""), Extra("feargreed", "@"), COIN]
    for extra in extras:
        sync_extra(ExtraStore(tmp_path), Vendor(days(3)), extra, at(3))
    assert set(ExtraStore(tmp_path).all()) == set(extras)
    assert list(BarStore(tmp_path).all()) == []
    assert (tmp_path / "feargreed" / "@.parquet").exists()
    bars = Series("coinmetrics", "btc", "1d")
    assert BarStore(tmp_path).path(bars).parent != ExtraStore(tmp_path).path(COIN)


HISTORIES = st.lists(
    st.tuples(
        st.floats(0.1, 3.0),  # days until the next sync
        st.lists(st.tuples(st.integers(0, 6), st.floats(1.0, 9.0)), max_size=2),  # rewrites
        st.sets(st.integers(0, 2)),  # newest rows that are not told yet
        st.sampled_from([0.0, 6.0, 24.0, 60.0]),  # lag
    ),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(max_examples=60)
@given(HISTORIES)
def test_any_history_serves_what_was_told_last_never_early_and_logs_every_change(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    store = ExtraStore(tmp_path_factory.mktemp("store"))
    truth, served = days(4), {}
    changes: list[tuple[int, float, float]] = []
    now = 4.0
    for wait, rewrites, unsaid, lag_hours in steps:
        now += wait
        over = int(now)
        truth |= {day: 1.0 + day for day in range(max(truth) + 1, over)}
        for back, value in rewrites:
            truth[over - 1 - min(back, over - 1)] = value
        told = {day: value for day, value in truth.items() if over - 1 - day not in unsaid}
        begin = max(served, default=0) - 6
        if not told and not served:
            continue
        sync_extra(store, Vendor(told), COIN, at(now))
        for day, value in sorted(told.items()):
            if served and day < begin:
                continue
            if day in served and served[day] != value:
                changes.append((day, served[day], value))
            served[day] = value
        may = {day: value for day, value in served.items() if day + 1 + lag_hours / 24 <= now}
        if may:
            assert usable(store, now, lag_hours) == may
    logged = [((r.time - FIRST).days, r.old["txcnt"], r.new["txcnt"]) for r in store.rewrites(COIN)]
    assert logged == changes


# Several processes, and the end of one


def _sync_once(root: Path, day: int) -> None:
    sync_extra(ExtraStore(root), Vendor(days(day)), COIN, at(day))


def test_syncs_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_sync_once, [(tmp_path, day) for day in (5, 9, 7, 12)])
    store = ExtraStore(tmp_path)
    assert usable(store) == days(12)
    assert store.rewrites(COIN) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from cryptobt.data import row_store
from cryptobt.data.extra_sync import sync_extra
from cryptobt.data.store import ExtraStore
from tests.data.test_extra_store import COIN, Vendor, at, days
row_store.write_atomically = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sync_extra(ExtraStore(Path(sys.argv[1])), Vendor(days(9) | {3: 99.0}), COIN, at(9))
"""


def test_a_process_that_is_killed_between_log_and_file_says_a_change_once(tmp_path: Path) -> None:
    store = ExtraStore(tmp_path)
    sync_extra(store, Vendor(days(9)), COIN, at(9))
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert usable(store) == days(9)
    sync_extra(store, Vendor(days(9) | {3: 99.0}), COIN, at(9))
    assert usable(store)[3] == 99.0
    (change,) = store.rewrites(COIN)
    assert (change.old, change.new) == ({"txcnt": 4.0}, {"txcnt": 99.0})


# What a run loads


@pytest.fixture
def coin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Vendor:
    """Every vendor of series is this one; nothing is stored yet."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path))
    vendor = Vendor({day: 100.0 + day % 17 for day in range(600)})
    monkeypatch.setattr(series_beside, "extra_source", lambda _: vendor)
    return vendor


def market(symbol: str = "BTC-USD", bars: int = 500) -> MarketData:
    whole = sample_market("BTC-USD").market
    frame = whole.bars.iloc[:bars].set_axis(pd.date_range(FIRST, periods=bars, freq="D"))
    return MarketData(symbol, DAY, "csv", frame.rename_axis("time"))


def test_symbols_of_one_coin_share_its_series(coin: Vendor) -> None:
    chosen = DataSettings(onchain=("coinmetrics",), onchain_lag_hours=6)
    found = series_beside.load_extras(chosen, [market(), market("BTC-EUR")], at(500))
    assert {symbol: series[0].lag_hours for symbol, series in found.items()} == {
        "BTC-USD": 6.0, "BTC-EUR": 6.0}  # fmt: skip
    assert len(coin.asked) == 1


def test_other_metrics_of_a_chain_have_the_lag_of_the_settings_too(coin: Vendor) -> None:
    chosen = DataSettings(extras=("coinmetrics:btc:HashRate",), onchain_lag_hours=6)
    (series,) = series_beside.load_extras(chosen, [market()], at(500))["BTC-USD"]
    assert series.lag_hours == 6.0
    assert (series_beside.extra_store().path(Extra("coinmetrics", "btc:HashRate"))).exists()


def test_features_do_not_see_a_stored_row_before_its_publication(coin: Vendor) -> None:
    chosen, now = DataSettings(onchain=("coinmetrics",), onchain_lag_hours=30), at(500)

    def features() -> pd.DataFrame:
        extras = series_beside.load_extras(chosen, [market()], now)["BTC-USD"]
        return compute("stationary_extras", market(), extras).frame

    before = features()
    # a value of day D may be used 54 h after its start: first by the bar of D + 2
    coin.values |= dict.fromkeys(range(480, 600), 1e6)
    sync_extra(series_beside.extra_store(), coin, COIN, at(500), since=at(0))
    after = features()
    pd.testing.assert_frame_equal(before.iloc[:482], after.iloc[:482])
    assert not before.iloc[482].equals(after.iloc[482])


# What is found in a series


def test_gaps_missing_values_and_a_late_end_are_found() -> None:
    values = {day: 1.0 for day in range(10) if day not in (3, 4)} | {6: math.nan}
    series = Vendor(values).fetch("btc", None, at(20))
    found = examine_extra(series, at(12.5))
    assert (found.rows, found.holes, found.empty) == (8, (Hole(at(2), 2),), {"txcnt": 1})
    assert found.behind == 2
    assert found.lines() == [
        "onchain (coinmetrics): 8 rows of 1d, 2024-01-01T00:00:00Z to 2024-01-10T00:00:00Z, "
        "lag 0 h",
        "2 row(s) since then are not there",
        "2 row(s) missing in 1 gap(s): 2 after 2024-01-03T00:00:00Z",
        "1 row(s) without txcnt",
    ]
    assert json.loads(json.dumps(found.to_json()))["missing"] == 2


def test_a_weekend_is_no_gap_of_a_market_that_rests() -> None:
    nights = pd.bdate_range("2024-03-04", "2024-03-22", tz="America/New_York")
    nights = nights.drop(pd.Timestamp("2024-03-13", tz="America/New_York")).tz_convert("UTC")
    closed = nights + pd.Timedelta(hours=17, minutes=15)
    frame = pd.DataFrame({"sp500": 1.0, "available_at": closed}, index=nights.rename("time"))
    found = examine_extra(ExtraSeries("sp500", "macro", frame, -6.75), closed[-1] + 2 * DAY)
    assert [(hole.after.day, hole.rows) for hole in found.holes] == [(12, 1)]
    assert found.behind == 0
