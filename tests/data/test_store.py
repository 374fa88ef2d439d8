"""The store of vendors' bars: what is kept, what is logged, and who may write when."""

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cryptobt.core.errors import (
    DataInvalidError,
    LockHeldError,
    RateLimitedError,
    SourceUnreachableError,
)
from cryptobt.core.time import DAY
from cryptobt.data import row_store
from cryptobt.data.store import BarStore, Series
from cryptobt.data.sync import OVERLAP_BARS, load_stored, sync, up_to_date

SERIES = Series("vendor", "BTC-USD", "1d")
FIRST = pd.Timestamp("2024-01-01", tz="UTC")
Row = tuple[int, float]  # day and price


def frame(rows: Sequence[Row], spacing: pd.Timedelta = DAY) -> pd.DataFrame:
    """Rows as a vendor tells them: a flat bar of each price."""
    times = pd.DatetimeIndex([FIRST + day * spacing for day, _ in rows], tz="UTC").as_unit("ns")
    prices = [price for _, price in rows]
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    return pd.DataFrame({"time": times, **columns, "volume": 1.0})


class Vendor:
    """A vendor that tells what it is given, and notes what it was asked."""

    name = "vendor"
    intervals = ("1d", "5m")

    def __init__(self, rows: Sequence[Row] = (), fail: Exception | None = None) -> None:
        self.rows, self.fail = rows, fail
        self.asked: list[pd.Timestamp | None] = []

    def fetch(
        self, _symbol: str, _interval: str, since: pd.Timestamp | None, _now: pd.Timestamp
    ) -> pd.DataFrame:
        self.asked.append(since)
        if self.fail is not None:
            raise self.fail
        told = frame(self.rows)
        return told if since is None else told[told["time"] >= since]


def at(days: float) -> pd.Timestamp:
    return FIRST + pd.Timedelta(days=days)


def closes(store: BarStore, now: float = 1000.0) -> dict[int, float]:
    market = load_stored(store, SERIES, "refuse", at(now))
    assert market is not None
    return {(t - FIRST).days: float(c) for t, c in market.bars["close"].items()}  # type: ignore[operator]


def test_a_first_sync_keeps_what_is_over_and_not_the_bar_that_is_forming(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    report = sync(store, Vendor([(0, 1.0), (1, 2.0), (2, 3.0)]), "BTC-USD", "1d", at(2.5))
    assert closes(store) == {0: 1.0, 1: 2.0}
    assert (report.added, report.rows, report.late) == (2, 2, False)


def test_a_bar_is_over_at_the_very_instant_of_its_close(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    second = pd.Timedelta(seconds=1)
    vendor = Vendor([(0, 1.0), (1, 2.0), (2, 3.0)])
    sync(store, vendor, "BTC-USD", "1d", at(3) - second)
    assert closes(store) == {0: 1.0, 1: 2.0}
    sync(store, vendor, "BTC-USD", "1d", at(3))
    assert closes(store) == {0: 1.0, 1: 2.0, 2: 3.0}


def test_a_later_sync_asks_for_what_is_missing_and_a_short_overlap(tmp_path: Path) -> None:
    store, vendor = BarStore(tmp_path), Vendor([(day, 1.0 + day) for day in range(20)])
    sync(store, vendor, "BTC-USD", "1d", at(20))
    vendor.rows = [*vendor.rows, (20, 21.0)]
    report = sync(store, vendor, "BTC-USD", "1d", at(21))
    assert vendor.asked == [None, at(19 - (OVERLAP_BARS - 1))]
    assert (report.added, report.rewritten) == (1, ())
    assert len(closes(store)) == 21


def test_a_rewritten_bar_is_replaced_and_logged_with_both_values(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 31_649.6), (1, 5.0)]), "BTC-USD", "1d", at(2))
    report = sync(store, Vendor([(0, 33_466.1), (1, 5.0)]), "BTC-USD", "1d", at(3))
    assert closes(store) == {0: 33_466.1, 1: 5.0}
    (seen,) = store.rewrites(SERIES)
    assert (seen.time, seen.seen_at) == (FIRST, at(3))
    assert (seen.old["close"], seen.new["close"]) == (31_649.6, 33_466.1)
    assert report.rewritten == (seen,)
    assert "1 rewritten, first 2024-01-01T00:00:00Z" in report.line()


def test_what_a_vendor_no_longer_tells_is_kept(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, 2.0), (2, 3.0)]), "BTC-USD", "1d", at(3))
    sync(store, Vendor([(0, 1.0), (2, 3.0), (3, 4.0)]), "BTC-USD", "1d", at(4))
    assert closes(store) == {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}
    assert store.rewrites(SERIES) == []


