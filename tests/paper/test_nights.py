"""Nights one after another: nothing is decided twice, nothing known is lost, nothing is early."""

import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, DataUnavailableError
from cryptobt.core.time import DAY, iso

from .vendor import (
    BTC,
    ETH,
    SOL,
    WINDOW,
    Files,
    Heard,
    account_folder,
    csv_text,
    day,
    decided,
    facts,
    live,
    night,
    night_of,
    nights,
    open_account,
    replays,
    table,
    waiting,
    walk,
)

HOUR = pd.Timedelta(hours=1)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "files")
    made.open(night_of(20))
    return made


@pytest.fixture
def three(tmp_path: Path) -> Files:
    made = Files(tmp_path / "files", (BTC, ETH, SOL))
    made.open(night_of(20))
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_night_decides_by_the_bars_that_are_over(files: Files) -> None:
    report = files.night(20)
    assert (report.decided, report.missing) == ((day(20),), "")
    closes = files.bars[BTC]["close"]
    long = closes[day(20)] > closes[day(20 - WINDOW + 1) : day(20)].mean()
    assert report.standing.symbols()[0]["target_weight"] == float(long)
    recorded = table("bars")
    assert recorded["time"].tolist() == [iso(day(number)) for number in range(21)]
    assert recorded["close"].tolist() == closes[: day(20)].tolist()


def test_a_night_run_twice_changes_no_row(files: Files) -> None:
    for number in (20, 21, 22):
        files.night(number)
        before = facts()
        assert files.night(number).decided == ()
        assert night(night_of(number) + 22 * HOUR).decided == ()
        assert facts() == before


def test_an_earlier_night_run_after_later_ones_changes_no_row(files: Files) -> None:
    for number in (20, 21, 24):
        files.night(number)
    before = facts()
    for number in (24, 23, 22, 21, 20, 19, 3):
        assert files.night(number).decided == ()
        assert night(night_of(number), dry_run=True).decided == ()
    assert facts() == before


def test_a_dry_run_decides_the_same_and_writes_nothing(files: Files) -> None:
    files.night(20)
    before = contents(account_folder())
    dry = files.night(21, dry_run=True)
    assert contents(account_folder()) == before
    wet = files.night(21)
    assert (dry.decided, dry.recorded, wet.recorded) == ((day(21),), False, True)
    assert dry.standing.to_json() == wet.standing.to_json()


def test_a_dry_first_night_writes_nothing(files: Files) -> None:
    facts()  # what opens a ledger first turns its header to that of a write-ahead log
    before = contents(account_folder())
    assert files.night(20, dry_run=True).decided == (day(20),)
    assert contents(account_folder()) == before


def test_missed_nights_are_caught_up_in_order_and_only_the_newest_is_traded(files: Files) -> None:
    files.night(20)
    report = files.night(37)
    assert report.decided == tuple(day(number) for number in range(21, 38))
    assert decided() == [day(number) for number in range(20, 38)]
    assert {one.decided_at for one in nights()[1:]} == {night_of(37)}
    assert report.standing.replay.result.fills["time"].tolist() == [day(21)]
    # night 20 bought, 37 sells; what the nights between would have done is replaced
    fills = files.night(38).standing.replay.result.fills
    assert fills["side"].tolist() == ["buy", "sell"]
    assert fills["time"].tolist() == [day(21), day(38)]
    assert not fills["late"].any()


def test_caught_up_nights_equal_punctual_ones_but_for_their_instant(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (20, 27):
        files.night(number)
    late = table("bars")
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "other"))
    files.open(night_of(20))
    for number in range(20, 28):
        files.night(number)
    punctual = table("bars")
    assert late.equals(punctual)


def test_several_symbols_are_caught_up_after_weeks(three: Files) -> None:
    three.night(20)
    report = three.night(45)
    assert report.decided == tuple(day(number) for number in range(21, 46))
    assert table("absences").empty
    assert not table("bars")["arrived_late"].any()
    replays(night_of(45))


