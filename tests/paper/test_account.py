"""What an account is opened with: its files wherever it is run from, its settings, its name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.errors import LedgerError, UsageError
from cryptobt.core.hashing import hash_json
from cryptobt.core.settings import load_settings
from cryptobt.core.time import iso
from cryptobt.jobs.trader import trader_of
from cryptobt.paper import account
from cryptobt.paper.account import (
    PaperAccount,
    fingerprint_of,
    frozen,
    ledger_path,
    open_account,
    read_account,
)
from cryptobt.paper.ledger import create_ledger, open_ledger

from .vendor import BTC, NAME, night_of


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def settings(**flags: Any) -> Any:
    usual = {"strategy.name": "sma_trend", "data.symbols": (BTC,), "data.source": "sample"}
    return frozen(
        load_settings(None, [], usual | {k.replace("__", "."): v for k, v in flags.items()})
    )


@pytest.mark.parametrize(
    ("entry", "file", "kept"),
    [
        ("sent=sent.csv", "sent.csv", "sent={}/sent.csv"),
        ("sent=all.h5::sent", "all.h5", "sent={}/all.h5::sent"),
        ("sent=a=b.csv", "a=b.csv", "sent={}/a=b.csv"),
        ("macro:sp500", "sent.csv", "macro:sp500"),
    ],
)
def test_a_file_is_found_from_every_folder(
    tmp_path: Path, entry: str, file: str, kept: str
) -> None:
    (tmp_path / file).touch()
    assert settings(data__extras=(entry,)).data.extras == (kept.format(tmp_path),)
    assert settings(data__onchain=(entry,)).data.onchain == (kept.format(tmp_path),)


def test_a_second_source_in_a_table_of_a_file_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "all.h5").touch()
    assert settings(data__cross_check="all.h5::btc").data.cross_check == f"{tmp_path}/all.h5::btc"


OWN = """
import numpy as np
class Up:
    def fit(self, training, validation):
        return self
    def predict(self, windows):
        return np.ones(len(windows))
"""


def test_a_forecaster_of_one_s_own_is_found_from_every_folder_and_its_change_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    chosen = settings(strategy__name="attn_signal", forecaster__name="own.py:Up")
    assert chosen.forecaster.name == f"{tmp_path}/own.py:Up"
    open_account(chosen, NAME, night_of(20)).check_unchanged()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    read().check_unchanged()
    (tmp_path / "own.py").write_text(OWN + "# another\n")
    with pytest.raises(LedgerError, match="the forecaster changed since it was opened"):
        read().check_unchanged()


def test_features_of_one_s_own_are_found_from_every_folder_and_their_change_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def columns(bars):\n    return bars[['close']]\n"
    (tmp_path / "own.py").write_text(code)
    chosen = settings(strategy__name="attn_signal", features__set="own.py:columns")
    assert chosen.features.set == f"{tmp_path}/own.py:columns"
    open_account(chosen, NAME, night_of(20)).check_unchanged()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    read().check_unchanged()
    (tmp_path / "own.py").write_text(code + "# another\n")
    with pytest.raises(LedgerError, match="the features changed since it was opened"):
        read().check_unchanged()
    (tmp_path / "own.py").unlink()
    with pytest.raises(LedgerError, match="its code cannot be loaded"):
        read()


def read() -> PaperAccount:
    with open_ledger(ledger_path(NAME)) as ledger:
        return read_account(ledger)


def written(without: str, **other: Any) -> None:
    """Open an account as a version would that has one setting less."""
    chosen = settings()
    document = chosen.model_dump(mode="json", exclude={"run"})
    del document["paper"][without]
    fingerprint = fingerprint_of(chosen, trader_of(chosen))
    fingerprint["the settings"] = hash_json(document)
    document["paper"] |= other
    texts = (json.dumps(document), json.dumps(fingerprint))
    create_ledger(ledger_path(NAME), NAME, iso(night_of(20)), *texts)


def test_an_account_stays_the_same_to_a_version_with_more_settings() -> None:
    written(without="absent_after_hours")
    read().check_unchanged()


def test_a_setting_that_is_another_than_then_is_refused() -> None:
    written(without="absent_after_hours", wait_minutes=7.0)
    with pytest.raises(LedgerError, match="the settings changed since it was opened"):
        read().check_unchanged()


def test_an_account_as_it_was_opened_is_unchanged() -> None:
    opened = open_account(settings(), NAME, night_of(20))
    opened.check_unchanged()
    read().check_unchanged()
    assert read() == opened


def test_of_two_that_open_one_name_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = account.locked

    @contextmanager
    def after_another(*arguments: Any) -> Iterator[None]:
        with locked(*arguments):
            ledger_path(NAME).write_text("another's")
            yield

    monkeypatch.setattr(account, "locked", after_another)
    with pytest.raises(UsageError, match="there is an account 'one' already"):
        open_account(settings(), NAME, night_of(20))
    assert ledger_path(NAME).read_text() == "another's"
