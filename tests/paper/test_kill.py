"""A run killed at any point leaves a ledger that the next run brings to the same facts."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .night_in_child import (
    Nights,
    Outcome,
    copy_home,
    facts,
    ledger_of,
    market_file,
)
from .watched_calls import can_watch

pytestmark = pytest.mark.skipif(
    not can_watch(), reason="this system does not let a test watch the calls of its children"
)
BARS = 560
FIRST = pd.Timestamp("2015-01-01T00:30Z") + pd.Timedelta(days=BARS - 30)
NET = [
    "walkforward.ensemble_seeds=1", "walkforward.refit_days=60", "walkforward.history=400",
    "walkforward.min_train_rows=40", "training.epochs=1", "net.units=8", "net.filters=8",
    "net.attention_heads=2", "forecaster.window_bars=5",
]  # fmt: skip


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with Nights(tmp_path_factory.mktemp("scratch")) as server:
        yield server


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return market_file(tmp_path_factory.mktemp("market") / "btc.csv", BARS)


@pytest.fixture(scope="module")
def rule_home(tmp_path_factory: pytest.TempPathFactory, nights: Nights, csv: Path) -> Path:
    """An account of a rule that has had two nights."""
    home = tmp_path_factory.mktemp("rule") / "home"
    return _opened(nights, home, _flags("sma_trend", csv), [])


@pytest.fixture(scope="module")
def net_home(tmp_path_factory: pytest.TempPathFactory, nights: Nights, csv: Path) -> Path:
    """An account of a network that has had two nights, and has lost its models since."""
    home = _opened(nights, tmp_path_factory.mktemp("net") / "home", _flags("attn_signal", csv), NET)
    shutil.rmtree(home / "folds")
    return home


def _flags(strategy: str, csv: Path) -> dict[str, Any]:
    return {"strategy.name": strategy, "data.csv": [f"BTC-USD={csv}"]}


def _opened(nights: Nights, home: Path, flags: dict[str, Any], sets: list[str]) -> Path:
    _whole(nights.init(home, flags, sets))
    for day in range(2):
        _whole(nights.night(home, _at(day)))
    return home


def _at(day: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(days=day)


def _whole(outcome: Outcome) -> Outcome:
    assert (outcome.signal, outcome.error, outcome.said) == (0, "", "")
    return outcome


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed: what it changes and what comes of it."""

    outcome: Outcome
    home: Path

    @property
    def facts(self) -> dict[str, Any]:
        return facts(self.home)


Do = Callable[..., Outcome]


def _undisturbed(do: Do, home: Path, copy: Path) -> Undisturbed:
    return Undisturbed(_whole(do(copy_home(home, copy), watched=True)), copy)


def _killed(do: Do, before: Path, copy: Path, at: dict[str, Any]) -> Path:
    """Kill a job where it is told to, in a copy of its home."""
    copy_home(before, copy)
    outcome = do(copy, **at)
    assert outcome.signal == SIGKILL, (at, outcome)
    return copy


def _same_after(do: Do, home: Path, undisturbed: Undisturbed, at: object) -> None:
    """The next run completes, with the same facts, a backup of them, and nothing left over."""
    again = do(home)
    assert (again.signal, again.error, again.said) == (0, "", ""), at
    assert facts(home) == undisturbed.facts, at
    folder = ledger_of(home).parent
    assert _files(folder) == _files(ledger_of(undisturbed.home).parent), at
    newest = max((folder / "backups").glob("ledger-*"))
    assert _rows(newest) == _rows(ledger_of(home)), at


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as database:
        return list(database.iterdump())


def _spread(count: int, points: int | None) -> list[int]:
    """Numbers from 0 on, all of them or so many, with the first and the last."""
    if points is None or points >= count:
        return list(range(count))
    return sorted({int(number) for number in np.linspace(0, count - 1, points)})