def test_everything_from_a_date_on_is_asked_for_again(tmp_path: Path) -> None:
    store, vendor = BarStore(tmp_path), Vendor([(day, 1.0) for day in range(30)])
    sync(store, vendor, "BTC-USD", "1d", at(30))
    vendor.rows = [(0, 1.0), (1, 9.0), *vendor.rows[2:]]
    assert sync(store, vendor, "BTC-USD", "1d", at(30)).rewritten == ()
    report = sync(store, vendor, "BTC-USD", "1d", at(30), since=at(0))
    assert [rewrite.time for rewrite in report.rewritten] == [at(1)]


def test_a_bar_of_nulls_is_no_bar_and_comes_later(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, math.nan), (2, 3.0)]), "BTC-USD", "1d", at(3))
    assert closes(store) == {0: 1.0, 2: 3.0}
    sync(store, Vendor([(0, 1.0), (1, 2.0), (2, 3.0)]), "BTC-USD", "1d", at(3))
    assert closes(store) == {0: 1.0, 1: 2.0, 2: 3.0}
    assert store.rewrites(SERIES) == []


def test_a_bad_bar_is_kept_as_it_was_told_and_refused_when_it_is_used(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, -2.0), (2, 3.0)]), "BTC-USD", "1d", at(3))
    with pytest.raises(DataInvalidError, match=r"Vendor BTC-USD, 2024-01-02T.*'open' is -2\.0"):
        load_stored(store, SERIES, "refuse", at(3))
    market = load_stored(store, SERIES, "quarantine", at(3))
    assert market is not None
    assert [row["time"] for row in market.quality.quarantined] == ["2024-01-02T00:00:00Z"]


def test_an_exchange_is_named_as_it_is_known(tmp_path: Path) -> None:
    vendor = Vendor([(0, 1.0), (1, -2.0)])
    vendor.name = "ccxt:binance"
    with pytest.raises(DataInvalidError, match=r"^ccxt:binance BTC-USD, 2024-01-02T"):
        up_to_date(BarStore(tmp_path), vendor, "BTC-USD", "1d", "refuse", at(3))


def test_an_earlier_clock_sees_the_bars_that_were_over_then(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(day, 1.0 + day) for day in range(9)]), "BTC-USD", "1d", at(9))
    assert max(closes(store, now=4.5)) == 3


def test_the_network_is_not_asked_where_nothing_is_due(tmp_path: Path) -> None:
    store, vendor = BarStore(tmp_path), Vendor([(day, 1.0) for day in range(5)])
    up_to_date(store, vendor, "BTC-USD", "1d", "refuse", at(5.1))
    up_to_date(store, vendor, "BTC-USD", "1d", "refuse", at(5.9))
    assert len(vendor.asked) == 1
    up_to_date(store, vendor, "BTC-USD", "1d", "refuse", at(6.0))
    assert len(vendor.asked) == 2


def test_a_stored_bar_is_asked_for_again_where_it_may_have_been_mended(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    told = [(day, 1.0 + day) for day in range(20)]
    vendor = Vendor([*told[:5], (5, -6.0), *told[6:19], (19, -20.0)])

    def served(now: float, again: float | None) -> dict[int, float]:
        since = None if again is None else at(again)
        market = up_to_date(store, vendor, "BTC-USD", "1d", "quarantine", at(now), since)
        return {(t - FIRST).days: float(c) for t, c in market.bars["close"].items()}  # type: ignore[operator]

    assert not {5, 19} & set(served(20.1, None))
    vendor.rows = told
    assert not {5, 19} & set(served(20.2, None))
    assert 19 in served(20.2, again=19)
    assert 5 in served(20.2, again=5)
    # never later than the overlap, and not by a clock that is behind what is stored
    assert vendor.asked == [None, at(19 - (OVERLAP_BARS - 1)), at(5)]
    served(18.0, again=5)
    assert len(vendor.asked) == 3


def test_where_all_is_stored_it_does_however_the_vendor_fails_when_asked_again(
    tmp_path: Path,
) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, 2.0)]), "BTC-USD", "1d", at(2))
    busy = Vendor(fail=RateLimitedError("too many requests"))
    market = up_to_date(store, busy, "BTC-USD", "1d", "refuse", at(2.1), again=at(1))
    assert market.times[-1] == at(1)
    assert market.quality.unanswered == "too many requests; these are the bars stored before"
    assert market.quality.warnings == (market.quality.unanswered,)
    with pytest.raises(RateLimitedError):
        up_to_date(store, busy, "BTC-USD", "1d", "refuse", at(3.1), again=at(1))