def test_a_symbol_with_a_gap_does_not_hold_the_others_up(three: Files) -> None:
    three.night(20)
    three.bars[ETH] = three.bars[ETH].drop(day(22))
    report = three.night(24)
    assert report.decided == tuple(day(number) for number in range(21, 25))
    weights = report.standing.replay.result.weights
    assert weights[weights["time"] == day(22)]["target_weight"].isna().tolist() == [
        False, True, False,
    ]  # fmt: skip


def test_a_day_that_nobody_has_is_no_night(files: Files) -> None:
    files.night(20)
    whole = files.bars[BTC]
    files.bars[BTC] = whole.drop([day(22), day(23)])
    assert files.night(24).decided == (day(21), day(24))
    # it comes a day later, so dear that an average with it would sell: known from then on, and
    # never traded
    whole.loc[day(22) : day(23), ["high", "close"]] = [6000.0, 5000.0]
    files.bars[BTC] = whole
    report = files.night(25)
    assert report.decided == (day(25),)
    closes = whole["close"].drop([day(22), day(23)])[: day(25)][-WINDOW:]
    assert closes[day(25)] > closes.mean()
    assert report.standing.symbols()[0]["target_weight"] == 1.0
    late = table("bars").query("arrived_late == 1")
    assert late["time"].tolist() == [iso(day(22)), iso(day(23))]
    money = replays(night_of(25)).replay
    assert day(22) not in money.markets[0].times
    assert day(22) not in money.result.times


def test_the_bar_that_closes_at_this_instant_is_over(files: Files) -> None:
    files.show(day(21))
    assert night(day(21)).decided == (day(20),)
    files.show(day(22) - pd.Timedelta(seconds=1))
    assert night(day(22) - pd.Timedelta(seconds=1)).decided == ()
    assert iso(day(21)) not in table("bars")["time"].tolist()


def test_a_first_night_is_not_made_of_stale_data(files: Files) -> None:
    files.path().write_text(csv_text(files.bars[BTC][: day(18)]))
    with pytest.raises(DataUnavailableError, match="no complete bar of BTC-USD after 2020-01-19"):
        night(night_of(20))
    assert decided() == []
    assert files.night(20).decided == (day(20),)


def test_what_formed_when_a_file_was_written_is_not_over_because_time_passed(files: Files) -> None:
    files.night(20)
    files.show(night_of(20))
    written = night_of(20).timestamp()
    os.utime(files.path(), (written, written))
    said = r"after 2020-01-21T00:00:00Z \(its file was last written at 2020-01-22T00:30:00Z\)"
    with pytest.raises(DataUnavailableError, match=said):
        night(live(night_of(21)))
    files.show(night_of(21))
    assert night(live(night_of(21))).decided == (day(21),)
    assert table("bars")["close"].tolist() == files.bars[BTC]["close"][: day(21)].tolist()


def test_a_first_night_waits_for_every_symbol(three: Files) -> None:
    whole = three.bars[ETH]
    three.bars[ETH] = whole[: day(10)]
    with pytest.raises(DataUnavailableError, match="no complete bar of ETH-USD after 2020-01-11"):
        three.night(20)
    three.bars[ETH] = whole
    assert three.night(21).decided == (day(21),)


def test_a_first_night_before_a_symbol_is_listed_is_refused_in_words(three: Files) -> None:
    three.bars[SOL] = three.bars[SOL][day(20) :]
    three.show(night_of(40))
    with pytest.raises(DataUnavailableError, match="SOL-USD: no bar is complete at 2020-01-12"):
        night(night_of(10))
    assert decided() == []


def test_rows_that_repeat_are_one_bar_and_contradict_none(files: Files) -> None:
    files.show(night_of(20))
    text = files.path().read_text()
    rows = text.splitlines(keepends=True)
    files.path().write_text(text + rows[-2] + rows[5])
    assert night(night_of(20)).decided == (day(20),)
    assert len(table("bars")) == 21
    # one day twice with other values: which is true nobody knows
    files.show(night_of(21))
    with files.path().open("a") as file:
        file.write(f"{day(21):%Y-%m-%d},1,2,1,1.5,7\n")
    with pytest.raises(DataInvalidError, match=r"2020-01-22T.* has 2 rows with different values"):
        night(night_of(21))
    # of a day that is recorded it does not matter any more
    files.show(night_of(21))
    with files.path().open("a") as file:
        file.write(f"{day(3):%Y-%m-%d},1,2,1,1.5,7\n")
    assert night(night_of(21)).decided == (day(21),)


