"""The ledger keeps what was written to it, and says when it is not what was written."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import BARS, FORECASTS
from cryptobt.core.errors import CannotWriteError, LedgerError, LockHeldError, UsageError
from cryptobt.core.settings import load_settings
from cryptobt.jobs.events import Events
from cryptobt.paper import connection, schema
from cryptobt.paper.clock import stopped_clock
from cryptobt.paper.facts import NewBars, NewNight, Quote, Rewritten
from cryptobt.paper.init import init_account
from cryptobt.paper.ledger import create_ledger, open_ledger
from cryptobt.paper.night import run_night

from .night_in_child import copy_home, facts, ledger_of, market_file

DAY = pd.Timedelta(days=1)
BAR = pd.Timestamp("2024-01-01T00:00Z")
SYMBOLS = ("BTC-USD", "ETH-USD")
TABLES = ("account", "nights", *schema.FACTS)
QUIET = Events(lambda _: None, lambda _: None, lambda _: None)


def _bars(first: pd.Timestamp, count: int, start: float) -> pd.DataFrame:
    times = pd.date_range(first, periods=count, freq="D", name="time")
    closes = start + np.arange(count, dtype=float)
    table = {"open": closes - 0.5, "high": closes + 1, "low": closes - 1, "close": closes,
             "volume": np.full(count, np.nan)}  # fmt: skip
    return pd.DataFrame(table, index=times)[list(BARS)]


def _forecast(symbol: str, bar_at: pd.Timestamp) -> dict[str, Any]:
    numbers = dict.fromkeys(("score", "mean", "p_up", "q05", "q50", "q95", "seed_spread"), 0.125)
    texts = {"symbol": symbol, "horizon_bars": 1, "model_id": "net-1", "forecaster": "net"}
    times = {"time": bar_at, "made_at": bar_at + DAY, "target_at": bar_at + 2 * DAY,
             "trained_until": BAR - 30 * DAY, "fold": BAR - 30 * DAY}  # fmt: skip
    return numbers | texts | times


def _night(number: int) -> NewNight:
    """A night with rows in every table."""
    bar_at, seen = BAR + number * DAY, BAR + (number + 1) * DAY + pd.Timedelta(minutes=30)
    first, count = (BAR - 60 * DAY, 61) if number == 0 else (bar_at, 1)
    rewritten = Rewritten(SYMBOLS[0], BAR - 50 * DAY, {"close": 1.0}, {"close": 2.0 + number}, seen)
    return NewNight(
        bar_at, seen, True, json.dumps({"equity": {"equity_quote": 10_000.0 + number}}),
        {"numpy": "2.4"},
        bars=[NewBars(s, _bars(first, count, 100.0 + number), "test", seen, None) for s in SYMBOLS],
        forecasts=pd.DataFrame([_forecast(s, bar_at) for s in SYMBOLS])[list(FORECASTS)],
        quotes=[Quote(symbol, 101.5, seen, "test") for symbol in SYMBOLS],
        rewritten=[rewritten],
        absent=[("SOL-USD", BAR)],
        warnings=["a line"],
    )  # fmt: skip


def _made(path: Path, nights: int, created_at: str = "2024-01-01T00:00:00Z") -> Path:
    create_ledger(path, "one", created_at, '{"a": 1}', "{}")
    for number in range(nights):
        with open_ledger(path) as ledger:
            ledger.append([_night(number)])
            ledger.back_up()
    return path


def _rows(path: Path, *, read_only: bool = True) -> dict[str, list[Any]]:
    with open_ledger(path, read_only=read_only) as ledger:
        return {name: _values(ledger.table(name)) for name in TABLES}


def _values(table: pd.DataFrame) -> list[Any]:
    return [tuple(map(repr, row)) for row in table.itertuples(index=False)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of nine nights with seven backups; it is only read."""
    return _made(tmp_path_factory.mktemp("whole") / "ledger.sqlite3", 9)


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, backups too, to be changed."""
    return Path(shutil.copytree(whole.parent, tmp_path / "one")) / whole.name


def _refusal(path: Path, *, read_only: bool = False) -> str:
    with pytest.raises(LedgerError) as refused, open_ledger(path, read_only=read_only):
        pass
    assert refused.value.exit_code == 5
    said = str(refused.value)
    assert "\n" not in said
    assert str(path) in said
    return said


def _raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


class TestAppendOnly:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
    def test_a_row_is_neither_changed_nor_removed(
        self, path: Path, table: str, change: str
    ) -> None:
        with closing(_raw(path)) as database:
            column = database.execute(f"SELECT * FROM {table}").description[0][0]
            with pytest.raises(sqlite3.IntegrityError, match="the ledger is append-only"):
                database.execute(change.format(table, column))

    @pytest.mark.parametrize("table", sorted({*TABLES} - {"rewrites"}))
    def test_a_row_is_not_replaced(self, path: Path, table: str) -> None:
        with open_ledger(path) as ledger, pytest.raises(sqlite3.IntegrityError, match="append-"):
            ledger._db.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")

    def test_a_night_is_not_written_twice(self, path: Path) -> None:
        known = _rows(path)
        with open_ledger(path) as ledger, pytest.raises(LockHeldError, match="wrote the night of"):
            ledger.append([_night(8)])
        assert _rows(path) == known

    def test_nights_are_written_together_or_not_at_all(self, path: Path) -> None:
        known = _rows(path)
        with open_ledger(path) as ledger, pytest.raises(LockHeldError):
            ledger.append([_night(9), _night(9)])
        assert _rows(path) == known

    def test_what_is_read_is_what_was_written(self, path: Path) -> None:
        with open_ledger(path) as ledger:
            bars = ledger.bars("BTC-USD")
            assert len(bars) == 69
            assert bars["close"].iloc[0] == 100.0
            assert bars["volume"].isna().all()
            assert [night.night_id for night in ledger.nights()] == list(range(1, 10))
            assert len(ledger.table("models")) == len(SYMBOLS)
            assert len(ledger.rewrites()) == 9


class TestTampering:
    def _without_triggers(self, path: Path, *statements: str) -> None:
        """Change rows as somebody would who knows SQL, and leave the triggers as they were."""
        with closing(_raw(path)) as database:
            triggers = database.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                database.execute(f"DROP TRIGGER {name}")
            for statement in (*statements, *(sql for _, sql in triggers)):
                database.execute(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE bars SET close = close + 0.01 WHERE night_id = 5 AND symbol = 'ETH-USD'",
            "UPDATE bars SET arrived_late = 1 WHERE night_id = 5",
            "UPDATE forecasts SET score = -score WHERE night_id = 5",
            "UPDATE models SET night_id = 5",
            "UPDATE quotes SET price = 1 WHERE night_id = 5",
            "UPDATE rewrites SET told = '{}' WHERE night_id = 5",
            "UPDATE nights SET record = '{}' WHERE night_id = 5",
            "UPDATE nights SET decided_at = '2024-01-06T04:00:00Z' WHERE night_id = 5",
            "DELETE FROM absences WHERE night_id = 5",
            "INSERT INTO absences VALUES (5, 'DOGE-USD', '2024-01-01T00:00:00Z')",
        ],
    )
    def test_a_changed_row_is_found_with_its_night(self, path: Path, statement: str) -> None:
        self._without_triggers(path, statement)
        night = "2024-01-01" if "models" in statement else "2024-01-05"
        said = _refusal(path)
        assert f"facts of the night of {night}T00:00:00Z were changed" in said
        assert _refusal(path, read_only=True) == said

    def test_a_changed_setting_is_found(self, path: Path) -> None:
        self._without_triggers(path, "UPDATE account SET settings = '{}'")
        assert "the account's settings are not those it was opened with" in _refusal(path)

    def test_a_row_of_no_night_is_found(self, path: Path) -> None:
        self._without_triggers(
            path, "INSERT INTO absences VALUES (99, 'DOGE-USD', '2024-01-01T00:00:00Z')"
        )
        assert "absences has rows of a night that is not there" in _refusal(path)

    def test_a_night_taken_out_of_the_middle_is_found(self, path: Path) -> None:
        self._without_triggers(
            path, *(f"DELETE FROM {table} WHERE night_id = 5" for table in TABLES[1:])
        )
        assert "facts of the night of 2024-01-06T00:00:00Z were changed" in _refusal(path)

    def test_nights_taken_off_the_end_are_known_from_the_backups(self, path: Path) -> None:
        self._without_triggers(
            path, *(f"DELETE FROM {table} WHERE night_id >= 8" for table in TABLES[1:])
        )
        assert "nights that ledger-2024-01-09.sqlite3 has are missing" in _refusal(path)

    def test_a_dropped_trigger_is_found(self, path: Path) -> None:
        with closing(_raw(path)) as database:
            database.execute("DROP TRIGGER bars_keeps_UPDATE")
        assert "the triggers that keep its rows, were changed" in _refusal(path)

    def test_a_ledger_of_another_version_is_not_read(self, path: Path) -> None:
        with closing(_raw(path)) as database:
            database.execute("PRAGMA user_version = 9")
        assert "its version is 9, and this cryptobt reads 1" in _refusal(path)


def _flipped(path: Path, places: list[int], mask: int) -> None:
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= mask
    path.write_bytes(content)


class TestCorruption:
    def _harmless_or_refused(self, path: Path, known: dict[str, list[Any]]) -> bool:
        """Open for reading and for writing: the rows as they were, or one line."""
        backup = path.parent / "backups" / "ledger-2024-01-09.sqlite3"
        seen = []
        for read_only in (True, False):
            try:
                assert _rows(path, read_only=read_only) == known
                seen.append("harmless")
            except LedgerError as error:
                said = str(error)
                assert f"the ledger {path} is damaged (" in said
                assert f"copy {backup} over it" in said
                assert "\n" not in said
                seen.append("refused")
        # what only a writer would stumble over may be read
        assert seen in (["harmless"] * 2, ["refused"] * 2, ["harmless", "refused"])
        return seen[-1] == "refused"

    def _flip_one_by_one(self, path: Path, places: list[int], mask: int) -> int:
        known, content = _rows(path), path.read_bytes()
        refused = 0
        for place in places:
            path.write_bytes(content)
            _flipped(path, [place], mask)
            try:
                refused += self._harmless_or_refused(path, known)
            except BaseException as error:
                error.add_note(f"byte {place} (page {place // 4096 + 1}) flipped by {mask:#x}")
                raise
        return refused

    def test_a_flipped_byte_of_a_page_is_harmless_or_refused(self, path: Path) -> None:
        # heads of pages, where the tree stands, ends, where the oldest rows stand, and between
        heads = range(0, path.stat().st_size, 4096)
        places = [head + at for head in heads for at in (0, 3, 8, 2500, 4095)]
        assert self._flip_one_by_one(path, places, 0x81) > len(places) / 4

    def test_a_flipped_byte_of_the_header_is_harmless_or_refused(self, path: Path) -> None:
        assert self._flip_one_by_one(path, [*range(16, 32), *range(32, 100, 4)], 0x02) > 5

    @pytest.mark.slow
    @pytest.mark.parametrize("mask", [0x01, 0x80])
    def test_many_flipped_bytes_are_harmless_or_refused(self, path: Path, mask: int) -> None:
        rng = np.random.default_rng(mask)
        places = rng.integers(0, path.stat().st_size, 300).tolist()
        assert self._flip_one_by_one(path, [*range(100), *places], mask) > 100

    @pytest.mark.parametrize("keep", [1, 99, 100, 4095, 4096, 5000, 20_480])
    def test_a_file_cut_short_is_refused(self, path: Path, keep: int) -> None:
        path.write_bytes(path.read_bytes()[:keep])
        assert self._harmless_or_refused(path, {})

    @pytest.mark.parametrize(
        "content", [b"", b"not a ledger\n" * 99, bytes(8192), b"\xff" * 8192], ids=str
    )
    def test_a_file_that_is_no_ledger_is_refused_and_kept(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        assert self._harmless_or_refused(path, {})
        assert path.read_bytes() == content

    def test_another_database_is_refused_and_kept(self, path: Path) -> None:
        path.unlink()
        with closing(_raw(path)) as database:
            database.execute("CREATE TABLE t (x)")
        content = path.read_bytes()
        assert "its version is 0" in _refusal(path, read_only=True)
        assert path.read_bytes() == content

    def test_a_value_that_sqlite_does_not_miss_is_missed(self, path: Path) -> None:
        _flipped(path, [_place_of_a_close(path)], 0x01)
        with closing(_raw(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert "facts of the night of 2024-01-01T00:00:00Z were changed" in _refusal(path)

    def test_a_damaged_wal_loses_its_night_or_is_refused(self, path: Path) -> None:
        known = _rows(path)
        for place in (0, 20, 33, 60, 2000, -2000, -1):
            copy = _with_wal(path, path.parent / "wal" / path.name)
            wal = copy.with_name(copy.name + "-wal")
            _flipped(wal, [place], 0x10)
            # the night was never said to be done, and has no backup: it is decided again
            assert _rows(copy) == known
            with open_ledger(copy) as ledger:
                ledger.append([_night(9)])
            assert len(_rows(copy)["nights"]) == 10

    def test_a_wal_that_a_crash_left_has_its_night(self, path: Path) -> None:
        copy = _with_wal(path, path.parent / "wal" / path.name)
        assert len(_rows(copy)["nights"]) == 10
        assert len(_rows(copy, read_only=False)["nights"]) == 10

    def test_a_wal_left_beside_an_older_backup_gives_whole_nights_or_is_refused(
        self, path: Path
    ) -> None:
        known = _rows(path)["nights"]
        for day in range(3, 10):
            copy = _with_wal(path, path.parent / "wal" / path.name)
            shutil.copy(path.parent / "backups" / f"ledger-2024-01-0{day}.sqlite3", copy)
            with suppress(LedgerError):
                nights = _rows(copy)["nights"]
                assert nights[:9] == known[: len(nights)]


def _place_of_a_close(path: Path) -> int:
    """Last byte of a close of the first night, as SQLite keeps a number that is not whole."""
    return path.read_bytes().index(np.array(100.5, ">f8").tobytes()) + 7


def _with_wal(path: Path, to: Path) -> Path:
    """Copy a ledger as a crash after the commit of its tenth night leaves it."""
    shutil.rmtree(to.parent, ignore_errors=True)
    to.parent.mkdir()
    own = to.with_name("own")
    shutil.copy(path, own)
    with open_ledger(own) as ledger:
        ledger.append([_night(9)])
        for end in ("", "-wal", "-shm"):
            shutil.copy(own.with_name(own.name + end), to.with_name(to.name + end))
    return to


class TestBackups:
    def test_seven_are_kept(self, path: Path) -> None:
        names = sorted(copy.name for copy in (path.parent / "backups").iterdir())
        assert names == [f"ledger-2024-01-0{day}.sqlite3" for day in range(3, 10)]

    def test_a_file_of_the_user_beside_them_is_left_alone(self, path: Path) -> None:
        own = path.parent / "backups" / "ledger-of-mine.sqlite3"
        shutil.copy(path, own)
        with open_ledger(path) as ledger:
            ledger.append([_night(9)])
            ledger.back_up()
        assert own.exists()
        assert len(list(own.parent.iterdir())) == 8

    def test_a_damaged_backup_is_not_named(self, path: Path) -> None:
        backups = path.parent / "backups"
        (backups / "ledger-2024-01-09.sqlite3").write_bytes(b"")
        second = backups / "ledger-2024-01-08.sqlite3"
        _flipped(second, [_place_of_a_close(second)], 0x01)
        path.write_bytes(b"")
        assert f"copy {backups / 'ledger-2024-01-07.sqlite3'} over it" in _refusal(path)

    def test_without_one_a_new_account_is_advised(self, path: Path) -> None:
        shutil.rmtree(path.parent / "backups")
        path.write_bytes(b"")
        assert "open a new account: there is no whole backup of it" in _refusal(path)

    def test_an_older_backup_goes_on_where_the_newer_are_damaged(self, path: Path) -> None:
        backups = path.parent / "backups"
        for day in (8, 9):
            (backups / f"ledger-2024-01-0{day}.sqlite3").write_bytes(b"")
        shutil.copy(backups / "ledger-2024-01-07.sqlite3", path)
        with open_ledger(path) as ledger:
            ledger.append([_night(7), _night(8)])
            ledger.back_up()
        assert len(_rows(backups / "ledger-2024-01-09.sqlite3")["nights"]) == 9

    def test_an_older_backup_is_refused_while_a_newer_one_is_whole(self, path: Path) -> None:
        shutil.copy(path.parent / "backups" / "ledger-2024-01-07.sqlite3", path)
        assert "nights that ledger-2024-01-09.sqlite3 has are missing" in _refusal(path)

    def test_a_backup_is_whole_while_others_read(self, path: Path) -> None:
        with open_ledger(path) as ledger, closing(_raw(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM bars").fetchone()
            ledger.append([_night(9)])
            assert len(_rows(ledger.back_up())["nights"]) == 10
            reader.execute("ROLLBACK")

    def test_what_a_killed_backup_left_is_swept(self, path: Path) -> None:
        backups = path.parent / "backups"
        for name in (".part-1", ".part-1-journal"):
            (backups / name).write_bytes(b"half")
        with open_ledger(path) as ledger:
            ledger.back_up()
        assert not list(backups.glob(".part-*"))


class TestWriting:
    def test_a_full_disk_undoes_the_night(self, path: Path) -> None:
        known = _rows(path)
        with open_ledger(path) as ledger:
            pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
            ledger._db.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(CannotWriteError, match=r"full; nothing of this night .*free space"):
                ledger.append([_night(number) for number in range(9, 60)])
            ledger._db.execute("PRAGMA max_page_count = 1000000")
            assert len(ledger.nights()) == 9
            ledger.append([_night(9)])
        assert _rows(path)["nights"][:9] == known["nights"]

    def test_a_lock_taken_during_the_night_is_said(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
        with open_ledger(path) as ledger, closing(_raw(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LockHeldError, match="another program holds the ledger"):
                ledger.append([_night(9)])
            other.execute("ROLLBACK")
            ledger.append([_night(9)])
        assert len(_rows(path)["nights"]) == 10

    def test_a_closed_ledger_is_one_file(self, path: Path) -> None:
        with open_ledger(path) as ledger:
            ledger.append([_night(9)])
        assert [one.name for one in path.parent.iterdir() if one.is_file()] == [path.name]

    def test_reading_changes_nothing(self, path: Path) -> None:
        before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))
        with open_ledger(path, read_only=True) as ledger:
            assert len(ledger.nights()) == 9
        assert before == (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))

    def test_what_is_read_stands_still_while_a_night_is_written(self, path: Path) -> None:
        known = _rows(path)
        with open_ledger(path, read_only=True) as reader:
            with open_ledger(path) as writer:
                writer.append([_night(9)])
            assert {name: _values(reader.table(name)) for name in TABLES} == known

    def test_an_account_is_not_opened_over_the_backups_of_another(self, path: Path) -> None:
        path.unlink()
        with pytest.raises(UsageError, match=r"backups of an account 'one' already; copy .*01-09"):
            create_ledger(path, "one", "2024-01-01T00:00:00Z", "{}", "{}")

    def test_what_a_killed_creation_left_is_swept(self, tmp_path: Path) -> None:
        for end in ("", "-wal", "-shm", "-journal"):
            (tmp_path / f".part-ledger{end}").write_bytes(b"half")
        path = _made(tmp_path / "ledger.sqlite3", 0)
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
        assert _rows(path)["nights"] == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose account has had three nights."""
    home = tmp_path_factory.mktemp("restored")
    csv = market_file(home / "btc.csv", 300)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(home))
        flags = {"strategy.name": "sma_trend", "data.csv": (f"BTC-USD={csv}",)}
        now = pd.Timestamp("2025-02-03T04:05:06Z")
        init_account(load_settings(None, [], flags), "one", now, QUIET)
        for day in range(3):
            run_night("one", stopped_clock(_closed(day)), QUIET)
    return home