def test_a_day_that_is_told_twice_and_then_once_is_one_bar_again(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    once, twice = [(0, 1.0), (1, 2.0), (2, 4.0)], [(0, 1.0), (1, 2.0), (2, 3.0), (2, 4.0)]
    sync(store, Vendor(twice), "BTC-USD", "1d", at(3))
    with pytest.raises(DataInvalidError, match="has 2 rows with different values"):
        closes(store)
    assert sync(store, Vendor(twice), "BTC-USD", "1d", at(3.1)).rewritten == ()
    sync(store, Vendor(once), "BTC-USD", "1d", at(3.2))
    assert closes(store) == {0: 1.0, 1: 2.0, 2: 4.0}
    (seen,) = store.rewrites(SERIES)
    assert (seen.old["close"], seen.new["close"]) == (3.0, 4.0)
    # and the other way round
    sync(store, Vendor(twice), "BTC-USD", "1d", at(3.3))
    with pytest.raises(DataInvalidError, match="has 2 rows with different values"):
        closes(store)


def test_what_is_stored_is_used_and_said_where_the_vendor_cannot_be_reached(
    tmp_path: Path,
) -> None:
    store = BarStore(tmp_path)
    down = Vendor(fail=SourceUnreachableError("the vendor cannot be reached"))
    with pytest.raises(SourceUnreachableError):
        up_to_date(store, down, "BTC-USD", "1d", "refuse", at(9))
    sync(store, Vendor([(0, 1.0), (1, 2.0)]), "BTC-USD", "1d", at(2))
    market = up_to_date(store, down, "BTC-USD", "1d", "refuse", at(9))
    assert market.quality.warnings[0].startswith("the vendor cannot be reached; these are the bars")
    assert "newest complete bar is 2024-01-02T00:00:00Z" in market.quality.warnings[-1]


def test_a_failed_sync_leaves_what_was_stored(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, 2.0)]), "BTC-USD", "1d", at(2))
    before = store.path(SERIES).read_bytes()
    with pytest.raises(SourceUnreachableError):
        sync(store, Vendor(fail=SourceUnreachableError("x")), "BTC-USD", "1d", at(3))
    assert store.path(SERIES).read_bytes() == before


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, 2.0)]), "BTC-USD", "1d", at(2))
    path = store.path(SERIES)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataInvalidError, match=r"1d\.parquet are damaged .*sync again"):
        load_stored(store, SERIES, "refuse", at(2))


def test_a_line_of_the_log_that_was_cut_off_is_dropped_and_the_log_goes_on(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    sync(store, Vendor([(0, 1.0), (1, 2.0)]), "BTC-USD", "1d", at(2))
    sync(store, Vendor([(0, 7.0), (1, 2.0)]), "BTC-USD", "1d", at(3))
    log = store.path(SERIES).with_suffix(".rewrites.jsonl")
    with log.open("ab") as file:
        file.write(b'{"time": "2024-01-0')
    assert len(store.rewrites(SERIES)) == 1
    sync(store, Vendor([(0, 7.0), (1, 8.0)]), "BTC-USD", "1d", at(4))
    assert [rewrite.new["close"] for rewrite in store.rewrites(SERIES)] == [7.0, 8.0]
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_names_of_symbols_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = BarStore(tmp_path / "store")
    for symbol in ("../../up", "BTC/USDT:USDT", "^GSPC", "..", "a b"):
        series = Series("vendor", symbol, "1d")
        sync(store, Vendor([(0, 1.0), (1, 2.0)]), symbol, "1d", at(2))
        assert store.path(series).resolve().is_relative_to((tmp_path / "store").resolve())
        assert store.read(series) is not None
    assert {series.symbol for series in store.all()} == {
        "../../up", "BTC/USDT:USDT", "^GSPC", "..", "a b"}  # fmt: skip


# Several processes


def _sync_once(root: Path, day: int) -> None:
    rows = [(number, 1.0 + number) for number in range(day)]
    sync(BarStore(root), Vendor(rows), "BTC-USD", "1d", at(day))


def test_syncs_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        pool.starmap(_sync_once, [(tmp_path, day) for day in (5, 9, 7, 12, 3, 11)])
    store = BarStore(tmp_path)
    assert closes(store) == {day: 1.0 + day for day in range(12)}
    assert store.rewrites(SERIES) == []


def test_a_series_that_stays_locked_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_store, "LOCK_SECONDS", 0.1)
    store = BarStore(tmp_path)
    with store.lock(SERIES), pytest.raises(LockHeldError, match="another process is working on"):
        sync(store, Vendor([(0, 1.0)]), "BTC-USD", "1d", at(2))