@pytest.mark.parametrize(
    ("spacing", "begin", "words"),
    [("D", 8, "opens at 08:00 UTC"), ("h", 0, "bars of 1h, and paper accounts trade daily")],
)
def test_bars_that_no_account_trades_open_none_and_stop_one(
    files: Files, spacing: str, begin: int, words: str
) -> None:
    bars = walk(24 * 30)
    first = day(0) + begin * HOUR
    bars.index = pd.date_range(first, periods=len(bars), freq=spacing)
    files.path().write_text(bars[: day(21) - DAY / 2].rename_axis("date").to_csv())
    with pytest.raises(DataInvalidError, match=words):
        night(night_of(20))
    shutil.rmtree(account_folder())
    with pytest.raises(DataInvalidError, match=words):
        open_account(night_of(20), {"data.csv": (f"{BTC}={files.path()}",)})
    assert not account_folder().exists()


def delivering(files: Files, number: int, minutes: float) -> Any:
    """A clock half past midnight; the bar comes some minutes after."""
    clock, slept = waiting(night_of(number))
    late = night_of(number) + pd.Timedelta(minutes=minutes)
    whole = files.bars[BTC]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        there = whole if clock.now() >= late else whole.drop(day(number))
        files.path().write_text(csv_text(there[: day(number + 1)]))

    files.path().write_text(csv_text(whole.drop(day(number))[: day(number + 1)]))
    return type(clock)(clock.now, sleep), slept


@pytest.mark.parametrize("minutes", [0.5, 7, 30])
def test_a_bar_that_comes_while_it_is_waited_for_is_decided_at_that_instant(
    files: Files, minutes: float
) -> None:
    files.night(20)
    clock, slept = delivering(files, 21, minutes)
    heard = Heard()
    report = night(clock, heard=heard)
    assert report.decided == (day(21),)
    at = nights()[-1].decided_at
    assert night_of(21) + pd.Timedelta(minutes=minutes) <= at == clock.now()
    assert at - night_of(21) < pd.Timedelta(minutes=minutes + 1)
    waits = [step for step in heard.steps if step.startswith("waiting: ")]
    assert waits == ["waiting: no complete bar of BTC-USD after 2020-01-21T00:00:00Z"] * len(slept)


def test_what_does_not_come_is_waited_for_no_longer_than_is_set(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    files.open(night_of(20), **{"paper.wait_minutes": 2.5})
    files.night(20)
    clock, slept = delivering(files, 21, 1000)
    with pytest.raises(DataUnavailableError, match=r"after 2020-01-21.*nothing was traded"):
        night(clock)
    assert slept == [60, 60, 30]
    assert decided() == [day(20)]


def test_nothing_is_waited_for_where_nothing_is_missing_or_the_clock_stands(files: Files) -> None:
    clock, slept = waiting(night_of(20))
    assert night(clock).decided == (day(20),)
    assert slept == []
    assert night(clock).decided == ()
    files.bars[BTC] = files.bars[BTC].drop(day(21))
    with pytest.raises(DataUnavailableError):
        files.night(21)


def test_a_clock_that_is_set_back_while_waiting_does_not_prolong_it(files: Files) -> None:
    files.night(20)
    clock, slept = delivering(files, 21, 1000)

    def now() -> pd.Timestamp:
        back = pd.Timedelta(hours=0.4) if slept else pd.Timedelta(0)
        return clock.now() - back

    with pytest.raises(DataUnavailableError):
        night(type(clock)(now, clock.sleep))
    assert sum(slept) == 30 * 60


def test_older_nights_are_decided_though_the_newest_cannot_be(files: Files) -> None:
    files.night(20)
    files.bars[BTC] = files.bars[BTC].drop(day(24))
    report = files.night(24)
    assert report.decided == (day(21), day(22), day(23))
    assert report.missing == "no complete bar of BTC-USD after 2020-01-24T00:00:00Z"
    with pytest.raises(DataUnavailableError, match="account 'one': no complete bar of BTC-USD"):
        report.raise_missing()
    assert report.standing.night.bar_at + DAY == day(24)
