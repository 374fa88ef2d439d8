"""Full and read-only disks, and other programs on the same ledger: one line, and nothing lost."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import CannotWriteError
from cryptobt.paper import connection
from cryptobt.paper.ledger import open_ledger

from .night_in_child import Nights, Outcome, copy_home, facts, ledger_of, market_file

BARS = 560
FIRST = pd.Timestamp("2015-01-01T00:30Z") + pd.Timedelta(days=BARS - 30)
NEXT = FIRST + pd.Timedelta(days=2)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with Nights(tmp_path_factory.mktemp("scratch")) as server:
        yield server


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, nights: Nights) -> Path:
    """A home whose account has had two nights."""
    home = tmp_path_factory.mktemp("before")
    csv = market_file(home / "btc.csv", BARS)
    flags = {"strategy.name": "sma_trend", "data.csv": [f"BTC-USD={csv}"]}
    assert nights.init(home, flags).error == ""
    for day in range(2):
        assert nights.night(home, FIRST + pd.Timedelta(days=day)).error == ""
    return home


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, nights: Nights, before: Path) -> Path:
    """The same home after an undisturbed third night."""
    home = copy_home(before, tmp_path_factory.mktemp("after") / "home")
    assert nights.night(home, NEXT).error == ""
    return home


@pytest.fixture
def home(before: Path, tmp_path: Path) -> Path:
    return copy_home(before, tmp_path / "home")


@pytest.fixture
def open_home(before: Path) -> Iterator[Path]:
    """A copy that every user of the machine can reach and read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = copy_home(before, Path(folder) / "home")
        yield home
        _let(home, 0o755, 0o644)


def _let(home: Path, folders: int, files: int) -> None:
    for path in [home, *home.rglob("*")]:
        path.chmod(folders if path.is_dir() else files)


