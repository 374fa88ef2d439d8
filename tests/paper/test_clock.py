"""Clocks that are wrong, and hosts in other time zones."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import DataUnavailableError
from cryptobt.core.time import iso
from cryptobt.data.sources import registry
from cryptobt.data.sources.yahoo import YahooSource
from cryptobt.paper.clock import stopped_clock, wall_clock
from cryptobt.paper.gather import DataClock

from ..loopback import HASTY
from .vendor import (
    BTC,
    ETH,
    Files,
    Heard,
    Yahoo,
    day,
    decided,
    facts,
    live,
    night,
    night_of,
    nights,
    open_account,
    replays,
    shown,
    table,
    waiting,
    walk,
)

MINUTE, HOUR = pd.Timedelta(minutes=1), pd.Timedelta(hours=1)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path))


@pytest.fixture
def yahoo(aim: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yahoo]:
    """A market whose own clock is right, with an account that has decided one night."""
    monkeypatch.setitem(registry.VENDORS, "yahoo", lambda: YahooSource(HASTY))
    with Yahoo() as fake:
        aim(fake.address)
        show(fake, night_of(20))
        open_account(night_of(20), {"data.symbols": (BTC,), "paper.wait_minutes": 2})
        night(live(night_of(20)))
        yield fake


def show(yahoo: Yahoo, true: pd.Timestamp) -> None:
    yahoo.told, yahoo.clock = {BTC: shown(walk(60), true)}, true


@pytest.mark.parametrize("back", [HOUR, 24 * HOUR, 400 * 24 * HOUR])
def test_a_clock_set_back_decides_nothing_and_is_said(yahoo: Yahoo, back: pd.Timedelta) -> None:
    before = facts()
    heard = Heard()
    assert night(live(night_of(20) - back), heard=heard).decided == ()
    (warning,) = heard.warnings
    assert warning.endswith(f"before the last decision at {iso(night_of(20))}; was it set back?")
    assert facts() == before
    show(yahoo, night_of(21))
    assert night(live(night_of(21))).decided == (day(21),)


def test_a_clock_an_hour_behind_decides_an_hour_later(yahoo: Yahoo) -> None:
    show(yahoo, night_of(21))
    assert night(live(night_of(21) - HOUR)).decided == ()
    show(yahoo, night_of(21) + HOUR)
    assert night(live(night_of(21))).decided == (day(21),)
    replays(night_of(21))


@pytest.mark.parametrize("ahead", [24 * HOUR, 10 * MINUTE, 26 * 24 * HOUR])
def test_a_clock_ahead_is_refused_by_the_markets_own_time(
    yahoo: Yahoo, ahead: pd.Timedelta
) -> None:
    true = night_of(21) if ahead >= 24 * HOUR else day(22) - 5 * MINUTE
    show(yahoo, true)
    before = facts()
    said = f"the clock says {iso(true + ahead + 2 * MINUTE)}, but the newest trade at yahoo is of"
    with pytest.raises(DataUnavailableError, match=said) as caught:
        night(live(true + ahead))
    assert "nothing was traded, set the clock right" in str(caught.value)
    assert facts() == before
    # and what was forming was not kept as a whole bar for the night after
    for number in (21, 22):
        show(yahoo, night_of(number))
        night(live(night_of(number)))
    assert decided() == [day(20), day(21), day(22)]
    assert table("bars")["close"].tolist() == walk(60)["close"][: day(22)].tolist()


def test_a_market_whose_newest_trade_is_of_yesterday_is_waited_for(yahoo: Yahoo) -> None:
    show(yahoo, day(22) - MINUTE / 2)
    clock, slept = waiting(day(22) + MINUTE / 10)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        show(yahoo, day(22) + MINUTE)

    heard = Heard()
    assert night(type(clock)(clock.now, sleep), heard=heard).decided == (day(21),)
    assert slept == [60]
    assert any(step.startswith("waiting: the clock says 2020-01-23T") for step in heard.steps)


def test_a_quote_of_the_decision_is_kept_and_one_of_another_time_is_not(yahoo: Yahoo) -> None:
    show(yahoo, night_of(21))
    night(live(night_of(21)))
    show(yahoo, night_of(22) + 3 * HOUR)
    night(night_of(22))
    quotes = table("quotes").to_dict("records")
    assert [row["quoted_at"] for row in quotes] == [iso(night_of(20)), iso(night_of(21))]
    # the bar that forms stands at its low
    assert quotes[-1]["price"] == walk(60)["low"][day(22)]


def test_without_a_quote_a_night_is_decided_and_says_so(yahoo: Yahoo) -> None:
    show(yahoo, night_of(21))
    yahoo.clock = None
    heard = Heard()
    assert night(live(night_of(21)), heard=heard).decided == (day(21),)
    (warning,) = heard.warnings
    assert warning.startswith("no quote of BTC-USD at the decision: Yahoo tells no price")
    assert nights()[-1].warnings == (warning,)


def test_a_clock_that_stands_shows_whole_seconds() -> None:
    assert stopped_clock(day(3) + MINUTE / 7).now() == day(3) + pd.Timedelta(seconds=8)


@pytest.mark.parametrize("name", ["bars.csv", "bars.h5::btc"])
def test_a_file_knows_no_more_than_when_it_was_written(tmp_path: Path, name: str) -> None:
    file = tmp_path / name.partition("::")[0]
    file.touch()
    os.utime(file, (day(3).timestamp(), day(3).timestamp()))
    assert DataClock(day(5), simulated=False).knows(tmp_path / name) == day(3)
    assert DataClock(day(5), simulated=True).knows(tmp_path / name) == day(5)


ZONES = ["America/New_York", "Australia/Lord_Howe"]


@pytest.mark.parametrize("zone", ZONES)
def test_the_hosts_time_zone_and_its_changes_do_not_matter(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def through_spring(home: Path) -> Any:
        monkeypatch.setenv("CRYPTOBT_HOME", str(home))
        files = Files(tmp_path / "files", (BTC, ETH), days=110)
        files.open(night_of(60))
        # clocks go forward on 8 March in New York, back on 5 April on Lord Howe
        for number in (60, 66, 67, 68, 94, 95, 96):
            files.night(number)
        return facts()

    expected = through_spring(tmp_path / "utc")
    try:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert through_spring(tmp_path / zone) == expected
        assert abs(wall_clock().now() - pd.Timestamp(time.time(), unit="s", tz="UTC")) < MINUTE
    finally:
        monkeypatch.undo()
        time.tzset()
