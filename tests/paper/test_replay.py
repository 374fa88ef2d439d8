"""A replay is what was recorded, or says what is not; forecasts can be made again."""

import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataUnavailableError, LedgerError
from cryptobt.core.settings import Settings
from cryptobt.data.sample import sample_market
from cryptobt.jobs.events import Events
from cryptobt.paper import account as accounts
from cryptobt.paper import deep, news, night
from cryptobt.paper.account import ledger_path
from cryptobt.paper.accounts import standing_of
from cryptobt.paper.chain import account_hash, facts_of, night_hash
from cryptobt.paper.clock import stopped_clock
from cryptobt.paper.deep import replay_account
from cryptobt.paper.init import init_account
from cryptobt.paper.ledger import Ledger
from tests.jobs.tiny import tiny

from .vendor import Files, Heard, day, night_of

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
BARS = sample_market("BTC-USD").market.bars
FIRST = pd.Timestamp("2017-10-10T00:30Z")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """An account on one file that has traded for ten nights."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))
    files = Files(tmp_path / "files")
    files.open(night_of(19))
    for number in range(20, 30):
        files.night(number)
    return files


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Home of an account with a tiny network: the third day's bar is there two nights later."""
    folder = tmp_path_factory.mktemp("net")
    file = folder / "btc.csv"
    nights = [FIRST + pd.Timedelta(days=number) for number in range(6)]
    missing = (FIRST + pd.Timedelta(days=2)).floor("D") - pd.Timedelta(days=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        whole = BARS.loc["2015":"2017-12"]
        whole.to_csv(file)
        data = {"csv": [f"BTC-USD={file}"], "source": "csv", "end": None}
        settings = Settings.model_validate(tiny(data=data, strategy={"name": "attn_signal"}))
        init_account(settings, "net", pd.Timestamp.now("UTC").floor("s"), QUIET)
        for number, now in enumerate(nights):
            shown = whole if number > 3 else whole.drop(missing)
            shown.to_csv(file)
            with suppress(DataUnavailableError):  # on the night of the bar that is not there
                night.run_night("net", stopped_clock(now), QUIET)
        yield folder / "home"


def edit(statement: str, *values: Any) -> None:
    """Change a ledger against its triggers, and make its chain fit again: a lie that is whole."""
    path = ledger_path("one")
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        kept = database.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement, values)
        own = dict(database.execute("SELECT * FROM account").fetchone())
        before = account_hash(own)
        database.execute("UPDATE account SET hash = ?", (before,))
        for row in database.execute("SELECT * FROM nights ORDER BY night_id").fetchall():
            before = night_hash(dict(row), facts_of(database, row["night_id"]), before)
            database.execute(
                "UPDATE nights SET hash = ? WHERE night_id = ?", (before, row["night_id"])
            )
        for (sql,) in kept:
            database.execute(sql)
    for backup in (path.parent / "backups").glob("*"):
        backup.unlink()  # they would tell


def test_a_replay_says_how_many_nights_agree(files: Files) -> None:
    found = replay_account("one", night_of(30), QUIET)
    assert found.line() == "account 'one': 10 night(s) replay to what was recorded"


def test_a_fact_that_was_changed_consistently_is_found_by_the_replay(files: Files) -> None:
    edit("UPDATE bars SET close = close * 1.5 WHERE time = '2020-01-25T00:00:00Z'")
    with pytest.raises(LedgerError) as error:
        replay_account("one", night_of(30), QUIET)
    said = str(error.value)
    assert said.startswith(
        "account 'one': the replay of 2020-01-25T00:00:00Z differs from what was recorded: "
    )
    assert " was " in said
    with pytest.raises(LedgerError, match="nothing was traded"):
        files.night(30)


