"""Series beside the bars: what is read, when it may be used, what is refused."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import ExtraSeries
from cryptobt.data.csv_series import read_series

ROWS = [
    "Date,AdrActCnt,FeeTotNtv,feetotntv_source",
    "2024-01-03,30,0.3,derived",
    "2024-01-01,10,,measured",
    "2024-01-02,20,0.2,measured",
]


def load(folder: Path, rows: list[str], lag_hours: float = 24.0) -> ExtraSeries:
    file = folder / "onchain.csv"
    file.write_text("\n".join(rows) + "\n")
    return read_series(file, "onchain", lag_hours)


def test_numbers_are_sorted_named_in_lower_case_and_text_columns_left_out(tmp_path: Path) -> None:
    series = load(tmp_path, ROWS)
    assert list(series.frame) == ["adractcnt", "feetotntv", "available_at"]
    assert series.frame["adractcnt"].tolist() == [10.0, 20.0, 30.0]
    assert np.isnan(series.frame["feetotntv"].iloc[0])
    assert (series.name, series.source, series.lag_hours) == ("onchain", "csv", 24.0)


def test_a_row_is_available_a_period_and_the_lag_after_its_start(tmp_path: Path) -> None:
    frame = load(tmp_path, ROWS, lag_hours=6).frame
    assert frame.index[0] == pd.Timestamp("2024-01-01T00:00:00Z")
    assert frame["available_at"].iloc[0] == pd.Timestamp("2024-01-02T06:00:00Z")


def test_an_exact_repetition_is_dropped(tmp_path: Path) -> None:
    assert len(load(tmp_path, [*ROWS, ROWS[2]]).frame) == 3


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2024-01-04,abc,0.1,measured", "line 5: column 'AdrActCnt' is 'abc', which is not a fini"),
        ("2024-01-04,inf,0.1,measured", "line 5: column 'AdrActCnt' is 'inf', which is not a fini"),
        ("2024-01-32,1,0.1,measured", "line 5: column 'Date' is '2024-01-32', which is not a date"),
        ("2024-01-02,21,0.2,measured", "line 5: time 2024-01-02T00:00:00Z occurs before"),
        (",1,0.1,measured", "line 5: there are values but no time"),
        ("2024-01-04,1,0.1,measured,7", "line 5: '7.0' stands beyond the last column"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match=words):
        load(tmp_path, [*ROWS, row])


def test_a_file_without_numbers_or_rows_or_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match="no column beside the time holds numbers"):
        load(tmp_path, ["date,a", "2024-01-01,x", "2024-01-02,y"])
    with pytest.raises(DataInvalidError, match="at least 2"):
        load(tmp_path, ROWS[:2])
    with pytest.raises(UsageError, match="no such file"):
        read_series(tmp_path / "none.csv", "x", 0)


def test_columns_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match="two columns 'a'"):
        load(tmp_path, ["date,a,A", "2024-01-01,1,2", "2024-01-02,1,2"])


def test_a_column_named_as_the_computed_instant_is_refused(tmp_path: Path) -> None:
    words = "column 'Available_At' is computed from the period and data.onchain_lag_hours; rename"
    with pytest.raises(DataInvalidError, match=words):
        load(tmp_path, ["date,a,Available_At", "2024-01-01,1,2", "2024-01-02,1,2"])


@pytest.mark.parametrize("lag_hours", [2.2e6, 1e12])
def test_a_lag_beyond_all_dates_is_a_usage_error(lag_hours: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"onchain_lag_hours is .*, beyond all dates"):
        load(tmp_path, ROWS, lag_hours)


def test_a_pipe_is_refused_before_it_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    with pytest.raises(UsageError, match="is not a regular file; give a file"):
        read_series(fifo, "onchain", 24.0)


OWN = [
    "date,a,Available_At",
    "2024-01-02,2,2024-01-09T06:00:00Z",
    "2024-01-01,1,2024-01-01T00:00:00Z",
    "2024-01-03,3,2024-01-05T00:00:00Z",
]


def own(folder: Path, rows: list[str]) -> ExtraSeries:
    file = folder / "onchain.csv"
    file.write_text("\n".join(rows) + "\n")
    return read_series(file, "onchain", 24.0, own_publication=True)


def test_the_instants_of_the_file_itself_are_used_where_asked_for(tmp_path: Path) -> None:
    series = own(tmp_path, OWN)
    assert list(series.frame) == ["a", "available_at"]
    assert series.frame["a"].tolist() == [1, 2, 3]
    expected = pd.DatetimeIndex(["2024-01-01", "2024-01-09T06:00", "2024-01-05"], tz="UTC")
    assert series.frame["available_at"].tolist() == expected.tolist()
    assert series.lag_hours == 0


def test_own_instants_may_count_from_1970_and_repeat_exactly(tmp_path: Path) -> None:
    rows = ["date,a,available_at", "2024-01-01,1,1704153600", "2024-01-02,2,1704240000"]
    frame = own(tmp_path, [*rows, rows[1]]).frame
    assert frame["available_at"].iloc[0] == pd.Timestamp("2024-01-02T00:00:00Z")
    assert len(frame) == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2024-01-04,4,", "line 5: column 'Available_At' is empty; mend the row"),
        ("2024-01-04,4,soon", "line 5: column 'Available_At' is 'soon', which is not a date"),
        (
            "2024-01-04,4,2024-01-03T23:59:59Z",
            "line 5: column 'Available_At' is 2024-01-03T23:59:59Z, before the time of its row",
        ),
        (
            "2024-01-03,3,2024-01-06T00:00:00Z",
            "line 5: time 2024-01-03T00:00:00Z occurs before with other",
        ),
    ],
)
def test_a_row_without_a_possible_publication_is_refused(
    row: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataInvalidError, match=words):
        own(tmp_path, [*OWN, row])


def test_a_file_without_instants_of_its_own_is_refused_where_they_are_asked_for(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataInvalidError, match="there is no available_at column; the columns f"):
        own(tmp_path, ROWS)


def test_own_instants_of_a_parquet_file_are_read_too(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet files to read")
    days = pd.date_range("2024-01-01", periods=3, tz="UTC", name="date")
    at = days + pd.Timedelta(hours=30)
    file = tmp_path / "onchain.parquet"
    pd.DataFrame({"a": [1.0, 2, 3], "available_at": at}, days).to_parquet(file)
    frame = read_series(file, "onchain", 24.0, own_publication=True).frame
    assert frame["available_at"].tolist() == at.tolist()
    with pytest.raises(DataInvalidError, match="column 'available_at' is computed from"):
        read_series(file, "onchain", 24.0)


def test_instants_of_publication_name_the_rows_where_there_is_no_other_time(tmp_path: Path) -> None:
    file = tmp_path / "mood.csv"
    file.write_text("available_at,mood\n2024-01-01T09:30:00Z,1\n2024-01-02T10:00:00Z,2\n")
    frame = read_series(file, "mood", 0.0, own_publication=True).frame
    assert frame["mood"].tolist() == [1.0, 2.0]
    assert (frame.index == frame["available_at"]).all()