class TestKilledNight:
    """Every kind of point in a night; the fast tests take some points of it, the slow ones all."""

    def _kill_at_changes(
        self, nights: Nights, home: Path, tmp_path: Path, day: int, points: int | None,
        wanted: str = "",
    ) -> list[str]:  # fmt: skip
        def do(home: Path, **how: Any) -> Outcome:
            return nights.night(home, _at(day), **how)

        undisturbed = _undisturbed(do, home, tmp_path / "undisturbed")
        changes = undisturbed.outcome.changes
        chosen = [number for number, name in enumerate(changes) if wanted in name]
        killed = []
        for place in _spread(len(chosen), points):
            at = {"change": chosen[place]}
            copy = _killed(do, home, tmp_path / "killed", at)
            _same_after(do, copy, undisturbed, (at, changes[chosen[place]]))
            killed.append(changes[chosen[place]])
        return killed

    def _kill_at_statements(
        self, nights: Nights, home: Path, tmp_path: Path, day: int, points: int | None
    ) -> int:
        def do(home: Path, **how: Any) -> Outcome:
            return nights.night(home, _at(day), **how)

        undisturbed = _undisturbed(do, home, tmp_path / "undisturbed")
        chosen = _spread(undisturbed.outcome.statements, points)
        for number in chosen:
            copy = _killed(do, home, tmp_path / "killed", {"statement": number})
            _same_after(do, copy, undisturbed, f"statement {number}")
        return len(chosen)

    def test_at_some_changes_of_the_disk(
        self, nights: Nights, rule_home: Path, tmp_path: Path
    ) -> None:
        assert len(self._kill_at_changes(nights, rule_home, tmp_path, 2, 9)) == 9

    def test_at_some_statements(self, nights: Nights, rule_home: Path, tmp_path: Path) -> None:
        assert self._kill_at_statements(nights, rule_home, tmp_path, 2, 5) == 5

    @pytest.mark.slow
    def test_at_every_change_of_the_disk(
        self, nights: Nights, rule_home: Path, tmp_path: Path
    ) -> None:
        killed = self._kill_at_changes(nights, rule_home, tmp_path, 2, None)
        assert len(killed) >= 80
        for call, file in (
            ("pwrite64", "ledger.sqlite3-wal"), ("fdatasync", "ledger.sqlite3-wal"),
            ("pwrite64", "ledger.sqlite3"), ("fdatasync", "ledger.sqlite3"),
            ("unlink", "ledger.sqlite3-wal"), ("rename", "backups/.part"),
            ("fsync", "backups/.part"), ("fsync", "backups"),
        ):  # fmt: skip
            assert any(name.startswith(f"{call} ") and file in name for name in killed), call

    @pytest.mark.slow
    def test_at_every_statement(self, nights: Nights, rule_home: Path, tmp_path: Path) -> None:
        assert self._kill_at_statements(nights, rule_home, tmp_path, 2, None) >= 30

    @pytest.mark.slow
    def test_while_several_nights_are_caught_up(
        self, nights: Nights, rule_home: Path, tmp_path: Path
    ) -> None:
        assert len(self._kill_at_changes(nights, rule_home, tmp_path, 7, 40)) == 40
        assert self._kill_at_statements(nights, rule_home, tmp_path, 7, 12) == 12

    @pytest.mark.slow
    def test_while_models_are_written(self, nights: Nights, net_home: Path, tmp_path: Path) -> None:
        killed = self._kill_at_changes(nights, net_home, tmp_path, 25, 11, "folds/")
        assert {name.split()[0] for name in killed} >= {"openat", "write", "fsync", "rename"}

    @pytest.mark.slow
    def test_while_workers_fit_models(self, nights: Nights, net_home: Path, tmp_path: Path) -> None:
        def do(home: Path, **how: Any) -> Outcome:
            return nights.night(home, _at(25), **how)

        undisturbed = _undisturbed(do, net_home, tmp_path / "undisturbed")
        at = {"pool": True, "models": 1}
        copy = _killed(do, net_home, tmp_path / "killed", at)
        _same_after(do, copy, undisturbed, at)


class TestKilledInit:
    """An account is there and whole, or not there at all."""

    def _kill(self, nights: Nights, csv: Path, tmp_path: Path, points: int | None) -> int:
        flags = _flags("sma_trend", csv)

        def do(home: Path, **how: Any) -> Outcome:
            return nights.init(home, flags, **how)

        nowhere = tmp_path / "nowhere"
        nowhere.mkdir()
        undisturbed = _undisturbed(do, nowhere, tmp_path / "undisturbed")
        chosen = _spread(len(undisturbed.outcome.changes), points)
        for number in chosen:
            copy = _killed(do, nowhere, tmp_path / "killed", {"change": number})
            self._whole_or_not_there(do, copy, undisturbed, undisturbed.outcome.changes[number])
        return len(chosen)

    def _whole_or_not_there(self, do: Do, home: Path, undisturbed: Undisturbed, point: str) -> None:
        if not ledger_of(home).exists():
            _whole(do(home))
            folder, other = (ledger_of(one).parent for one in (home, undisturbed.home))
            assert _files(folder) == _files(other), point
        assert facts(home) == undisturbed.facts, point

    def test_at_some_changes_of_the_disk(self, nights: Nights, csv: Path, tmp_path: Path) -> None:
        assert self._kill(nights, csv, tmp_path, 6) == 6

    @pytest.mark.slow
    def test_at_every_change_of_the_disk(self, nights: Nights, csv: Path, tmp_path: Path) -> None:
        assert self._kill(nights, csv, tmp_path, None) >= 40


def test_a_night_killed_before_its_backup_is_backed_up_by_the_next_run(
    nights: Nights, rule_home: Path, tmp_path: Path
) -> None:
    watched = nights.night(copy_home(rule_home, tmp_path / "whole"), _at(2), watched=True)
    renamed = next(n for n, name in enumerate(watched.changes) if name.startswith("rename"))
    home = copy_home(rule_home, tmp_path / "killed")
    assert nights.night(home, _at(2), change=renamed).signal == SIGKILL
    backups = ledger_of(home).parent / "backups"
    there = len(list(backups.glob("ledger-*")))
    # the night stands in the ledger, so this run has nothing to decide
    assert _whole(nights.night(home, _at(2))).decided == []
    assert len(list(backups.glob("ledger-*"))) == there + 1
    assert not list(backups.glob(".part-*"))