def test_the_value_that_differs_is_named(files: Files) -> None:
    record = json.loads(standing_of("one", night_of(30)).nights[4].record)
    equity = record["equity"]["equity_quote"]
    record["equity"]["equity_quote"] = equity + 1
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    edit("UPDATE nights SET record = ? WHERE night_id = 5", text)
    named = f"equity equity_quote was {json.dumps(equity + 1)} and is {json.dumps(equity)}"
    with pytest.raises(LedgerError) as error:
        replay_account("one", night_of(30), QUIET)
    assert f"of {day(24):%Y-%m-%dT00:00:00Z} differs from what was recorded: {named};" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("backtrader", lambda patch: patch.setattr(accounts, "version", lambda _: "9.9")),
        (
            "cryptobt's code of backtests and strategies",
            lambda patch: patch.setattr(accounts, "hash_source", lambda _: "other"),
        ),
    ],
)
def test_what_changed_since_the_account_was_opened_is_named_and_nothing_is_written(
    files: Files, monkeypatch: pytest.MonkeyPatch, what: str, change: Any
) -> None:
    before = ledger_path("one").read_bytes()
    change(monkeypatch)
    with pytest.raises(LedgerError, match=f"account 'one': {what} changed since it was opened"):
        files.night(30)
    assert ledger_path("one").read_bytes() == before
    # it can still be looked at, where it replays
    assert standing_of("one", night_of(30)).night.bar_at == day(29)


def test_changed_settings_are_named(files: Files) -> None:
    with sqlite3.connect(ledger_path("one")) as database:
        (text,) = database.execute("SELECT settings FROM account").fetchone()
    settings = json.loads(text)
    settings["costs"]["fee_bps"] = 0.0
    edit("UPDATE account SET settings = ?", json.dumps(settings))
    with pytest.raises(LedgerError, match="the settings changed since it was opened"):
        files.night(30)


def test_another_torch_is_warned_of_and_the_night_goes_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = news.libraries()
    for module in (news, accounts):
        monkeypatch.setattr(module, "libraries", lambda: known | {"torch": "9.9"})
    heard = Heard()
    files.show(night_of(30))
    report = night.run_night("one", stopped_clock(night_of(30)), heard.events)
    assert report.decided == (day(30),)
    assert heard.warnings == [f"torch is 9.9, and was {known['torch']} the night before"]
    assert report.standing.night.warnings == tuple(heard.warnings)


def test_forecasts_made_again_from_what_was_known_are_those_that_were_traded(net: Path) -> None:
    found = replay_account("net", FIRST, QUIET, deep=True)
    # no night of the missing bar, no forecast on the day behind the gap; else a score, its
    # network's, and the trend
    assert found.nights == 5
    assert found.forecasts == 4 * 3
    assert found.furthest <= deep.TOLERANCE


def test_a_forecast_that_is_another_when_it_is_made_again_is_named(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Ledger.forecasts

    def changed(self: Ledger) -> pd.DataFrame:
        frame = recorded(self)
        frame.loc[frame.index[-1], "score"] += 0.01
        return frame

    monkeypatch.setattr(deep, "stand", lambda *_: None)
    monkeypatch.setattr(Ledger, "forecasts", changed)
    with pytest.raises(LedgerError, match=r"forecast of BTC-USD 2017-10-\d\dT00:00:00Z .*: score "):
        replay_account("net", FIRST, QUIET, deep=True)


def test_a_number_that_is_missing_on_one_side_is_no_rounding() -> None:
    keys = {"time": [FIRST], "symbol": ["X"], "model_id": ["m"]}
    numbers = dict.fromkeys(("score", "mean", "p_up", "q05", "q50", "q95"), 0.5)
    one = pd.DataFrame(keys | numbers)
    assert deep._compare("a", one, one) == 0.0
    with pytest.raises(LedgerError, match=r"mean was 0\.5 and is nan"):
        deep._compare("a", one, one.assign(mean=np.nan))
    with pytest.raises(LedgerError, match="was recorded and is not made again"):
        deep._compare("a", one, one.assign(model_id="other"))