def _closed(day: int) -> pd.Timestamp:
    return pd.Timestamp("2015-10-01T00:30Z") + day * DAY


class TestRestoring:
    def test_what_the_line_says_brings_the_account_back(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        undisturbed = copy_home(home, tmp_path / "undisturbed")
        monkeypatch.setenv("CRYPTOBT_HOME", str(undisturbed))
        run_night("one", stopped_clock(_closed(3)), QUIET)

        broken = copy_home(home, tmp_path / "broken")
        monkeypatch.setenv("CRYPTOBT_HOME", str(broken))
        path = ledger_of(broken)
        path.write_bytes(bytes(len(path.read_bytes())))
        with pytest.raises(LedgerError) as refused:
            run_night("one", stopped_clock(_closed(3)), QUIET)
        newest = max((path.parent / "backups").iterdir())
        assert f"copy {newest} over it, remove the files ledger.sqlite3-wal and -shm, and run" in (
            str(refused.value)
        )
        path.rename(path.with_name("aside"))
        shutil.copy(newest, path)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        assert len(run_night("one", stopped_clock(_closed(3)), QUIET).decided) == 1
        assert facts(broken) == facts(undisturbed)

    def test_an_older_backup_catches_up(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = copy_home(home, tmp_path / "broken")
        monkeypatch.setenv("CRYPTOBT_HOME", str(broken))
        path = ledger_of(broken)
        first, *newer = sorted((path.parent / "backups").iterdir())
        for copy in newer:
            copy.unlink()
        shutil.copy(first, path)
        report = run_night("one", stopped_clock(_closed(3)), QUIET)
        assert len(report.decided) == 3
        assert len(report.standing.nights) == 4
