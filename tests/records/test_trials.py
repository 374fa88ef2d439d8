"""The trial ledger counts each choice of settings once, whoever writes to it and whatever dies."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import CannotWriteError, LedgerError, LockHeldError
from cryptobt.records import trial_file
from cryptobt.records.trials import NEWEST, Trial, TrialLedger

NOW = pd.Timestamp("2025-02-03T04:05:06Z")


def trial(
    key: str,
    first: str = "2020-01-01",
    days: int = 100,
    sharpe: float | None = 0.05,
    seconds: int = 0,
    returns: np.ndarray | None = None,
) -> Trial:
    """A trial of some days, made some seconds after the first one."""
    index = pd.date_range(first, periods=days, freq="D", tz="UTC")
    values = np.random.default_rng(len(key)).normal(0, 0.02, days) if returns is None else returns
    daily = pd.Series(values, index)
    at = NOW + pd.Timedelta(seconds=seconds)
    return Trial(key, "momentum", index[0], index[-1], days, sharpe, daily, at)


def filled(path: Path, count: int, symbol: str = "BTC-USD") -> TrialLedger:
    """A ledger of some trials, whose Sharpe ratios are 0, 0.01, 0.02 …"""
    ledger = TrialLedger(path)
    for number in range(count):
        ledger.record(trial(f"k{number}", sharpe=number / 100, seconds=number), [symbol], "1d")
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> TrialLedger:
    return TrialLedger(tmp_path / "home" / "trials.sqlite")


# Counting


def test_nothing_was_tried_on_a_market_that_is_not_in_the_ledger(ledger: TrialLedger) -> None:
    found = ledger.tried(["BTC-USD"], "1d")
    assert (found.n, found.variance) == (0, None)
    assert not ledger.path.parent.exists(), "who only asks makes no ledger"
    ledger.record(trial("a"), ["ETH-USD"], "1d")
    found = ledger.tried(["BTC-USD"], "1d")
    assert (found.n, found.variance) == (0, None)


def test_the_same_key_again_is_the_same_trial_with_its_newest_returns(ledger: TrialLedger) -> None:
    ledger.record(trial("a", sharpe=0.05), ["BTC-USD"], "1d")
    later = trial("a", days=3, returns=np.array([0.01, -0.02, 0.03]), seconds=60)
    ledger.record(later, ["BTC-USD"], "1d")
    assert ledger.tried(["BTC-USD"], "1d").n == 1
    kept = ledger.returns_of("a", ["BTC-USD"], "1d")
    assert kept["a"].tolist() == [0.01, -0.02, 0.03]
    assert kept.index.tolist() == later.daily.index.tolist()
    with sqlite3.connect(ledger.path) as database:
        rows = database.execute("SELECT created_at, updated_at, bars FROM trials").fetchall()
    database.close()
    assert rows == [("2025-02-03T04:05:06Z", "2025-02-03T04:06:06Z", 3)]


def test_trials_are_counted_for_each_symbol_and_interval(ledger: TrialLedger) -> None:
    ledger.record(trial("a"), ["BTC-USD"], "1d")
    ledger.record(trial("b"), ["BTC-USD"], "1d")
    ledger.record(trial("c"), ["ETH-USD"], "1d")
    ledger.record(trial("d"), ["BTC-USD"], "1h")
    ledger.record(trial("e"), ["BTC-USD (simulated)"], "1d")
    counts = {
        (symbol, interval): ledger.tried([symbol], interval).n
        for symbol in ("BTC-USD", "ETH-USD", "BTC-USD (simulated)")
        for interval in ("1d", "1h")
    }
    assert counts == {
        ("BTC-USD", "1d"): 2,
        ("ETH-USD", "1d"): 1,
        ("BTC-USD (simulated)", "1d"): 1,
        ("BTC-USD", "1h"): 1,
        ("ETH-USD", "1h"): 0,
        ("BTC-USD (simulated)", "1h"): 0,
    }


def test_an_account_of_several_symbols_has_the_trials_of_the_one_most_was_tried_on(
    ledger: TrialLedger,
) -> None:
    for number in range(3):
        ledger.record(trial(f"k{number}"), ["ETH-USD"], "1d")
    ledger.record(trial("both"), ["BTC-USD", "ETH-USD"], "1d")
    assert ledger.tried(["BTC-USD", "ETH-USD"], "1d").n == 4
    assert ledger.tried(["BTC-USD"], "1d").n == 1


# The variance of what was tried


def test_the_variance_is_measured_from_twenty_trials_on(tmp_path: Path) -> None:
    few = filled(tmp_path / "few.sqlite", 19).tried(["BTC-USD"], "1d")
    assert (few.n, few.variance) == (19, None)
    # 0, 1 … 19 have the variance (20² − 1)/12 · 20/19 = 35; of their hundredths it is 35e-4
    enough = filled(tmp_path / "enough.sqlite", 20).tried(["BTC-USD"], "1d")
    assert enough.variance == pytest.approx(35e-4, rel=1e-12)


def test_a_trial_without_a_sharpe_ratio_is_counted_and_has_no_part_in_the_variance(
    tmp_path: Path,
) -> None:
    ledger = filled(tmp_path / "trials.sqlite", 19)
    ledger.record(trial("flat", sharpe=None), ["BTC-USD"], "1d")
    found = ledger.tried(["BTC-USD"], "1d")
    assert (found.n, found.variance) == (20, None)


# Returns side by side


def test_trials_are_compared_over_the_days_that_all_of_them_share(ledger: TrialLedger) -> None:
    ledger.record(trial("judged", "2020-01-01", 100), ["BTC-USD"], "1d")
    ledger.record(trial("late", "2020-01-06", 200), ["BTC-USD"], "1d")
    ledger.record(trial("early", "2019-06-01", 309), ["BTC-USD"], "1d")
    shared = ledger.returns_of("judged", ["BTC-USD"], "1d")
    assert list(shared.columns) == ["early", "judged", "late"]
    # late begins on the judged one's 6th day, early ends on its 95th: 31 + 29 + 31 + 4
    assert [f"{day:%Y-%m-%d}" for day in shared.index[[0, -1]]] == ["2020-01-06", "2020-04-04"]
    assert len(shared) == 90
    assert not shared.isna().any().any()
    # of the 200 days of the late one the others cover fewer than 180
    assert ledger.returns_of("late", ["BTC-USD"], "1d").columns.tolist() == ["late"]


@pytest.mark.parametrize(("first", "days", "taken"), [
    ("2020-01-11", 90, True),   # 90 of 100 days
    ("2020-01-12", 89, False),
    ("2019-01-01", 455, True),  # until 2020-03-30, the judged one's 90th day
    ("2019-01-01", 454, False),
    ("2021-01-01", 100, False),
])  # fmt: skip
def test_a_trial_takes_part_where_it_covers_nine_tenths_of_the_days(
    ledger: TrialLedger, first: str, days: int, taken: bool
) -> None:
    ledger.record(trial("judged", "2020-01-01", 100), ["BTC-USD"], "1d")
    ledger.record(trial("other", first, days), ["BTC-USD"], "1d")
    found = ledger.returns_of("judged", ["BTC-USD"], "1d")
    assert ("other" in found) == taken
    assert len(found) == (90 if taken else 100)


def test_of_many_trials_the_newest_take_part_and_the_judged_one_always(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.sqlite")
    for number in range(NEWEST + 5):
        ledger.record(trial(f"k{number:03}", seconds=number), ["BTC-USD"], "1d")
    found = list(ledger.returns_of("k000", ["BTC-USD"], "1d"))
    assert found == ["k000", *(f"k{number:03}" for number in range(5, NEWEST + 5))]


# Several processes


def _record_many(path: Path, name: str, count: int) -> None:
    ledger = TrialLedger(path)
    for number in range(count):
        ledger.record(trial(f"{name}{number}"), ["BTC-USD"], "1d")


def test_processes_at_once_all_count_from_the_making_of_the_file_on(ledger: TrialLedger) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [
        spawn.Process(target=_record_many, args=(ledger.path, name, 15)) for name in ("a", "b")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert ledger.tried(["BTC-USD"], "1d").n == 30


_ENDLESS = """
import sys
from pathlib import Path
from tests.records.test_trials import TrialLedger, trial

