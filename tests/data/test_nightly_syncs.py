"""Weeks of syncs with a vendor that does all that vendors do, beside a model of plain dicts."""

import random
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import (
    CryptobtError,
    MalformedAnswerError,
    NoDataError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
)
from cryptobt.core.time import DAY
from cryptobt.data.store import BarStore, Series
from cryptobt.data.sync import SyncReport, load_stored, sync

FIRST = pd.Timestamp("2023-12-01", tz="UTC")
SERIES = Series("vendor", "BTC-USD", "1d")
FAILURES = (
    SourceUnreachableError,
    SourceRefusedError,
    RateLimitedError,
    UnknownSymbolError,
    NoDataError,
    MalformedAnswerError,
)
NAMES = ("open", "high", "low", "close", "volume")
NULL = (None, None, None, None, 0.0)
MINUTES = 1440
WEEKS = 6
Bar = tuple[float | None, ...]
Change = tuple[pd.Timestamp, dict[str, float | None], dict[str, float | None], pd.Timestamp]


def when(minute: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(minutes=minute)


def bar(price: float, volume: float | None) -> Bar:
    return (price, price + 2.0, price - 2.0, price + 1.0, volume)


class Vendor:
    """Tells the truth of its day, late and with its own mind: see each of its methods."""

    name = "vendor"
    intervals = ("1d",)

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.truth = {day: self.any_bar() for day in range(7 * WEEKS + 40)}
        # half of the bars are there at once; others hours later, or only after the one that follows
        self.shown_from = {
            day: (day + 1) * MINUTES + dice.choice((0, 0, 0, 1, 59, 180, 1500, 4000))
            for day in self.truth
        }
        self.nulls = 0.05
        self.fails: type[CryptobtError] | None = None
        self.asked: list[pd.Timestamp | None] = []
        self.told: list[tuple[int, Bar]] = []

    def any_bar(self) -> Bar:
        """One of few values, so that a rewrite may also bring an old one back."""
        return bar(float(self.dice.randint(100, 103)), self.dice.choice((1.0, None)))

    def rewrite(self, minute: int) -> None:
        """Change up to five of the newest fifteen bars: some older than a sync looks back."""
        for _ in range(self.dice.randint(0, 5)):
            day = minute // MINUTES - self.dice.randint(1, 15)
            if day >= 0:
                self.truth[day] = self.any_bar()

    def fetch(
        self, _symbol: str, _interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        self.asked.append(since)
        minute = (now - FIRST) // pd.Timedelta(minutes=1)
        # more than was asked for may come along
        begin = 0 if since is None else (since - FIRST).days - self.dice.choice((0, 0, 3))
        self.told = self.rows(begin, minute)
        if self.fails is not None:
            raise self.fails("midway")
        days, bars = [day for day, _ in self.told], [row for _, row in self.told]
        frame = pd.DataFrame(bars, columns=list(NAMES), dtype=float)
        times = pd.DatetimeIndex([FIRST + day * DAY for day in days], tz="UTC").as_unit("ns")
        return frame.assign(time=times)

    def rows(self, begin: int, minute: int) -> list[tuple[int, Bar]]:
        """In any order, some twice, some null, and the bar of today half-formed."""
        today = minute // MINUTES
        told = [
            (day, NULL if self.dice.random() < self.nulls else self.truth[day])
            for day in range(max(begin, 0), today)
            if self.shown_from[day] <= minute
        ]
        if self.dice.random() < 0.6:
            told.append((today, bar(500.0 + self.dice.random(), 0.1)))
        told += self.dice.sample(told, k=min(len(told), self.dice.randint(0, 3)))
        self.dice.shuffle(told)
        return told


class Model:
    """What must be stored, as plain dicts."""

    def __init__(self) -> None:
        self.known: dict[int, Bar] = {}
        self.log: list[Change] = []

    def asks_from(self, since: int | None) -> int | None:
        if not self.known:
            return since
        overlap = max(self.known) - 6
        return overlap if since is None else min(since, overlap)

    def take(self, told: Iterable[tuple[int, Bar]], minute: int) -> list[Change]:
        """Take the complete bars that have prices; give what they rewrite, by day."""
        over = {day: row for day, row in told if (day + 1) * MINUTES <= minute and row != NULL}
        changes = [
            (FIRST + day * DAY, values(self.known[day]), values(row), when(minute))
            for day, row in sorted(over.items())
            if day in self.known and self.known[day] != row
        ]
        self.known |= over
        self.log += changes
        return changes


def values(row: Bar) -> dict[str, float | None]:
    return dict(zip(NAMES, row, strict=True))


def served(frame: pd.DataFrame, times: pd.DatetimeIndex) -> dict[int, Bar]:
    rows = frame[list(NAMES)].astype(object).where(frame[list(NAMES)].notna(), None)
    return {
        (time - FIRST).days: tuple(row)
        for time, row in zip(times, rows.to_numpy().tolist(), strict=True)
    }


def logged(store: BarStore) -> list[Change]:
    return [(r.time, r.old, r.new, r.seen_at) for r in store.rewrites(SERIES)]


def attempt(
    store: BarStore, vendor: Vendor, model: Model, minute: int, since: int | None
) -> SyncReport | None:
    """Sync once; None where the vendor failed, or has nothing that is over."""
    begin = None if since is None else FIRST + since * DAY
    expected = model.asks_from(since)
    report = None
    with suppress(vendor.fails or NoDataError):
        report = sync(store, vendor, "BTC-USD", "1d", when(minute), begin)
    assert vendor.asked[-1] == (None if expected is None else FIRST + expected * DAY)
    before = len(model.known)
    changes = [] if vendor.fails else model.take(vendor.told, minute)
    assert (report is None) == (vendor.fails is not None or not model.known)
    if report is not None:
        told = [(r.time, r.old, r.new, r.seen_at) for r in report.rewritten]
        assert (told, report.added) == (changes, len(model.known) - before)
        assert report.late == (minute // MINUTES - 1 not in model.known)
    return report


def check(store: BarStore, model: Model, minute: int) -> None:
    """The store holds and serves what the model knows, and has logged what it saw change."""
    stored = store.read(SERIES)
    assert (stored is None) == (not model.known)
    if stored is None:
        return
    assert served(stored, pd.DatetimeIndex(stored["time"])) == model.known
    assert max(model.known) < minute // MINUTES
    assert logged(store) == model.log
    if len(model.known) > 1:
        market = load_stored(store, SERIES, "refuse", when(minute))
        assert market is not None
        assert served(market.bars, market.times) == model.known
        said = any("not there yet" in warning for warning in market.quality.warnings)
        assert said == (minute // MINUTES - 1 not in model.known)


@pytest.mark.parametrize("seed", range(12))
def test_weeks_of_syncs_keep_what_was_told_last_and_log_every_rewrite(
    seed: int, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    store, vendor, model = BarStore(tmp_path), Vendor(dice), Model()
    minute = dice.randint(0, 3 * MINUTES)
    while minute < 7 * WEEKS * MINUTES:
        # several a day, at any minute; now and then nobody asks for days
        minute += dice.choice((1, 7, 200, 480, 480, 901, MINUTES, 9 * MINUTES))
        vendor.rewrite(minute)
        vendor.fails = dice.choice(FAILURES) if dice.random() < 0.2 else None
        since = dice.randint(0, minute // MINUTES) if dice.random() < 0.1 else None
        attempt(store, vendor, model, minute, since)
        check(store, model, minute)
    assert model.log


@pytest.mark.parametrize("seed", range(3))
def test_a_sync_from_the_beginning_finds_every_older_rewrite(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    store, vendor, model = BarStore(tmp_path), Vendor(dice), Model()
    vendor.shown_from, vendor.nulls = dict.fromkeys(vendor.truth, 0), 0.0
    minute = 30 * MINUTES
    attempt(store, vendor, model, minute, None)
    for day in range(5, 25):
        vendor.truth[day] = bar(200.0 + day, 1.0)
    attempt(store, vendor, model, minute, None)
    overlap = len(model.log)
    attempt(store, vendor, model, minute, 0)
    check(store, model, minute)
    assert model.known == {day: vendor.truth[day] for day in range(30)}
    # two of them lie in the overlap, and up to three came along unasked
    assert 0 < overlap <= 5
    assert sorted(time for time, *_ in model.log) == [FIRST + day * DAY for day in range(5, 25)]
