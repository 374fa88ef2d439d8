"""Bars from files: layouts that load, dirt that is refused or taken out, and where it is."""

import gzip
import os
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import MarketData
from cryptobt.data.csv_bars import read_bars

NOW = pd.Timestamp("2024-06-01T00:00:00Z")
HEADER = "date,open,high,low,close,volume"
GOOD = [
    "2024-01-01,10,12,9,11,5",
    "2024-01-02,11,13,10,12,6",
    "2024-01-03,12,14,11,13,7",
    "2024-01-04,13,15,12,14,8",
]


def load(
    folder: Path, rows: list[str], header: str = HEADER, mode: str = "refuse", now=NOW
) -> MarketData:
    file = folder / "bars.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return read_bars(file, "BTC-USD", mode, now)


def expected() -> pd.DataFrame:
    index = pd.DatetimeIndex(
        ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], tz="UTC", name="time"
    ).as_unit("ns")
    values = [[10, 12, 9, 11, 5], [11, 13, 10, 12, 6], [12, 14, 11, 13, 7], [13, 15, 12, 14, 8]]
    return pd.DataFrame(values, index, ["open", "high", "low", "close", "volume"], dtype=float)


def seconds(row: str) -> str:
    date, rest = row.split(",", 1)
    return f"{int(pd.Timestamp(date, tz='UTC').timestamp())},{rest}"


