"""Whatever vendors do and whenever it is run: what may never happen to an account."""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.core.columns import BARS
from cryptobt.core.errors import CryptobtError
from cryptobt.core.time import DAY, iso
from cryptobt.paper.due import newest_bar
from cryptobt.paper.night import NightReport

from .vendor import (
    BTC,
    ETH,
    SOL,
    Files,
    account_folder,
    csv_text,
    day,
    facts,
    night,
    night_of,
    nights,
    replays,
    shown,
    table,
)

BEGIN = 20
HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class Mood:
    """What a vendor does to what it shows of one symbol.

    Attributes
    ----------
    behind : int
        Newest complete bars that it does not have yet.
    without, other : int
        Bars so many days ago that it has not, or tells otherwise; 0 for none.
    """

    behind: int = 0
    without: int = 0
    other: int = 0
    fault: str = ""

    def show(self, bars: pd.DataFrame, now: pd.Timestamp) -> str:
        told = shown(bars, now)
        newest = newest_bar(now)
        lost = [newest - number * DAY for number in range(self.behind)]
        lost += [newest + DAY - self.without * DAY] if self.without else []
        told = told.drop([time for time in lost if time in told.index])
        again = newest + DAY - self.other * DAY
        if self.other and again in told.index:
            told.loc[again] = told.loc[again] * (1 + self.other / 100)
        if self.fault == "bad":
            told.loc[told.index[-2], "high"] = 1.0
        return "" if self.fault == "empty" else csv_text(told)


@dataclass(frozen=True)
class Run:
    """A run: so many hours after the one before, and the mood of each vendor."""

    hours: int
    moods: tuple[Mood, ...]


moods = st.builds(
    Mood,
    behind=st.sampled_from([0, 0, 0, 0, 1, 3, 6]),
    without=st.sampled_from([0, 0, 0, 1, 2, 4]),
    other=st.sampled_from([0, 0, 0, 1, 2, 5]),
    fault=st.sampled_from([""] * 14 + ["bad", "empty", "missing"]),
)
runs = st.builds(
    Run,
    hours=st.sampled_from([1, 12, 20, 24, 24, 26, 49, 96, 96, 150, -30]),
    moods=st.tuples(moods, moods, moods),
)
lives = st.lists(runs, min_size=4, max_size=12)
policies = st.fixed_dictionaries(
    {
        "data.on_bad_row": st.sampled_from(["refuse", "quarantine"]),
        "paper.absent_after_hours": st.sampled_from([0.0, 24.0, 72.0]),
    }
)


def grown(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    for name, kept in before.items():
        assert after[name][: len(kept)] == kept, name


class Life:
    """An account that is run again and again, and watched."""

    def __init__(self, folder: Path, symbols: tuple[str, ...], policy: dict[str, Any]) -> None:
        self.files = Files(folder, symbols, days=120)
        self.files.open(night_of(BEGIN), **policy)
        self.now = day(BEGIN) + HOUR
        self.facts = facts()

    def run(self, hours: int, moods: tuple[Mood, ...]) -> None:
        self.now += hours * HOUR
        for mood, (symbol, bars) in zip(moods, self.files.bars.items(), strict=False):
            self.files.path(symbol).write_text(mood.show(bars, self.now))
            if mood.fault == "missing":
                self.files.path(symbol).unlink()
        ledger = account_folder() / "ledger.sqlite3"
        content, before = ledger.read_bytes(), self.facts
        report = self._night()
        if report is None:
            assert ledger.read_bytes() == content
            return
        self.facts = facts()
        grown(before, self.facts)
        recorded = [one.bar_at for one in nights()]
        known = len(before["nights"])
        assert tuple(recorded[known:]) == report.decided
        assert recorded == sorted(set(recorded))
        assert bool(report.missing) == (recorded[-1] < newest_bar(self.now))
        self._check_bars(recorded[known - 1] if known else None, before)

    def _night(self) -> NightReport | None:
        """Run it; None where it was refused, which has to be in words of the documented kinds."""
        try:
            return night(self.now)
        except CryptobtError as error:
            refusal = error
        assert refusal.exit_code in (3, 4), refusal
        assert "\n" not in str(refusal)
        return None

    def _check_bars(self, last: pd.Timestamp | None, before: dict[str, list[Any]]) -> None:
        """New bars were over, are as they were shown, and late where their night was decided."""
        bars = table("bars")
        for row in bars[len(before["bars"]) :].to_dict("records"):
            time = pd.Timestamp(row["time"])
            assert time + DAY <= self.now
            assert row["arrived_late"] == (last is not None and time <= last)
            text = self.files.path(row["symbol"]).read_text()
            told = pd.read_csv(io.StringIO(text), index_col="date")
            assert told.loc[f"{time:%Y-%m-%d}", list(BARS)].tolist() == [row[x] for x in BARS]

    def end(self) -> None:
        """When all is well again all is caught up, and the whole life replays."""
        self.now = max(self.now, day(BEGIN)) + 10 * DAY
        self.run(0, (Mood(),) * 3)
        assert nights()[-1].bar_at == newest_bar(self.now)
        standing = replays(self.now)
        bars = table("bars")
        late = bars[bars["arrived_late"] == 1]
        for market in standing.replay.markets:
            mine = set(late[late["symbol"] == market.symbol]["time"])
            assert not mine & {iso(time) for time in market.times}
        said = table("rewrites")
        assert not said.duplicated(["symbol", "time", "told"]).any()
        self.run(0, (Mood(),) * 3)


def lived(symbols: int, policy: dict[str, Any], life: list[Run]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", folder)
        account = Life(Path(folder) / "files", (BTC, ETH, SOL)[:symbols], policy)
        for run in life:
            account.run(run.hours, run.moods)
        account.end()


@settings(max_examples=4)
@given(symbols=st.integers(1, 3), policy=policies, life=lives)
def test_nothing_that_a_vendor_does_spoils_an_account(
    symbols: int, policy: dict[str, Any], life: list[Run]
) -> None:
    lived(symbols, policy, life)


@pytest.mark.slow
@settings(max_examples=60)
@given(symbols=st.integers(1, 3), policy=policies, life=lives)
def test_nothing_that_many_vendors_do_spoils_an_account(
    symbols: int, policy: dict[str, Any], life: list[Run]
) -> None:
    lived(symbols, policy, life)
