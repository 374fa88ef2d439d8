"""A house to look at: accounts in every state, runs whole, half and hostile, and no vendor."""

import json
import shutil
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cryptobt.core.settings import Settings
from cryptobt.web.application import create_app
from cryptobt.web.desk import Desk, Outcome, done
from cryptobt.web.house import House
from cryptobt.web.security import Access, Patience
from tests.jobs.run_folders import made_run
from tests.paper import vendor

TOKEN = "correct-horse-battery-staple"  # of these tests alone
SCRIPT = "<script>alert(1)</script>"
LAST = 24
"""Number of the newest night of the account ``one``."""
NOW = vendor.night_of(LAST).to_pydatetime()


class Here(Desk):
    """Does its work at once, in this process: nothing is ever being computed."""

    def ask(self, work: Any, *given: Any) -> "Future[Outcome]":
        finished: Future[Outcome] = Future()
        finished.set_result(done(work, given))
        return finished


class Later(Desk):
    """Does its work when it is told to: until then everything is being computed."""

    asked: list[tuple["Future[Outcome]", Any, tuple[Any, ...]]]

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.asked = []

    def ask(self, work: Any, *given: Any) -> "Future[Outcome]":
        future: Future[Outcome] = Future()
        self.asked.append((future, work, given))
        return future

    def work(self) -> None:
        for future, work, given in self.asked:
            future.set_result(done(work, given))
        self.asked.clear()


@dataclass
class World:
    """What lies on the disk, and the time that it is."""

    home: Path
    out: Path
    files: vendor.Files
    now: datetime = NOW

    @cached_property
    def shared(self) -> House:
        """What has been read once is not read again for every test."""
        return House(self.out, None, lambda: self.now, Here)

    def house(self, desk: Any = Here) -> House:
        return self.shared if desk is Here else House(self.out, None, lambda: self.now, desk)

    def app(self, token: str = "", desk: Any = Here, **access: Any) -> Flask:
        made = create_app(self.house(desk), Access(token=token, **access), Patience())
        made.testing = False
        return made

    def client(self, token: str = "", **access: Any) -> FlaskClient:
        return self.app(token, **access).test_client()

    def ledger(self, name: str = vendor.NAME) -> Path:
        return self.home / "accounts" / name / "ledger.sqlite3"

    def copy_account(self, name: str) -> Path:
        """Copy the ledger of the account under another name, and give it to be damaged."""
        path = self.ledger(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.ledger(), path)
        return path


def world(folder: Path) -> World:
    """Make a house in a folder: an account of four nights, two runs, and half of one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        files = vendor.Files(folder / "files")
        files.open(vendor.night_of(20))
        for number in range(21, LAST + 1):
            files.night(number)
        out = folder / "runs"
        few = Settings.model_validate({"metrics": {"bootstrap_draws": 100}})
        settings = few.model_dump(mode="json", exclude={"run"})
        made_run(out, "aaaa0001", seed=1, at="2025-02-01T00:00:00Z", settings=settings)
        made_run(out, "bbbb0002", seed=2, strategy="sma_trend", settings=settings)
        half = made_run(out, "cccc0003")
        (half / "metrics.json").unlink()
    return World(folder / "home", out, files)


def change(folder: Path, name: str, **changed: Any) -> None:
    """Change what a document of a run folder says."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