LAYOUTS = {
    "plain": (HEADER, GOOD),
    "newest first": (HEADER, GOOD[::-1]),
    "zone Z": (HEADER, [row.replace(",", "T00:00:00Z,", 1) for row in GOOD]),
    "other zone": (HEADER, [row.replace(",", " 01:00:00+01:00,", 1) for row in GOOD]),
    "seconds": ("unix_time" + HEADER[4:], [seconds(row) for row in GOOD]),
    "float seconds": ("Unix" + HEADER[4:], [seconds(row).replace(",", ".0,", 1) for row in GOOD]),
    "milliseconds": ("Open Time" + HEADER[4:], [seconds(r).replace(",", "000,", 1) for r in GOOD]),
    "microseconds": ("Time" + HEADER[4:], [seconds(r).replace(",", "000000,", 1) for r in GOOD]),
    "nanoseconds": ("time" + HEADER[4:], [seconds(r).replace(",", "0" * 9 + ",", 1) for r in GOOD]),
    "semicolons": (HEADER.replace(",", ";"), [row.replace(",", ";") for row in GOOD]),
    "trailing commas": (HEADER, [row + "," for row in GOOD]),
    "blank lines": (HEADER, ["", GOOD[0], "", *GOOD[1:], "", ""]),
    "address above": ("https://example.org\n" + HEADER, GOOD),
    "quotes": (HEADER, [",".join(f'"{cell}"' for cell in row.split(",")) for row in GOOD]),
    "yahoo": (
        "Date,Open,High,Low,Close,Adj Close,Volume",
        [",".join([*r.split(",")[:5], "1", r.split(",")[5]]) for r in GOOD],
    ),
    "counting column wins": ("date,unix," + HEADER[5:], ["1999-01-01," + seconds(r) for r in GOOD]),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_loads_to_the_same_bars(layout: str, tmp_path: Path) -> None:
    header, rows = LAYOUTS[layout]
    market = load(tmp_path, rows, header)
    pd.testing.assert_frame_equal(market.bars, expected())
    assert market.interval == pd.Timedelta(days=1)
    assert (market.source, market.simulated, market.quality.gaps) == ("csv", False, 0)


def test_gzip_crlf_and_a_byte_order_mark_are_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv.gz"
    file.write_bytes(gzip.compress(("\ufeff" + "\r\n".join([HEADER, *GOOD])).encode()))
    pd.testing.assert_frame_equal(read_bars(file, "X", "refuse", NOW).bars, expected())


def test_volume_in_coins_is_preferred_and_said(tmp_path: Path) -> None:
    header = "date,open,high,low,close,Volume USD,Volume BTC"
    market = load(tmp_path, [row + ",99" for row in GOOD], header)
    assert market.bars["volume"].eq(99).all()
    assert market.quality.warnings == ("volume is column 'Volume BTC'",)


def test_a_missing_volume_column_is_nan_and_said(tmp_path: Path) -> None:
    market = load(tmp_path, [row.rsplit(",", 1)[0] for row in GOOD], HEADER[:-7])
    assert market.bars["volume"].isna().all()
    assert market.quality.warnings == ("volume is not known",)


def test_a_null_row_is_a_gap_and_said(tmp_path: Path) -> None:
    rows = [GOOD[0], "2024-01-02,null,null,null,null,null", *GOOD[2:]]
    market = load(tmp_path, rows)
    assert market.quality.gaps == 1
    assert market.quality.warnings == (
        "1 row(s) without values left as gaps, first 2024-01-02T00:00:00Z",
    )
    assert len(market.bars) == 3


def test_gaps_zero_volume_and_off_grid_bars_are_counted(tmp_path: Path) -> None:
    rows = [*GOOD, "2024-01-06T07:00,13,15,12,14,8", "2024-01-08,13,15,12,14,0"]
    quality = load(tmp_path, rows).quality
    # 1 to 8 January are 8 places; the 5th and the 7th are empty, the 6th holds the odd bar
    assert quality.gaps == 2
    assert "1 bar(s) with zero volume, first 2024-01-08T00:00:00Z" in quality.warnings
    assert "1 bar(s) off the 1d grid, first 2024-01-06T07:00:00Z" in quality.warnings


def test_only_a_bar_still_forming_is_left_out(tmp_path: Path) -> None:
    evening = pd.Timestamp("2024-01-04T23:59:59Z")
    market = load(tmp_path, GOOD, now=evening)
    assert len(market.bars) == 3
    assert "still forming left out, first 2024-01-04" in market.quality.warnings[0]
    assert len(load(tmp_path, GOOD, now=pd.Timestamp("2024-01-05T00:00:00Z")).bars) == 4


BAD = {
    "text in a number": ("2024-01-03,12,14,11,abc,7", "column 'close' is 'abc', which is not a n"),
    "thousands": ('2024-01-03,12,14,11,"1,3",7', "column 'close' is '1,3', which is not a number"),
    "no price": ("2024-01-03,12,14,11,,7", "column 'close' is empty"),
    "a short row": ("2024-01-03,12,14", "column 'low' is empty"),
    "zero": ("2024-01-03,0,14,11,13,7", "column 'open' is 0.0, not above zero"),
    "negative": ("2024-01-03,12,14,-11,13,7", "column 'low' is -11.0, not above zero"),
    "infinite": ("2024-01-03,12,inf,11,13,7", "column 'high' is inf, which is not finite"),
    "high below low": ("2024-01-03,12,10,11,13,7", "column 'high' is 10.0, below low 11.0"),
    "high below close": ("2024-01-03,12,14,11,15,7", "column 'high' is 14.0, below close 15.0"),
    "low above open": ("2024-01-03,12,14,12.5,13,7", "column 'open' is 12.0, below low 12.5"),
    "volume below zero": ("2024-01-03,12,14,11,13,-7", "column 'volume' is -7.0, below zero"),
    "impossible date": ("2024-02-30,12,14,11,13,7", "column 'date' is '2024-02-30', which is not"),
    "american date": ("03/01/2024,12,14,11,13,7", "column 'date' is '03/01/2024', which is not"),
    "no date": (",12,14,11,13,7", "there are values but no time"),
    "future": ("2031-01-03,12,14,11,13,7", "time 2031-01-03T00:00:00Z is after now, 2024-06-01T"),
    "one field too many": ("2024-01-03,12,14,11,13,7,9", "'9.0' stands beyond the last column"),
    "same time again": ("2024-01-02,11,13,10,12,6.5", "has 2 rows with different values (line 3, "),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_refused_in_one_line_that_says_where_and_what_to_do(
    kind: str, tmp_path: Path
) -> None:
    row, words = BAD[kind]
    line = 3 if kind == "same time again" else 4
    with pytest.raises(DataInvalidError, match=re.escape(words)) as caught:
        load(tmp_path, [*GOOD[:2], row, GOOD[3]])
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'bars.csv'}, line {line}: ")
    assert message.endswith(
        '; mend the row, or set data.on_bad_row="quarantine" to leave such rows out'
    )
    assert "\n" not in message


@pytest.mark.parametrize("kind", BAD)
def test_quarantine_takes_the_row_out_and_lists_it(kind: str, tmp_path: Path) -> None:
    row, words = BAD[kind]
    rows = [*GOOD[:2], row, *GOOD[3:], "2024-01-05,14,16,13,15,9"]
    market = load(tmp_path, rows, mode="quarantine")
    twice = kind == "same time again"
    assert len(market.bars) == (3 if twice else 4)
    assert market.quality.gaps == (2 if twice else 1)
    assert len(market.quality.quarantined) == (2 if twice else 1)
    assert words in market.quality.quarantined[0]["reason"]
    assert "quarantined and left as gaps" in market.quality.warnings[0]


def test_further_bad_rows_are_counted(tmp_path: Path) -> None:
    rows = [*GOOD[:2], "2024-01-03,0,1,1,1,1", "2024-01-04,0,1,1,1,1"]
    with pytest.raises(DataInvalidError, match=r"line 4: .*\(1 more bad row\(s\) follow\)"):
        load(tmp_path, rows)


def test_lines_are_counted_as_an_editor_shows_them(tmp_path: Path) -> None:
    rows = [*GOOD[:2], "", "2024-01-03,0,1,1,1,1", GOOD[3]]
    with pytest.raises(DataInvalidError, match=r"line 6: column 'open' is 0\.0"):
        load(tmp_path, rows, "https://example.org\n" + HEADER)


def test_rows_of_the_wrong_unit_are_impossible_dates(tmp_path: Path) -> None:
    rows = [seconds(row) for row in GOOD]
    rows[1] = rows[1].replace(",", "000,", 1)
    with pytest.raises(DataInvalidError, match="line 3: column 'unix' is '1704153600000', which"):
        load(tmp_path, rows, "unix" + HEADER[4:])


def test_mixed_zones_are_refused(tmp_path: Path) -> None:
    rows = [GOOD[0], GOOD[1].replace(",", "T00:00:00Z,", 1), *GOOD[2:]]
    with pytest.raises(DataInvalidError, match="column 'date' mixes time zones"):
        load(tmp_path, rows)


@pytest.mark.parametrize("column", ["date", "open", "high", "low", "close"])
def test_a_missing_column_is_named_with_those_found(column: str, tmp_path: Path) -> None:
    wanted = "time" if column == "date" else column
    with pytest.raises(DataInvalidError, match=f"there is no {wanted} column; .*volume"):
        load(tmp_path, GOOD, HEADER.replace(column, "x"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (HEADER.encode(), "a header but no row"),
        (HEADER.encode() + b"\n\n\n", "a header but no row"),
        (b"\x89PNG\r\n\x00\x01", "no text file"),
        (gzip.compress(HEADER.encode() * 9, mtime=0)[:30], "the compressed file is damaged"),
        (b"\x1f\x8bnonsense", "the compressed file is damaged"),
        (f"{HEADER}\n{GOOD[0]}\n".encode(), "at least 2 are needed"),
        (f"{HEADER}\n{GOOD[0]}\n{GOOD[0]}\n".encode(), "at least 2 are needed"),
        (f"{HEADER}\n{GOOD[0]}\nM\xfcll,1,1,1,1,1\n".encode("latin-1"), "no UTF-8 text"),
        (f"{HEADER}\n{GOOD[0]},7,8,9\n{GOOD[1]}\n".encode(), "first row: there are more fields"),
        (f"{HEADER}\n{GOOD[0]}\n{GOOD[1]},7,8,9\n".encode(), "line 3: there are more fields"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_bars_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_bytes(content)
    with pytest.raises(DataInvalidError, match=words) as caught:
        read_bars(file, "X", "refuse", NOW)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_bars(tmp_path / "none.csv", "X", "refuse", NOW)
    with pytest.raises(UsageError, match="is not a regular file; give a file"):
        read_bars(tmp_path, "X", "refuse", NOW)


def test_a_pipe_or_device_is_refused_before_it_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    for path in (fifo, Path("/dev/null")):
        with pytest.raises(UsageError, match=f"^{path} is not a regular file; give a file$"):
            read_bars(path, "X", "refuse", NOW)


def test_a_bar_that_opens_before_another_closes_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = [*GOOD[:2], "2024-01-02T12:00,11,13,10,12,6", *GOOD[2:], "2024-01-05,14,16,13,15,9"]
    words = r"line 4: the 1d bar of 2024-01-02T12:00:00Z overlaps that of 2024-01-02T00:00:00Z "
    with pytest.raises(DataInvalidError, match=words + r"\(line 3\); mend the row"):
        load(tmp_path, rows)


@pytest.mark.parametrize("place", range(11))
def test_quarantine_takes_out_the_overlapping_bar_that_is_off_the_grid(
    place: int, tmp_path: Path
) -> None:
    days = pd.date_range("2024-01-01", periods=10)
    odd = pd.Timestamp("2023-12-31T12:00") + place * pd.Timedelta(days=1)
    rows = [f"{time},10,12,9,11,5" for time in (*days, odd)]
    market = load(tmp_path, rows, mode="quarantine")
    assert market.times.tz_localize(None).tolist() == days.tolist()
    (taken,) = market.quality.quarantined
    assert f", line 12: the 1d bar of {odd:%Y-%m-%dT%H:%M:%SZ} overlaps that of " in taken["reason"]


@given(hours=st.lists(st.integers(0, 400), max_size=12))
def test_bars_that_are_kept_never_overlap(
    hours: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    days = pd.date_range("2024-01-01", periods=15)
    odd = [pd.Timestamp("2024-01-01") + pd.Timedelta(hours=hour) for hour in hours]
    rows = [f"{time},10,12,9,11,5" for time in (*days, *odd)]
    market = load(tmp_path_factory.mktemp("bars"), rows, mode="quarantine")
    assert (np.diff(market.times) >= market.interval).all()


def test_bars_that_are_mostly_off_the_grid_are_refused(tmp_path: Path) -> None:
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    rows = [f"{month:%Y-%m-%d},10,12,9,11,5" for month in months]
    for mode in ("refuse", "quarantine"):
        with pytest.raises(DataInvalidError, match="of 24 bars are off the 31d grid; bars must be"):
            load(tmp_path, rows, mode=mode)


UNREADABLE = {
    "day first": ["31/12/2020", "01/01/2021", "02/01/2021"],
    "month first": ["12/31/2020", "1/1/2021", "1/2/2021"],
    "no signs": ["20201231", "20210101", "20210102"],
    "serial numbers": ["44196", "44197", "44198"],
    "one readable": ["31.12.2020", "2021-01-01", "02.01.2021"],
}


@pytest.mark.parametrize("mode", ["refuse", "quarantine"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_dates_that_none_can_read_are_shown_with_what_to_write(
    kind: str, mode: str, tmp_path: Path
) -> None:
    dates = UNREADABLE[kind]
    with pytest.raises(DataInvalidError) as caught:
        load(tmp_path, [f"{date},10,12,9,11,5" for date in dates], mode=mode)
    words = f", line 2: column 'date' is '{dates[0]}', which is not a date; write ISO dates such as"
    assert f"{words} 2020-12-31 (" in str(caught.value)


def test_too_few_bars_after_quarantine_say_why_the_first_was_taken_out(tmp_path: Path) -> None:
    rows = ["2024-01-01,0,12,9,11,5", "2024-01-02,0,12,9,11,5"]
    words = r"0 usable bar\(s\) \(2 row\(s\) quarantined, first line 2: column 'open' is 0\.0"
    with pytest.raises(DataInvalidError, match=words):
        load(tmp_path, rows, mode="quarantine")


@pytest.mark.parametrize("column", ["date", "close", "volume"])
def test_a_column_that_occurs_twice_is_refused(column: str, tmp_path: Path) -> None:
    header = f"{HEADER},{column.title()}"
    with pytest.raises(DataInvalidError, match=f"there are two columns '{column}'; name one"):
        load(tmp_path, [f"{row},{row.split(',')[4]}" for row in GOOD], header)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.permutations(GOOD), again=st.lists(st.sampled_from(GOOD), max_size=3), data=st.data()
)
def test_any_order_and_exact_repetition_loads_to_the_same_bars(
    rows: list[str], again: list[str], data: st.DataObject, tmp_path: Path
) -> None:
    shuffled = data.draw(st.permutations([*rows, *again]))
    market = load(tmp_path, shuffled)
    pd.testing.assert_frame_equal(market.bars, expected())
    steps = [sign(two, one) for one, two in pairwise(shuffled)]
    said = [f"{len(again)} repeated row(s) dropped"] if again else []
    if -1 in steps and 1 in steps:
        said.append(f"{steps.count(-1)} row(s) open before the row above them: sorted")
    assert list(market.quality.warnings) == said


def sign(one: str, other: str) -> int:
    return (one > other) - (one < other)


FIELDS = st.one_of(
    st.sampled_from(["", "null", "-1", "0", "inf", "1e400", "abc", "2024-01-02", "11", "True"]),
    st.floats(allow_nan=True).map(repr),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=st.lists(FIELDS, min_size=1, max_size=7), mode=st.sampled_from(["refuse", "quarantine"])
)
def test_whatever_a_row_holds_it_is_refused_or_the_bars_keep_the_contract(
    cells: list[str], mode: str, tmp_path: Path
) -> None:
    try:
        bars = load(tmp_path, [*GOOD[:2], ",".join(cells), GOOD[3]], mode=mode).bars
    except DataInvalidError:
        return
    prices = bars[["open", "high", "low", "close"]].to_numpy()
    assert np.isfinite(prices).all()
    assert (prices > 0).all()
    assert bars.index.is_monotonic_increasing
    assert bars.index.is_unique
    assert (bars.dtypes == "float64").all()


def test_a_blank_line_above_the_header_costs_no_row_whatever_ends_the_lines(tmp_path: Path) -> None:
    text = "\ndate,open,high,low,close,volume\n2020-01-01,1,2,1,2,5\n2020-01-02,2,3,2,3,5\n"
    for number, end in enumerate(("\n", "\r\n", "\r")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text.replace("\n", end).encode())
        bars = read_bars(path, "BTC", "refuse", pd.Timestamp("2024-01-01", tz="UTC")).bars
        assert bars["close"].tolist() == [2.0, 3.0]