ledger, number = TrialLedger(Path(sys.argv[1])), 0
while True:
    ledger.record(trial(f"k{number}"), ["BTC-USD", "ETH-USD"], "1d")
    number += 1
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_trials(ledger: TrialLedger) -> None:
    command = [sys.executable, "-c", _ENDLESS, str(ledger.path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(10)][-1]
        time.sleep(0.02)
        os.kill(writer.pid, signal.SIGKILL)
        told = said + len(writer.stdout.read().split())
    counts = [ledger.tried([symbol], "1d").n for symbol in ("BTC-USD", "ETH-USD")]
    assert counts[0] == counts[1] >= told
    ledger.record(trial("after"), ["BTC-USD"], "1d")
    assert ledger.tried(["BTC-USD"], "1d").n == counts[0] + 1
    with sqlite3.connect(ledger.path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_a_program_that_holds_the_ledger_is_waited_for_and_then_named(
    ledger: TrialLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record(trial("a"), ["BTC-USD"], "1d")
    monkeypatch.setattr(trial_file, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockHeldError, match=r"another program holds the trial ledger .*try again"):
        ledger.record(trial("b"), ["BTC-USD"], "1d")
    with pytest.raises(LockHeldError):
        ledger.check()
    assert ledger.tried(["BTC-USD"], "1d").n == 1  # reading waits for nobody
    other.execute("ROLLBACK")
    other.close()
    ledger.record(trial("b"), ["BTC-USD"], "1d")
    assert ledger.tried(["BTC-USD"], "1d").n == 2


# What can be wrong with the file


@pytest.mark.parametrize(
    "content", [b"", b"no database at all, only words" * 20, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_damaged_file_is_named_with_the_way_out(ledger: TrialLedger, content: bytes) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(content)
    for use in (
        ledger.check,
        lambda: ledger.tried(["BTC-USD"], "1d"),
        lambda: ledger.record(trial("a"), ["BTC-USD"], "1d"),
    ):
        with pytest.raises(LedgerError, match="is damaged") as caught:
            use()
        said = str(caught.value)
        assert str(ledger.path) in said
        assert said.endswith("move it away, and counting begins anew, or set trials.ledger=false")
        assert "\n" not in said
    assert ledger.path.read_bytes() == content


def test_a_ledger_that_was_moved_away_is_made_anew_without_what_lay_beside_it(
    ledger: TrialLedger,
) -> None:
    ledger.record(trial("a"), ["BTC-USD"], "1d")
    beside = ledger.path.with_name("trials.sqlite-wal")
    ledger.path.rename(ledger.path.with_name("old.sqlite"))
    beside.write_bytes(b"of the old one")
    ledger.record(trial("b"), ["BTC-USD"], "1d")
    assert ledger.tried(["BTC-USD"], "1d").n == 1


def test_returns_that_cannot_be_unpacked_are_damage(ledger: TrialLedger) -> None:
    ledger.record(trial("a"), ["BTC-USD"], "1d")
    with sqlite3.connect(ledger.path) as database:
        database.execute("UPDATE trials SET daily_returns = x'00'")
    database.close()
    with pytest.raises(LedgerError, match="is damaged"):
        ledger.returns_of("a", ["BTC-USD"], "1d")


@pytest.mark.parametrize(
    ("version", "said"),
    [(2, "was made by a newer cryptobt"), (0, "its tables have version 0, not 1")],
)
def test_tables_of_another_version_are_left_alone(
    ledger: TrialLedger, version: int, said: str
) -> None:
    ledger.check()
    with sqlite3.connect(ledger.path) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    with pytest.raises(LedgerError, match=said):
        ledger.record(trial("a"), ["BTC-USD"], "1d")


def test_a_full_disk_is_no_damage(ledger: TrialLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.record(trial("a"), ["BTC-USD"], "1d")
    connected = trial_file._connected

    def on_a_full_disk(path: Path) -> sqlite3.Connection:
        database = connected(path)
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(trial_file, "_connected", on_a_full_disk)
    with pytest.raises(CannotWriteError, match="full"):
        ledger.record(trial("b", days=4000), ["BTC-USD"], "1d")
    monkeypatch.undo()
    assert ledger.tried(["BTC-USD"], "1d").n == 1


def test_a_place_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    ledger = TrialLedger(tmp_path / "home" / "trials.sqlite")
    with pytest.raises(CannotWriteError, match="cannot write"):
        ledger.check()
    folder = TrialLedger(tmp_path / "trials.sqlite")
    folder.path.mkdir()
    with pytest.raises(CannotWriteError, match=r"cannot use the trial ledger .*trials.ledger=fals"):
        folder.record(trial("a"), ["BTC-USD"], "1d")
