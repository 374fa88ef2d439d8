"""Bad nights: what is wrong is said, nothing is traded on it, and all is caught up afterwards."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import CryptobtError, DataInvalidError, DataUnavailableError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY, iso
from cryptobt.data.load import load_markets
from cryptobt.data.sources import registry
from cryptobt.data.sources.yahoo import YahooSource

from ..loopback import HASTY
from .vendor import (
    BTC,
    ETH,
    RATE_LIMITED,
    SOL,
    UNKNOWN,
    Files,
    Heard,
    Yahoo,
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
    shown,
    table,
    waiting,
    walk,
)

HOUR = pd.Timedelta(hours=1)
NAN = float("nan")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "files")
    made.open(night_of(20))
    made.night(20)
    return made


@pytest.fixture
def three(tmp_path: Path) -> Files:
    made = Files(tmp_path / "files", (BTC, ETH, SOL))
    made.open(night_of(20))
    made.night(20)
    return made


@pytest.fixture
def yahoo(aim: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yahoo]:
    monkeypatch.setitem(registry.VENDORS, "yahoo", lambda: YahooSource(HASTY))
    with Yahoo() as fake:
        aim(fake.address)
        yield fake


def tell(yahoo: Yahoo, now: pd.Timestamp, bars: dict[str, pd.DataFrame]) -> None:
    yahoo.told = {symbol: shown(frame, now) for symbol, frame in bars.items()}
    yahoo.clock = now


def opened(yahoo: Yahoo, *symbols: str) -> dict[str, pd.DataFrame]:
    """An account on Yahoo with one night, and what its markets will have done."""
    bars = {symbol: walk(60, seed) for seed, symbol in enumerate(symbols)}
    tell(yahoo, night_of(20), bars)
    open_account(night_of(20), {"data.symbols": symbols})
    night(night_of(20))
    return bars


def refused(now: pd.Timestamp, kind: type[CryptobtError], words: str) -> str:
    """Decide nothing, in one line of that kind, and leave the ledger as it was."""
    before = facts()
    with pytest.raises(CryptobtError, match=words) as caught:
        night(now).raise_missing()
    said = str(caught.value)
    assert isinstance(caught.value, kind)
    assert "\n" not in said
    assert "nothing was traded" in said
    assert "--source" not in said  # advice for a backtest, not for an account
    assert facts() == before
    return said


def caught_up(now: pd.Timestamp, first: int, last: int) -> None:
    """Decide all that was missed: as late as it was, filled at the first open after that."""
    report = night(now)
    assert report.decided == tuple(day(number) for number in range(first, last + 1))
    assert report.missing == ""
    assert {one.decided_at for one in nights()[-len(report.decided) :]} == {now}
    orders = replays(now).replay.result.orders
    late = orders[orders["decided_at"] > orders["time"] + DAY + 4 * HOUR]
    fills = report.standing.replay.result.fills
    assert not fills[fills["order_id"].isin(late["order_id"])]["time"].le(now).any()


def nobody() -> str:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_without_a_network_nothing_is_decided_until_it_is_back(yahoo: Yahoo, aim: Any) -> None:
    bars = opened(yahoo, BTC)
    aim(nobody())
    refused(night_of(21), DataUnavailableError, "account 'one': no .* BTC-USD after 2020-01-21T.*"
            "Yahoo cannot be reached")  # fmt: skip
    refused(night_of(22), DataUnavailableError, "Yahoo cannot be reached")
    aim(yahoo.address)
    tell(yahoo, night_of(23), bars)
    caught_up(night_of(23), 21, 23)


def test_a_network_that_is_back_at_noon_makes_a_late_decision(yahoo: Yahoo, aim: Any) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(25), bars)
    night(night_of(25))
    aim(nobody())
    refused(night_of(26), DataUnavailableError, "cannot be reached")
    aim(yahoo.address)
    noon = day(27) + 12 * HOUR
    tell(yahoo, noon, bars)
    report = night(noon)
    assert report.decided == (day(26),)
    assert report.standing.to_json()["late"] is True
    assert [order["side"] for order in report.standing.orders()] == ["sell"]
    # the open of day 27 was over when night 26 sold: it fills at that of day 28, unless night 27,
    # on time, decides anew; here it sells too
    for number in (27, 28):
        tell(yahoo, night_of(number), bars)
        report = night(night_of(number))
    fills = report.standing.replay.result.fills
    assert fills["time"].tolist()[-1] == day(28)
    assert fills["open_quote"].tolist()[-1] == bars[BTC]["open"][day(28)]


def test_a_vendor_that_was_asked_too_often_is_asked_again(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    yahoo.refused[BTC] = RATE_LIMITED
    refused(night_of(21), DataUnavailableError, "BTC-USD after 2020-01-21.*too many requests")
    yahoo.refused.clear()
    tell(yahoo, night_of(21), bars)
    caught_up(night_of(21) + HOUR, 21, 21)


def test_yesterday_missing_while_today_forms_is_waited_for(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(21), {BTC: bars[BTC].drop(day(21))})
    assert day(22) in yahoo.told[BTC].index
    refused(night_of(21), DataUnavailableError, "no complete bar of BTC-USD after 2020-01-21T")
    tell(yahoo, night_of(21) + 3 * HOUR, bars)
    caught_up(night_of(21) + 3 * HOUR, 21, 21)


def test_a_row_of_nulls_is_no_bar(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    null = bars[BTC].copy()
    null.loc[day(21)] = NAN
    tell(yahoo, night_of(21), {BTC: null})
    refused(night_of(21), DataUnavailableError, "no complete bar of BTC-USD after 2020-01-21T")
    tell(yahoo, night_of(22), bars)
    caught_up(night_of(22), 21, 22)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("close", NAN, "column 'close' is empty"),
        ("close", 0.0, r"column 'low' .*|column 'close' is 0\.0, not above zero"),
        ("high", 1.0, r"column 'high' is 1\.0, below low"),
        ("volume", -5.0, r"column 'volume' is -5\.0, below zero"),
    ],
)
def test_a_new_row_that_cannot_be_true_is_refused_until_it_is_mended(
    yahoo: Yahoo, column: str, value: float, words: str
) -> None:
    bars = opened(yahoo, BTC)
    bad = bars[BTC].copy()
    bad.loc[day(21), column] = value
    tell(yahoo, night_of(21), {BTC: bad})
    said = refused(night_of(21), DataInvalidError, words)
    assert "2020-01-22T00:00:00Z" in said
    # a day later it is still so, though a good row has followed
    tell(yahoo, night_of(22), {BTC: bad})
    refused(night_of(22), DataInvalidError, words)
    tell(yahoo, night_of(23), bars)
    caught_up(night_of(23), 21, 23)


def bad_at(bars: pd.DataFrame, number: int) -> pd.DataFrame:
    told = bars.copy()
    told.loc[day(number), "high"] = 1.0
    return told


def test_a_row_that_is_mended_the_same_night_is_decided_that_night(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(21), {BTC: bad_at(bars[BTC], 21)})
    refused(night_of(21), DataInvalidError, "column 'high' is 1")
    refused(night_of(21) + HOUR, DataInvalidError, "column 'high' is 1")
    tell(yahoo, night_of(21) + 2 * HOUR, bars)
    caught_up(night_of(21) + 2 * HOUR, 21, 21)
    assert table("bars")["close"].tolist() == bars[BTC]["close"][: day(21)].tolist()


def test_a_row_that_is_mended_while_it_is_waited_for_is_decided_then(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(21), {BTC: bad_at(bars[BTC], 21)})
    clock, slept = waiting(night_of(21))

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            tell(yahoo, night_of(21), bars)

    assert night(type(clock)(clock.now, sleep)).decided == (day(21),)
    assert slept == [60, 60]


def test_a_row_that_is_mended_weeks_later_is_asked_for_though_others_followed(
    yahoo: Yahoo,
) -> None:
    bars = opened(yahoo, BTC)
    for number in (21, 35):
        tell(yahoo, night_of(number), {BTC: bad_at(bars[BTC], 21)})
        refused(night_of(number), DataInvalidError, "column 'high' is 1")
    tell(yahoo, night_of(36), bars)
    caught_up(night_of(36), 21, 36)


def test_a_bar_that_is_stored_is_decided_though_its_vendor_gives_no_answer(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(21), bars)
    load_markets(DataSettings(symbols=(BTC,), source="yahoo"), night_of(21))
    yahoo.refused[BTC] = RATE_LIMITED
    assert night(night_of(21)).decided == (day(21),)


def by_hours(files: Files, bad: pd.Timestamp | None, now: pd.Timestamp) -> None:
    """Write a file of hours, all of them at the prices of their day but for a bad one."""
    hours = files.bars[BTC].resample("h").ffill()
    if bad is not None:
        hours.loc[bad, "high"] = 1.0
    files.path().write_text(hours[hours.index < now].rename_axis("date").to_csv())


@pytest.fixture
def hours(tmp_path: Path) -> Files:
    """An account on a file of hours that are joined to days."""
    made = Files(tmp_path / "files")
    by_hours(made, None, night_of(20))
    flags = {"data.csv": (f"{BTC}={made.path()}",), "data.resample": "1d"}
    open_account(night_of(20), flags)
    assert night(night_of(20)).decided == (day(20),)
    return made


def test_an_hour_of_a_decided_day_that_becomes_impossible_does_not_stop_the_night(
    hours: Files,
) -> None:
    by_hours(hours, day(20) + 5 * HOUR, night_of(21))
    assert night(night_of(21)).decided == (day(21),)


def test_an_impossible_hour_of_the_day_to_be_traded_is_refused_until_it_is_mended(
    hours: Files,
) -> None:
    by_hours(hours, day(21) + 5 * HOUR, night_of(21))
    refused(night_of(21), DataInvalidError, "2020-01-22T05:00:00Z: .*column 'high' is 1")
    by_hours(hours, None, night_of(22))
    caught_up(night_of(22), 21, 22)


def test_where_such_rows_are_quarantined_the_day_is_a_gap_and_is_said(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    files.open(night_of(20), **{"data.on_bad_row": "quarantine"})
    files.night(20)
    whole = files.bars[BTC]
    files.bars[BTC] = whole.copy()
    files.bars[BTC].loc[day(21), "high"] = 1.0
    files.show(night_of(21))
    left_out = r"1 row\(s\) left out, first BTC-USD of csv, 2020-01-22T.*column 'high' is 1"
    after = rf"no complete bar of BTC-USD after 2020-01-21T00:00:00Z \({left_out}"
    refused(night_of(21), DataUnavailableError, after)
    heard = Heard()
    report = files.night(22, heard=heard)
    assert report.decided == (day(22),)
    (warning,) = heard.warnings
    assert re.match(left_out, warning)
    assert report.standing.to_json()["warnings"] == list(nights()[-1].warnings) == [warning]
    files.bars[BTC] = whole
    assert files.night(23).decided == (day(23),)
    assert table("bars").query("arrived_late == 1")["time"].tolist() == [iso(day(21))]


def rewritten(bars: pd.DataFrame, number: int) -> pd.DataFrame:
    told = bars.copy()
    told.loc[day(number)] = [50.0, 60.0, 40.0, 55.0, 7.0]
    return told


def test_history_that_is_told_otherwise_is_recorded_once_and_changes_nothing(
    files: Files,
) -> None:
    files.night(21)
    before = facts()
    whole = files.bars[BTC]
    files.bars[BTC] = rewritten(whole, 19)
    heard = Heard()
    report = files.night(22, heard=heard)
    (warning,) = heard.warnings
    assert warning.startswith("1 recorded bar(s) are told otherwise now, first BTC-USD 2020-01-20T")
    assert report.standing.to_json()["warnings"] == [warning]
    (row,) = table("rewrites").to_dict("records")
    assert (row["symbol"], row["time"], row["seen_at"]) == (BTC, iso(day(19)), iso(night_of(22)))
    assert json.loads(row["recorded"])["close"] == whole["close"][day(19)]
    assert json.loads(row["told"]) == {"open": 50, "high": 60, "low": 40, "close": 55, "volume": 7}
    # said once, whether it stays or comes and goes
    for number, told in ((23, files.bars[BTC]), (24, whole), (25, files.bars[BTC])):
        files.bars[BTC] = told
        assert files.night(number).standing.to_json()["warnings"] == []
    after = facts()
    for name, rows in before.items():
        assert after[name][: len(rows)] == rows
    assert table("bars")["close"].tolist() == whole["close"][: day(25)].tolist()
    # another telling is another rewrite
    files.bars[BTC] = rewritten(rewritten(whole, 19), 18)
    files.night(26)
    assert table("rewrites")["time"].tolist() == [iso(day(19)), iso(day(18))]
    replays(night_of(26))


def test_yahoos_rewrites_are_found_in_the_overlap(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC)
    tell(yahoo, night_of(21), {BTC: rewritten(bars[BTC], 19)})
    night(night_of(21))
    assert table("rewrites")["time"].tolist() == [iso(day(19))]
    assert table("bars")["close"].tolist() == bars[BTC]["close"][: day(21)].tolist()


@pytest.mark.parametrize("vendor", ["file", "yahoo"])
def test_an_old_bar_that_becomes_impossible_does_not_stop_the_night(
    vendor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    impossible = walk(60)
    impossible.loc[day(19), "high"] = 1.0
    if vendor == "file":
        files = request.getfixturevalue("files")
        files.bars[BTC] = impossible
        files.show(night_of(21))
    else:
        yahoo = request.getfixturevalue("yahoo")
        opened(yahoo, BTC)
        tell(yahoo, night_of(21), {BTC: impossible})
    assert night(night_of(21)).decided == (day(21),)
    assert table("bars")["close"].tolist() == walk(60)["close"][: day(21)].tolist()


def test_an_impossible_row_of_a_day_that_others_decided_does_not_stop_the_night(
    three: Files,
) -> None:
    whole = three.bars[ETH]
    three.bars[ETH] = whole[: day(20)]
    three.night(23)
    three.bars[ETH] = whole.copy()
    three.bars[ETH].loc[day(22), "low"] = 0.0
    assert three.night(24).decided == (day(24),)
    late = table("bars").query("arrived_late == 1")
    assert late["time"].tolist() == [iso(day(21)), iso(day(23))]


def test_an_impossible_row_that_still_forms_or_lies_ahead_does_not_stop_the_night(
    files: Files,
) -> None:
    files.bars[BTC].loc[day(22), "high"] = 1.0
    assert files.night(21).decided == (day(21),)
    files.show(night_of(30))
    refused(night_of(22), DataInvalidError, "column 'high' is 1")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "other.csv"


@pytest.fixture
def checked(tmp_path: Path, other: Path) -> Files:
    """An account whose bars are checked by another file."""
    files = Files(tmp_path / "files")
    other.write_text(csv_text(files.bars[BTC][: day(20)]))
    files.open(night_of(20), **{"data.cross_check": str(other)})
    other.write_text(csv_text(files.bars[BTC]))
    assert files.night(20).decided == (day(20),)
    return files


def test_two_sources_that_disagree_stop_the_night_until_they_agree(
    checked: Files, other: Path
) -> None:
    whole = checked.bars[BTC]
    apart = whole.copy()
    apart.loc[day(21), ["high", "close"]] = [9000.0, 8000.0]
    other.write_text(csv_text(apart))
    checked.show(night_of(21))
    said = refused(night_of(21), DataInvalidError, "two sources disagree on 2020-01-22T")
    assert f"csv closes at {whole['close'][day(21)]:.10g}" in said
    assert "other.csv at 8000, apart by" in said
    other.write_text(csv_text(whole))
    checked.show(night_of(22))
    caught_up(night_of(22), 21, 22)


def test_a_bar_on_which_they_never_agree_stops_one_night_and_not_the_account(
    checked: Files, other: Path
) -> None:
    apart = checked.bars[BTC].copy()
    apart.loc[day(21), ["high", "close"]] = [9000.0, 8000.0]
    other.write_text(csv_text(apart))
    checked.show(night_of(21))
    refused(night_of(21), DataInvalidError, "two sources disagree")
    report = checked.night(22)
    assert report.decided == (day(21), day(22))
    (warning,) = report.standing.to_json()["warnings"]
    assert re.match(r"BTC-USD: two sources disagree on 2020-01-22T.*the former is used", warning)


@pytest.fixture
def by_yahoo(tmp_path: Path, yahoo: Yahoo) -> Files:
    """An account on two files whose bars are checked by Yahoo."""
    files = Files(tmp_path / "files", (BTC, ETH))
    tell(yahoo, night_of(20), files.bars)
    files.open(night_of(20), **{"data.cross_check": "yahoo"})
    assert files.night(20).decided == (day(20),)
    return files


def test_a_second_source_that_is_mended_the_same_night_confirms_it(
    by_yahoo: Files, yahoo: Yahoo
) -> None:
    tell(yahoo, night_of(21), by_yahoo.bars | {BTC: rewritten(by_yahoo.bars[BTC], 21)})
    by_yahoo.show(night_of(21))
    refused(night_of(21), DataInvalidError, "BTC-USD: two sources disagree on 2020-01-22T")
    tell(yahoo, night_of(21) + 2 * HOUR, by_yahoo.bars)
    caught_up(night_of(21) + 2 * HOUR, 21, 21)


def test_a_late_bar_that_nobody_trades_is_not_checked(by_yahoo: Files, yahoo: Yahoo) -> None:
    tell(yahoo, night_of(24), by_yahoo.bars | {ETH: rewritten(by_yahoo.bars[ETH], 21)})
    whole = by_yahoo.bars[ETH]
    by_yahoo.bars[ETH] = whole[: day(20)]
    assert by_yahoo.night(23).decided == (day(21), day(22), day(23))
    by_yahoo.bars[ETH] = whole[: day(21)]
    assert by_yahoo.night(24).decided == (day(24),)
    assert table("bars").query("arrived_late == 1")["time"].tolist() == [iso(day(21))]


def test_a_second_source_without_the_bar_is_waited_for(checked: Files, other: Path) -> None:
    whole = checked.bars[BTC]
    other.write_text(csv_text(whole[: day(20)]))
    checked.show(night_of(21))
    refused(night_of(21), DataUnavailableError, "other.csv has no bar of 2020-01-22T.* to check")
    other.unlink()
    refused(night_of(21), DataUnavailableError, "BTC-USD: nothing to check it by")
    # it comes while it is waited for
    clock, slept = waiting(night_of(21))

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            other.write_text(csv_text(whole))

    assert night(type(clock)(clock.now, sleep)).decided == (day(21),)
    assert len(slept) == 3
    # a hole of its own, behind which it agrees, holds nothing up
    other.write_text(csv_text(whole.drop(day(22))))
    checked.show(night_of(22))
    refused(night_of(22), DataUnavailableError, "other.csv has no bar of 2020-01-23T")
    checked.show(night_of(23))
    caught_up(night_of(23), 22, 23)


def test_a_symbol_that_its_vendor_does_not_know_any_more_is_waited_for_and_left_alone(
    yahoo: Yahoo,
) -> None:
    bars = opened(yahoo, BTC, ETH, SOL)
    yahoo.refused[ETH] = UNKNOWN
    tell(yahoo, night_of(21), bars)
    refused(night_of(21), DataUnavailableError, r"of ETH-USD after 2020-01-21T.*has no bars of")
    for number in range(22, 26):
        tell(yahoo, night_of(number), bars)
        report = night(night_of(number))
        assert report.decided[-1] == day(number)
        assert report.missing == ""
    assert decided() == [day(number) for number in range(20, 26)]
    absent = table("absences")
    assert absent["symbol"].tolist() == [ETH] * 5
    assert set(absent["newest"]) == {iso(day(20))}
    money = replays(night_of(25)).replay.result
    mine = money.fills["symbol"] == ETH
    assert not (mine & (money.fills["time"] > day(20) + DAY)).any()


def test_a_symbol_that_stops_for_days_and_returns_arrives_late(three: Files) -> None:
    whole = three.bars[ETH]
    three.bars[ETH] = whole[: day(20)]
    three.show(night_of(21))
    refused(night_of(21), DataUnavailableError, "no complete bar of ETH-USD after 2020-01-21T")
    three.show(night_of(22))
    assert three.night(22).decided == (day(21), day(22))
    assert three.night(23).decided == (day(23),)
    three.bars[ETH] = whole
    assert three.night(24).decided == (day(24),)
    late = table("bars").query("arrived_late == 1")
    assert late["symbol"].tolist() == [ETH] * 3
    assert late["time"].tolist() == [iso(day(number)) for number in (21, 22, 23)]
    money = replays(night_of(24)).replay
    seen = {market.symbol: market.times for market in money.markets}
    assert day(24) in seen[ETH]
    assert not {day(21), day(22), day(23)} & set(seen[ETH])


def test_who_gives_no_answer_is_not_gone_however_long_the_account_slept(yahoo: Yahoo) -> None:
    bars = opened(yahoo, BTC, ETH)
    yahoo.refused[ETH] = RATE_LIMITED
    tell(yahoo, night_of(40), bars)
    refused(night_of(40), DataUnavailableError, "ETH-USD after 2020-01-21.*too many requests")
    yahoo.refused.clear()
    report = night(night_of(40) + HOUR)
    assert report.decided == tuple(day(number) for number in range(21, 41))
    assert table("absences").empty


def broken(path: Path, how: str) -> None:
    text = path.read_text()
    last = text.rstrip().splitlines()[-2]  # yesterday's; today's follows
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_text("")
    elif how == "header":
        path.write_text(text.splitlines()[0] + "\n")
    elif how == "cut":
        path.write_text(text[: text.index(last) + len("2020-01-22,101")])
    elif how == "date":
        path.write_text(text[: text.index(last) + len("2020-01-2")])
    else:
        tomorrow = f"{day(23):%Y-%m-%d},10,11,9,10,5\n"
        path.write_text(text + tomorrow)


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("missing", DataUnavailableError, r"BTC-USD\.csv: there is no such file"),
        ("empty", DataInvalidError, "the file is empty"),
        ("header", DataInvalidError, "there is a header but no row below it"),
        ("cut", DataInvalidError, r"line 23: column '\w+' is "),
        ("date", CryptobtError, "BTC-USD"),
        ("tomorrow", DataInvalidError, "time 2020-01-24T00:00:00Z is after now"),
    ],
)
def test_a_broken_file_stops_the_night_until_it_is_whole(
    files: Files, how: str, kind: type[CryptobtError], words: str
) -> None:
    files.show(night_of(21))
    broken(files.path(), how)
    before = facts()
    with pytest.raises(kind, match=words) as caught:
        night(live(night_of(21)))
    assert caught.value.exit_code in (3, 4)
    assert "\n" not in str(caught.value)
    assert facts() == before
    files.show(night_of(22))
    caught_up(night_of(22), 21, 22)


def test_a_file_that_is_written_anew_while_it_is_read_is_waited_for(files: Files) -> None:
    files.show(night_of(21))
    broken(files.path(), "cut")
    clock, slept = waiting(night_of(21))

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        files.show(night_of(21))

    assert night(type(clock)(clock.now, sleep)).decided == (day(21),)
    assert slept == [60]


def test_a_file_that_lost_its_old_rows_is_as_good_as_before(files: Files) -> None:
    files.bars[BTC] = files.bars[BTC][day(19) :]
    assert files.night(21).decided == (day(21),)
    assert len(table("bars")) == 22
    assert table("rewrites").empty
    replays(night_of(21))


def test_a_file_that_lost_its_newest_rows_is_behind(files: Files) -> None:
    files.path().write_text(csv_text(files.bars[BTC][: day(15)]))
    refused(night_of(21), DataUnavailableError, "no complete bar of BTC-USD after 2020-01-21T")
    files.show(night_of(21))
    caught_up(night_of(21), 21, 21)


def test_one_broken_file_of_three_stops_all(three: Files) -> None:
    three.show(night_of(21))
    three.path(SOL).unlink()
    refused(night_of(21), DataUnavailableError, "SOL-USD after 2020-01-21.*no such file")
    refused(night_of(30), DataUnavailableError, "SOL-USD after 2020-01-21.*no such file")
    three.show(night_of(30))
    caught_up(night_of(30), 21, 30)


def test_a_difference_in_the_last_bit_is_a_rewrite(files: Files) -> None:
    whole = files.bars[BTC]
    third = whole.copy()
    third.loc[day(21), "close"] = np.nextafter(third["close"][day(21)], 0)
    files.bars[BTC] = third
    files.night(21)
    files.bars[BTC] = whole
    files.night(22)
    assert table("rewrites")["time"].tolist() == [iso(day(21))]
