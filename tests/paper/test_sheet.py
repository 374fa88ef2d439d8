"""What a page shows of an account: read from its ledger alone, and the same at any hour."""

from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import load_settings
from cryptobt.paper.accounts import standing_of
from cryptobt.paper.digest import digest
from cryptobt.paper.earlier import standing_after
from cryptobt.paper.report import live_tearsheet, report_account
from cryptobt.paper.sheet import account_sheet, chosen, earlier_digests

from . import vendor
from .vendor import BTC, ETH, NAME, Files, Heard, night_of


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "files", (BTC, ETH))
    made.open(night_of(20))
    return made


def test_nights_are_told_as_they_were_told_when_they_were_decided(files: Files) -> None:
    told = {}
    for number in range(21, 24):
        report = files.night(number)
        told[f"{report.standing.night.bar_at:%Y-%m-%d}"] = digest(report.standing)
    sheet, earlier = account_sheet(NAME), earlier_digests(NAME)
    assert sheet["digest"] == told["2020-01-24"]
    assert {bar[:10]: lines for bar, lines in earlier.items()} == {
        bar: lines for bar, lines in told.items() if bar != "2020-01-24"
    }


@pytest.mark.slow
def test_nights_that_were_caught_up_are_told_apart(files: Files) -> None:
    files.night(21)
    files.night(25)
    standing = standing_of(NAME, night_of(25))
    for night in standing.nights:
        earlier = standing_after(standing, night)
        earlier.replay.check(earlier.nights)
        assert earlier.night == night


def test_equal_ledgers_give_equal_sheets(files: Files) -> None:
    files.night(21)
    first = account_sheet(NAME)
    assert account_sheet(NAME) == first
    assert first["series"]["equity_quote"] == [first["equity_quote"]]
    assert first["nights_list"][0]["return"] == pytest.approx(first["return"])
    assert pd.Timestamp(first["overdue_from"]) == night_of(22) + pd.Timedelta(hours=3.5)


def test_positions_are_worth_what_the_account_has_beside_its_cash(files: Files) -> None:
    for number in (21, 24, 27):
        files.night(number)
        sheet = account_sheet(NAME)
        worth = sum(one["value_quote"] for one in sheet["positions"])
        assert worth + sheet["cash_quote"] == pytest.approx(sheet["equity_quote"])


def test_an_account_that_would_not_replay_is_a_mismatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.py"
    code = (
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def next(self):\n"
        "        if not self.position:\n"
        "            self.buy()\n"
    )
    own.write_text(code)
    other = Files(tmp_path / "others", (BTC,))
    other.show(night_of(20))
    monkeypatch.setattr(vendor, "NAME", "mine")
    other.open(night_of(20), **{"strategy.name": f"{own}:Mine", "strategy.params": {}})
    other.night(21)
    assert account_sheet("mine")["state"] == "ready"
    own.write_text(code.replace("buy", "sell"))
    told = account_sheet("mine")
    assert (told["state"], told["fault"]) == ("failed", "mismatch")
    assert "the strategy changed since it was opened" in told["problem"]
    assert str(tmp_path) not in str(told["settings"])


def test_an_account_that_is_not_there_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="there is no paper account 'none'"):
        account_sheet("none")


def test_of_files_among_settings_only_the_names_are_shown() -> None:
    settings = load_settings(
        None,
        [],
        {
            "data.csv": ("BTC-USD=/home/someone/prices/btc.csv", "/a b/c.csv", "own.csv"),
            "strategy.name": "/home/someone/mine.py:Mine",
        },
    )
    assert {one["key"]: one["value"] for one in chosen(settings)} == {
        "data.csv": '["BTC-USD=btc.csv", "c.csv", "own.csv"]',
        "strategy.name": '"mine.py:Mine"',
    }


@pytest.mark.slow
def test_the_live_tearsheet_is_the_reports_page_and_leaves_no_folder(
    tmp_path: Path, files: Files
) -> None:
    for number in range(21, 25):
        files.night(number)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    page = live_tearsheet(NAME, night_of(25), Heard().events)
    after = {path for path in tmp_path.rglob("*") if path.is_file()}
    # folds are fitted once, and asking how many settings were tried opens their file
    kept = {path for path in after - before if "folds" not in path.parts}
    assert {path.name.partition(".")[0] for path in kept} <= {"trials"}
    assert not (tmp_path / "runs").exists()
    folder = report_account(NAME, tmp_path / "runs", night_of(25), Heard().events)
    assert (folder / "tearsheet.html").read_text() == page
