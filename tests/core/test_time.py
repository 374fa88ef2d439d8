"""Instants and intervals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.errors import UsageError
from cryptobt.core.time import (
    bars_per_year,
    epoch_ns,
    interval_label,
    iso,
    iso_column,
    naive_utc,
    parse_day,
    parse_interval,
)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1d", 1440), ("4h", 240), ("5m", 5), ("1w", 10_080), ("90m", 90), (" 1D ", 1440)],
)
def test_an_interval_is_read_as_traders_write_it(text: str, minutes: int) -> None:
    assert parse_interval(text) == pd.Timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "1.5h", "1M0", "1 d", "day", "1y", "٣d"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 1d, 4h or 5m"):
        parse_interval(text)


@given(st.integers(1, 500), st.sampled_from("mhdw"))
def test_a_label_reads_back_as_the_same_interval(count: int, unit: str) -> None:
    interval = parse_interval(f"{count}{unit}")
    assert parse_interval(interval_label(interval)) == interval


@pytest.mark.parametrize(("text", "label"), [("24h", "1d"), ("60m", "1h"), ("1w", "7d")])
def test_a_label_uses_the_largest_unit_up_to_days(text: str, label: str) -> None:
    assert interval_label(parse_interval(text)) == label


@pytest.mark.parametrize(("text", "bars"), [("1d", 365), ("1h", 8_760), ("5m", 105_120)])
def test_a_year_is_365_days_of_a_market_that_never_closes(text: str, bars: int) -> None:
    assert bars_per_year(parse_interval(text)) == bars


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-03-01", "2021-03-01T00:00:00Z"),
        ("2021-03-01T06:30", "2021-03-01T06:30:00Z"),
        ("2021-03-01T06:30:00Z", "2021-03-01T06:30:00Z"),
        ("2021-03-01T06:30+02:00", "2021-03-01T04:30:00Z"),
    ],
)
def test_a_day_is_an_instant_in_utc(text: str, expected: str) -> None:
    assert iso(parse_day(text, "data.start")) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2021-13-01", "2021-02-30", "99999-01-01"])
def test_what_is_no_day_is_refused_with_its_setting(text: str) -> None:
    with pytest.raises(UsageError, match=r"data\.start: .* write it like 2021-03-01"):
        parse_day(text, "data.start")


@pytest.mark.parametrize("text", ["now", "today"])
def test_a_day_never_comes_from_the_clock(text: str) -> None:
    # A run whose first decision moves with the wall clock cannot be repeated.
    with pytest.raises(UsageError, match="is not a date"):
        parse_day(text, "data.start")


def test_a_date_that_two_continents_read_differently_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a date"):
        parse_day("01/02/2021", "data.start")


def test_an_instant_is_written_in_utc_whatever_its_zone() -> None:
    assert iso(pd.Timestamp("2024-01-31T09:00", tz="Asia/Tokyo")) == "2024-01-31T00:00:00Z"


def test_a_column_of_instants_is_text_with_empty_fields() -> None:
    times = pd.DatetimeIndex(["2024-01-31T01:02:03Z", pd.NaT])
    written = iso_column(times)
    assert written[0] == "2024-01-31T01:02:03Z"
    assert pd.isna(written[1])


def test_the_naive_door_shows_the_same_wall_clock_in_utc() -> None:
    times = pd.DatetimeIndex(["2024-01-31T09:00"]).tz_localize("Asia/Tokyo")
    assert naive_utc(times).tz is None
    assert naive_utc(times)[0] == pd.Timestamp("2024-01-31")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_nanoseconds_are_the_same_at_any_resolution(unit: Any) -> None:
    times = pd.DatetimeIndex(["1970-01-02"], tz="UTC").as_unit(unit)
    assert epoch_ns(times).dtype == np.int64
    assert epoch_ns(times)[0] == 86_400 * 10**9