@contextmanager
def _transaction(path: Path, kind: str) -> Iterator[None]:
    """Hold a transaction as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {kind}")
        yield
        other.execute("ROLLBACK")


def _refused(outcome: Outcome, error: str, *words: str) -> None:
    assert (outcome.signal, outcome.error) == (0, error), outcome
    assert "\n" not in outcome.said
    for word in words:
        assert word in outcome.said


class TestFullDisk:
    def test_a_run_either_records_its_night_or_says_so(
        self, nights: Nights, before: Path, after: Path, tmp_path: Path
    ) -> None:
        known, size = (facts(before), facts(after)), ledger_of(before).stat().st_size
        refused = 0
        for limit in (0, 5_000, 20_000, size - 40_000, size - 4_000, size, size + 4_000):
            home = copy_home(before, tmp_path / "home")
            outcome = nights.night(home, NEXT, limit=limit)
            if outcome.error:
                _refused(outcome, "CannotWriteError", "cannot ", "free space", str(home))
                refused += 1
            assert facts(home) in known, limit
            assert nights.night(home, NEXT).error == "", limit
            assert facts(home) == known[1], limit
        assert 4 <= refused < 7

    def test_a_wal_that_cannot_grow_leaves_the_night_before(
        self, nights: Nights, home: Path, before: Path, after: Path
    ) -> None:
        # twenty nights take more pages than fit, and a WAL's index, which is 32 KiB, does fit
        outcome = nights.night(home, NEXT + pd.Timedelta(days=20), limit=40_000)
        _refused(outcome, "CannotWriteError", "nothing of this night was recorded")
        assert facts(home) == facts(before)
        assert nights.night(home, NEXT).error == ""
        assert facts(home) == facts(after)

    def test_a_backup_that_cannot_be_written_says_that_the_night_is_recorded(
        self, nights: Nights, home: Path, after: Path
    ) -> None:
        backups = ledger_of(home).parent / "backups"
        kept = sorted(backups.iterdir())
        outcome = nights.night(home, NEXT, limit=ledger_of(home).stat().st_size - 8_000)
        _refused(outcome, "CannotWriteError", "every night is recorded", "only its backup is not")
        assert facts(home) == facts(after)
        assert sorted(path for path in backups.iterdir() if path.suffix == ".sqlite3") == kept
        assert nights.night(home, NEXT).error == ""
        assert len(list(backups.iterdir())) == len(kept) + 1

    def test_an_account_that_does_not_fit_is_not_there(
        self, nights: Nights, home: Path, tmp_path: Path
    ) -> None:
        csv = home / "btc.csv"
        flags = {"strategy.name": "sma_trend", "data.csv": [f"BTC-USD={csv}"]}
        empty = tmp_path / "empty"
        for limit in (0, 5_000, 30_000, 60_000):
            _refused(nights.init(empty, flags, limit=limit), "CannotWriteError", "cannot ")
            assert not ledger_of(empty).exists()
        assert nights.init(empty, flags).error == ""
        assert facts(empty)["nights"] == []


class TestReadOnlyDisk:
    def test_a_night_is_refused_before_it_is_computed(
        self, nights: Nights, open_home: Path
    ) -> None:
        _let(open_home, 0o555, 0o444)
        outcome = nights.night(open_home, NEXT, unprivileged=True)
        _refused(outcome, "CannotWriteError", "cannot write", str(open_home), "Permission denied")

    def test_a_ledger_alone_that_is_read_only_is_refused(
        self, nights: Nights, open_home: Path, before: Path
    ) -> None:
        _let(open_home, 0o777, 0o666)
        ledger_of(open_home).chmod(0o444)
        outcome = nights.night(open_home, NEXT, unprivileged=True)
        _refused(outcome, "CannotWriteError", str(ledger_of(open_home)), "mend the permissions")
        assert facts(open_home) == facts(before)

    def test_what_reads_works_and_leaves_no_file(self, nights: Nights, open_home: Path) -> None:
        _let(open_home, 0o555, 0o444)
        there = sorted(open_home.rglob("*"))
        outcome = nights.read(open_home, unprivileged=True)
        assert (outcome.error, outcome.said) == ("", "")
        assert len(outcome.decided) == 2
        assert sorted(open_home.rglob("*")) == there

    def test_what_a_crash_left_is_read_on_a_read_only_disk(
        self, nights: Nights, open_home: Path
    ) -> None:
        # dies once the night is committed, before the WAL is folded into the ledger
        died = nights.night(open_home, NEXT, statement=_of_the_backup(nights, open_home))
        assert died.signal
        _let(open_home, 0o555, 0o444)
        there = sorted(open_home.rglob("*"))
        outcome = nights.read(open_home, unprivileged=True)
        assert (outcome.error, outcome.said) == ("", "")
        assert len(outcome.decided) == 3
        assert sorted(open_home.rglob("*")) == there


def _of_the_backup(nights: Nights, home: Path) -> int:
    """Number of the first statement after a night's commit."""
    with tempfile.TemporaryDirectory() as folder:
        whole = nights.night(copy_home(home, Path(folder) / "home"), NEXT)
    return whole.statements - whole.after_commit


class TestOtherPrograms:
    @pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
    def test_a_lock_on_the_ledger_is_said_in_bounded_time(
        self, nights: Nights, home: Path, before: Path, after: Path, kind: str
    ) -> None:
        with _transaction(ledger_of(home), kind):
            outcome = nights.night(home, NEXT, busy_seconds=0.2)
        _refused(outcome, "LockHeldError", "another program holds the ledger", "close it")
        assert facts(home) == facts(before)
        assert nights.night(home, NEXT).error == ""
        assert facts(home) == facts(after)

    def test_a_reader_does_not_disturb_a_night(
        self, nights: Nights, home: Path, before: Path, after: Path
    ) -> None:
        known = facts(before)
        with open_ledger(ledger_of(home), read_only=True) as ledger:
            with _transaction(ledger_of(home), "DEFERRED"):
                assert nights.night(home, NEXT).error == ""
            assert len(ledger.nights()) == len(known["nights"])
        assert facts(home) == facts(after)

    def test_what_another_program_has_open_is_read_while_it_writes(
        self, home: Path, before: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
        with _transaction(ledger_of(home), "IMMEDIATE"):
            assert facts(home) == facts(before)

    def test_of_two_runs_at_once_one_wins(self, nights: Nights, home: Path, after: Path) -> None:
        outcomes = nights.both(home, NEXT)
        assert sorted(outcome.error for outcome in outcomes) == ["", "LockHeldError"]
        (loser,) = (outcome for outcome in outcomes if outcome.error)
        assert "another process is working on account 'one'" in loser.said
        assert facts(home) == facts(after)


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    for how in ({}, {"read_only": True}):
        with pytest.raises(CannotWriteError, match="No such file"), open_ledger(path, **how):
            pass
    assert list(tmp_path.iterdir()) == []