KILLED = """
import sys, pandas as pd
from pathlib import Path
from tests.data.test_store import SERIES, Vendor, at
from cryptobt.data.store import BarStore
from cryptobt.data.sync import sync
print("ready", flush=True)
for n in range(10_000):
    rows = [(day, 1.0 + day + (n if day == 3 else 0)) for day in range(9)]
    sync(BarStore(Path(sys.argv[1])), Vendor(rows), "BTC-USD", "1d", at(9), since=at(0))
    print(n, flush=True)
"""


@pytest.mark.parametrize("milliseconds", [1, 7, 19, 33, 61, 97])
def test_a_sync_that_is_killed_leaves_whole_bars_and_a_log_that_explains_them(
    tmp_path: Path, milliseconds: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "2":
            pass
        time.sleep(milliseconds / 1000)
        os.kill(process.pid, signal.SIGKILL)
    store = BarStore(tmp_path)
    found = closes(store)
    assert sorted(found) == list(range(9))
    news = [rewrite.new["close"] for rewrite in store.rewrites(SERIES)]
    # Every value that was ever stored is in the log; the last line may be ahead of the file.
    assert found[3] in {4.0, *news[-2:]}
    report = sync(store, Vendor([(day, 1.0 + day) for day in range(9)]), "BTC-USD", "1d", at(9))
    assert report.rows == 9


# Any history of syncs


STEPS = st.lists(
    st.tuples(
        st.floats(0.2, 3.0),  # days until the next sync
        st.lists(st.tuples(st.integers(0, 6), st.floats(1.0, 9.0)), max_size=2),  # rewrites
        st.sets(st.integers(0, 2)),  # newest bars that are not told yet
        st.booleans(),  # whether the partial bar is told
    ),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(max_examples=60)
@given(STEPS)
def test_the_store_serves_what_was_told_last_and_logs_every_change(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    store = BarStore(tmp_path_factory.mktemp("store"))
    truth: dict[int, float] = {day: 1.0 + day for day in range(4)}
    served: dict[int, float] = {}
    changes: list[tuple[int, float, float]] = []
    now = 4.0
    for wait, rewrites, unsaid, partial in steps:
        now += wait
        over = int(now)
        truth |= {day: 1.0 + day for day in range(max(truth) + 1, over)}
        for back, price in rewrites:
            truth[over - 1 - min(back, over - 1)] = price
        told = {day: price for day, price in truth.items() if over - 1 - day not in unsaid}
        rows = sorted(told.items()) + ([(over, 0.5)] if partial else [])
        begin = max(served, default=0) - (OVERLAP_BARS - 1)
        sync(store, Vendor(rows), "BTC-USD", "1d", at(now))
        for day, price in sorted(told.items()):
            if served and day < begin:
                continue
            if day in served and served[day] != price:
                changes.append((day, served[day], price))
            served[day] = price
    if len(served) > 1:
        assert closes(store, now) == served
    logged = [((r.time - FIRST).days, r.old["close"], r.new["close"])
              for r in store.rewrites(SERIES)]  # fmt: skip
    assert logged == changes


@pytest.mark.parametrize(
    ("hours_late", "step"),
    [(0.0, 59), (3.0, 59), *(pytest.param(late, 1, marks=pytest.mark.slow) for late in (0.0, 3.0))],
)
def test_at_each_minute_of_a_day_the_right_bar_is_served_or_its_absence_said(
    tmp_path: Path, hours_late: float, step: int
) -> None:
    store = BarStore(tmp_path)
    history = [(day, 1.0 + day) for day in range(10)]
    sync(store, Vendor(history), "BTC-USD", "1d", at(10))
    for minute in range(0, 1440, step):
        now = at(11 + minute / 1440)
        over = [(10, 11.0)] if minute >= 60 * hours_late else []
        vendor = Vendor([*history, *over, (11, 500.0 + minute)])
        market = up_to_date(store, vendor, "BTC-USD", "1d", "refuse", now)
        last, said = market.times[-1], any("not there yet" in w for w in market.quality.warnings)
        assert last == at(10) if over else last == at(9)
        assert said is not bool(over)
    assert store.rewrites(SERIES) == []


def test_a_rewrite_that_comes_again_beside_another_is_logged_again(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    told = [[(0, 1.0), (1, 5.0)], [(0, 2.0), (1, 5.0)], [(0, 1.0), (1, 5.0)], [(0, 2.0), (1, 6.0)]]
    for number, rows in enumerate(told):
        sync(store, Vendor(rows), "BTC-USD", "1d", at(2 + number / 10))
    seen = [(one.old["close"], one.new["close"]) for one in store.rewrites(SERIES)]
    assert seen == [(1.0, 2.0), (2.0, 1.0), (1.0, 2.0), (5.0, 6.0)]
