"""Parquet and HDF5 files: the same bars as from text, and nothing in them is ever run."""

import io
import pickle
import re
import sys
import warnings
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import MarketData
from cryptobt.data import frames, hdf5
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.csv_series import read_series
from cryptobt.data.plain import MISSING

pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet files to read")
tables = pytest.importorskip("tables", reason="tables is not installed: no HDF5 files to read")

NOW = pd.Timestamp("2024-06-01T00:00:00Z")
DAYS = pd.date_range("2024-01-01", periods=4, tz="UTC", name="time")
SUFFIXES = [".parquet", ".pq", ".PARQUET", ".h5", ".hdf5"]


@pytest.fixture(autouse=True)
def _reads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read HDF5 in this process: starting one for each file takes half a second."""
    monkeypatch.setattr(frames, "_asked", hdf5.answer)


def bars() -> pd.DataFrame:
    values = [[10, 12, 9, 11, 5], [11, 13, 10, 12, 6], [12, 14, 11, 13, 7], [13, 15, 12, 14, 8]]
    return pd.DataFrame(values, DAYS, ["open", "high", "low", "close", "volume"], dtype=float)


def write(file: Path, frame: pd.DataFrame, **options: Any) -> Path:
    with warnings.catch_warnings():
        # PyTables warns of objects that it pickles; that is what some tests want
        warnings.simplefilter("ignore")
        if file.suffix.lower() in {".h5", ".hdf5"}:
            frame.to_hdf(file, **({"key": "bars", "mode": "w"} | options))
        else:
            frame.to_parquet(file)
    return file


def load(file: Path, mode: Any = "refuse") -> MarketData:
    return read_bars(file, "BTC-USD", mode, NOW)


def text_hash(folder: Path) -> str:
    file = folder / "same.csv"
    bars().to_csv(file)
    return load(file).hash


def with_time(times: Any, name: str = "date") -> pd.DataFrame:
    frame = bars().reset_index(drop=True)
    frame.insert(3, name, times)
    return frame


def seconds() -> np.ndarray:
    return DAYS.as_unit("s").asi8


LAYOUTS = {
    "aware index": bars(),
    "naive index": bars().tz_localize(None),
    "other zone": bars().tz_convert("America/New_York"),
    "fixed offset": bars().tz_convert("+05:30"),
    "nameless index": bars().rename_axis(None),
    "named index": bars().rename_axis("Open_Time"),
    "nameless epoch index": bars().set_axis(pd.Index(seconds()), axis=0),
    "named epoch index": bars().set_axis(pd.Index(seconds() * 1000, name="unix"), axis=0),
    "time column": with_time(DAYS),
    "naive time column": with_time(DAYS.tz_localize(None)),
    "seconds": with_time(seconds(), "timestamp"),
    "float milliseconds": with_time(seconds() * 1e3, "open_time"),
    "microseconds": with_time(seconds() * 10**6, "unix"),
    "nanoseconds": with_time(DAYS.as_unit("ns").asi8, "unix"),
    "unsigned": with_time(seconds().astype(np.uint64), "unix"),
    "upper case": bars().rename_axis("TIME").rename(columns=str.upper),
    "shuffled": bars().iloc[[2, 0, 3, 1], [4, 2, 0, 3, 1]],
    "whole numbers": bars().astype(int),
    "single precision": bars().astype("float32"),
    "frequency": bars().asfreq("D"),
    "further columns": bars().assign(trades=3, liquid=True, when=DAYS),
    "a counting column and an index of rows": with_time(seconds(), "unix").set_axis([7, 8, 9, 10]),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_loads_to_the_bars_and_the_hash_of_the_text(
    layout: str, suffix: str, tmp_path: Path
) -> None:
    market = load(write(tmp_path / f"bars{suffix}", LAYOUTS[layout]))
    pd.testing.assert_frame_equal(market.bars, bars(), check_freq=False, check_index_type=False)
    assert market.hash == text_hash(tmp_path)
    disorder = ("2 row(s) open before the row above them: sorted",)
    said = disorder if layout == "shuffled" else ()
    assert (market.source, market.quality.warnings) == ("csv", said)


PARQUET_ONLY = {
    "dates": with_time([day.date() for day in DAYS]),
    "text": bars().astype(str).reset_index().astype({"time": str}),
    "decimals": with_time(DAYS).assign(open=[Decimal(f"{price}.0") for price in (10, 11, 12, 13)]),
    "nullable": with_time(DAYS).convert_dtypes(),
    "categories": with_time(pd.Categorical([f"{day:%Y-%m-%d}" for day in DAYS])),
    "lists beside": bars().assign(trades=[[1, 2], [3], [], None]),
}


@pytest.mark.parametrize("layout", PARQUET_ONLY)
def test_what_only_parquet_can_hold_loads_too(layout: str, tmp_path: Path) -> None:
    file = write(tmp_path / "bars.parquet", PARQUET_ONLY[layout])
    assert load(file).hash == text_hash(tmp_path)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+01:00"])
@pytest.mark.parametrize("frequency", ["D", "5min", "W-MON", "MS", None])
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_hdf5_as_pandas_writes_it_keeps_zone_and_times(
    layout: str, frequency: str | None, zone: str | None, tmp_path: Path
) -> None:
    times = pd.date_range("2024-01-01", periods=4, freq=frequency or "D", tz=zone, name="time")
    frame = pd.DataFrame({"value": [1.0, 2.0, 3.0, 4.0]}, times if frequency else times._data)
    file = write(tmp_path / "series.h5", frame, format=layout)
    found = read_series(file, "onchain", 0.0).frame.index
    expected = times.tz_localize("UTC") if zone is None else times.tz_convert("UTC")
    assert found.tolist() == expected.tolist()


def test_text_columns_of_the_table_layout_are_no_obstacle(tmp_path: Path) -> None:
    frame = with_time([f"{day:%Y-%m-%d}" for day in DAYS]).assign(exchange="kraken")
    file = write(tmp_path / "bars.h5", frame, format="table")
    assert load(file).hash == text_hash(tmp_path)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_a_bad_row_is_named_by_its_number_with_column_and_value(
    suffix: str, tmp_path: Path
) -> None:
    frame = bars()
    frame.iloc[2, 3] = -1.0
    file = write(tmp_path / f"line 7{suffix}", frame)
    words = (
        rf"^{re.escape(str(file))}, row 3: column 'close' is -1\.0, not above zero; mend the row"
    )
    with pytest.raises(DataInvalidError, match=words):
        load(file)
    quality = load(file, "quarantine").quality
    assert quality.quarantined[0]["reason"].startswith(f"{file}, row 3: column 'close' is -1.0")
    assert quality.warnings[0].endswith("row 3: column 'close' is -1.0, not above zero")


def test_a_value_that_speaks_of_lines_is_shown_as_it_is(tmp_path: Path) -> None:
    frame = bars().astype({"close": object})
    frame.iloc[1, 3] = "see line 9"
    frame["close"] = frame["close"].astype(str)
    file = write(tmp_path / "bars.parquet", frame)
    with pytest.raises(DataInvalidError, match=r", row 2: column 'close' is 'see line 9', which"):
        load(file)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_contradicting_rows_are_both_named(suffix: str, tmp_path: Path) -> None:
    frame = pd.concat([bars(), bars().iloc[[1]] * 2])
    file = write(tmp_path / f"bars{suffix}", frame)
    words = r"row 2: time 2024-01-02T00:00:00Z has 2 rows with .* \(\S+, row 2|\(row 2, row 5\)"
    with pytest.raises(DataInvalidError, match=words):
        load(file)


def test_truth_values_are_no_prices(tmp_path: Path) -> None:
    for wrong in ([True] * 4, [True, None, True, True]):
        file = write(tmp_path / "bars.parquet", bars().assign(close=pd.array(wrong, "boolean")))
        with pytest.raises(DataInvalidError, match="row 1: column 'close' is 'True', which is not"):
            load(file)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_a_missing_time_or_price_column_is_named(suffix: str, tmp_path: Path) -> None:
    file = write(tmp_path / f"bars{suffix}", bars().reset_index(drop=True))
    with pytest.raises(DataInvalidError, match="there is no time column; the columns found are op"):
        load(file)
    write(file, bars().drop(columns="low"))
    with pytest.raises(DataInvalidError, match="there is no low column"):
        load(file)
    write(file, bars().iloc[:0])
    with pytest.raises(DataInvalidError, match="the table holds no row"):
        load(file)


def test_of_several_tables_one_must_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "both.h5", bars(), key="btc")
    write(file, bars() * 2, key="coins/eth", mode="a")
    words = rf"there are 2 tables, btc, coins/eth; name one as {re.escape(str(file))}::btc$"
    with pytest.raises(DataInvalidError, match=words):
        load(file)
    assert load(Path(f"{file}::btc")).bars["close"].tolist() == [11, 12, 13, 14]
    for key in ("coins/eth", "/coins/eth"):
        assert load(Path(f"{file}::{key}")).bars["close"].tolist() == [22, 24, 26, 28]
    with pytest.raises(UsageError, match="there is no table 'doge'; the keys are btc, coins/eth"):
        load(Path(f"{file}::doge"))


def test_a_file_without_a_table_is_refused(tmp_path: Path) -> None:
    with tables.open_file(tmp_path / "raw.h5", "w") as raw:
        raw.create_array("/", "numbers", [1, 2, 3])
    with pytest.raises(DataInvalidError, match="there is no table that pandas wrote"):
        load(tmp_path / "raw.h5")


class Trap:
    """Opens a door when unpickled."""

    def __init__(self, door: Path) -> None:
        self.door = door

    def __reduce__(self) -> Any:
        return (Path.touch, (self.door,))


def test_a_column_of_pickled_objects_is_refused_and_not_opened(tmp_path: Path) -> None:
    door = tmp_path / "door"
    file = write(tmp_path / "bars.h5", bars().assign(note=[Trap(door)] * 4), format="fixed")
    assert not door.exists()
    with pytest.raises(DataInvalidError, match=r"it holds pickled objects \(.*format=.table."):
        load(file)
    assert not door.exists()
    # the trap is one: PyTables and pandas alone walk into it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.read_hdf(file, "bars")
    assert door.exists()


@pytest.mark.parametrize("node", ["/", "/bars", "/bars/axis1", "/bars/block0_values"])
@pytest.mark.parametrize("attribute", ["TITLE", "VERSION", "FILTERS", "freq", "tz", "pandas_type"])
def test_a_trap_in_an_attribute_is_never_sprung(node: str, attribute: str, tmp_path: Path) -> None:
    door = tmp_path / "door"
    file = write(tmp_path / "bars.h5", bars(), format="fixed")
    with tables.open_file(file, "a") as raw:
        stored = np.bytes_(pickle.dumps(Trap(door), 0))
        raw.get_node(node)._v_attrs._g_setattr(raw.get_node(node), attribute, stored)
    # some of these break the file, others go unnoticed
    with suppress(DataInvalidError):
        load(file)
    assert not door.exists()


def test_such_a_trap_is_one_for_whoever_merely_opens_the_file(tmp_path: Path) -> None:
    door = tmp_path / "door"
    file = write(tmp_path / "bars.h5", bars())
    with tables.open_file(file, "a") as raw:
        stored = np.bytes_(pickle.dumps(Trap(door), 0))
        raw.root._v_attrs._g_setattr(raw.root, "TITLE", stored)
    tables.open_file(file).close()
    assert door.exists()


def test_known_classes_cannot_be_used_to_reach_others(tmp_path: Path) -> None:
    door = tmp_path / "door"
    file = write(tmp_path / "bars.h5", bars(), format="fixed")
    codes = [
        b"c__builtin__\ngetattr\n(czoneinfo\nZoneInfo\nS'from_file'\ntR.",
        b"cpandas._libs.tslibs.offsets\nto_offset\n.",
        b"cos\nsystem\n(S'touch " + str(door).encode() + b"'\ntR.",
    ]
    for code in codes:
        with tables.open_file(file, "a") as raw:
            node = raw.get_node("/bars/axis1")
            node._v_attrs._g_setattr(node, "freq", np.bytes_(code))
        with pytest.raises(DataInvalidError, match="pickled objects"):
            load(file)
    assert not door.exists()


def test_reading_leaves_the_libraries_as_they_were(tmp_path: Path) -> None:
    file = write(tmp_path / "bars.h5", bars())
    load(file)
    assert tables.attributeset.pickle is pickle
    assert tables.atom.pickle is pickle
    # a file that another program holds open stays open
    with pd.HDFStore(str(file), "r") as store:
        load(file)
        assert store.keys() == ["/bars"]


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
@pytest.mark.parametrize(
    "content", [b"time,open\n1,2\n", b"PAR1 no more", b"\x89HDF\r\n\x1a\n" + bytes(99), b"PAR1PAR1"]
)
def test_a_damaged_file_or_one_of_another_format_is_refused(
    content: bytes, suffix: str, tmp_path: Path
) -> None:
    file = tmp_path / f"bars{suffix}"
    file.write_bytes(content)
    with pytest.raises(DataInvalidError, match=r"this is no \S+ file .*that can be read") as caught:
        load(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_cut_file_is_refused(suffix: str, cut: float, tmp_path: Path) -> None:
    file = write(tmp_path / f"bars{suffix}", bars())
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(DataInvalidError):
        load(file)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_a_file_that_is_missing_empty_or_a_folder_says_so(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(UsageError, match="is not a regular file"):
        load(tmp_path / f"folder{suffix}")
    (tmp_path / f"empty{suffix}").touch()
    with pytest.raises(DataInvalidError, match=r"no \S+ file .*can be read"):
        load(tmp_path / f"empty{suffix}")


@pytest.mark.parametrize(
    ("suffix", "module", "advice"),
    [
        (".h5", "tables", r"pip install cryptobt\[hdf5\]$"),
        (".parquet", "pyarrow.parquet", "pip install pyarrow$"),
    ],
)
def test_without_the_package_the_advice_is_how_to_install_it(
    suffix: str, module: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / f"bars{suffix}", bars())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=advice):
        load(file)


def test_folders_named_like_partitions_add_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "close=5"
    folder.mkdir()
    assert load(write(folder / "bars.parquet", bars())).hash == text_hash(tmp_path)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_a_series_loads_from_both_and_leaves_a_nameless_count_of_rows_out(
    suffix: str, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"date": DAYS, "AdrActCnt": [1.0, np.nan, 3.0, 4.0]}, index=[5, 6, 7, 8])
    series = read_series(write(tmp_path / f"chain{suffix}", frame), "onchain", 24.0)
    assert list(series.frame) == ["adractcnt", "available_at"]
    assert series.frame["available_at"].iloc[0] == pd.Timestamp("2024-01-03T00:00:00Z")
    frame.loc[6, "date"] = DAYS[0]
    write(tmp_path / f"chain{suffix}", frame)
    with pytest.raises(DataInvalidError, match="row 2: time 2024-01-01T00:00:00Z occurs before"):
        read_series(tmp_path / f"chain{suffix}", "onchain", 24.0)


def test_a_named_series_of_pandas_is_a_table_of_one_column(tmp_path: Path) -> None:
    pd.Series([1.0, 2, 3, 4], DAYS, name="FearGreed").to_hdf(tmp_path / "mood.h5", key="mood")
    frame = read_series(tmp_path / "mood.h5", "sentiment", 0.0).frame
    assert frame["feargreed"].tolist() == [1, 2, 3, 4]


PRICE = st.floats(0.001, 1e6, allow_subnormal=False)
WRITINGS = [repr, "{:.17g}".format, "{:.17e}".format, lambda number: f" {number!r}"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(prices=st.lists(PRICE, min_size=2, max_size=6), volume=st.floats(0, 1e12), data=st.data())
def test_the_hash_is_of_the_content_and_not_of_the_way_it_was_written(
    prices: list[float], volume: float, data: st.DataObject, tmp_path: Path
) -> None:
    times = pd.date_range("2024-01-01", periods=len(prices), name="time")
    frame = pd.DataFrame({name: prices for name in ("open", "high", "low", "close")}, times)
    frame["volume"] = volume
    rows = data.draw(st.permutations(range(len(frame))))
    places = data.draw(st.permutations(range(5)))
    mixed = frame.iloc[list(rows), list(places)]
    written = data.draw(st.sampled_from(WRITINGS))
    texts = mixed.map(lambda number: written(float(number)))
    texts.to_csv(tmp_path / "text.csv")
    write(tmp_path / "bars.parquet", mixed)
    write(tmp_path / "bars.h5", mixed, format=data.draw(st.sampled_from(["fixed", "table"])))
    frame.to_csv(tmp_path / "plain.csv.gz")
    files = ("text.csv", "bars.parquet", "bars.h5", "plain.csv.gz")
    assert len({load(tmp_path / name).hash for name in files}) == 1


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=st.integers(0, 3), column=st.integers(0, 4), up=st.booleans())
def test_the_hash_tells_the_smallest_change_of_any_value(
    row: int, column: int, up: bool, tmp_path: Path
) -> None:
    # flat prices may differ by one step of a double without contradicting each other
    frame = pd.DataFrame(7.0, DAYS, bars().columns)
    before = load(write(tmp_path / "bars.parquet", frame)).hash
    frame.iloc[row, column] = np.nextafter(7.0, 8.0 if up else 6.0)
    assert load(write(tmp_path / "bars.parquet", frame)).hash != before


def test_whole_and_decimal_writing_of_one_number_hash_alike(tmp_path: Path) -> None:
    whole, decimal = tmp_path / "whole.csv", tmp_path / "decimal.csv"
    bars().astype(int).to_csv(whole)
    bars().to_csv(decimal)
    assert whole.read_text() != decimal.read_text()
    assert load(whole).hash == load(decimal).hash == text_hash(tmp_path)


def test_dates_and_instants_hash_alike(tmp_path: Path) -> None:
    file = write(tmp_path / "bars.parquet", with_time([date(2024, 1, day) for day in (1, 2, 3, 4)]))
    assert load(file).hash == text_hash(tmp_path)


def as_text(**cells: dict[int, str]) -> pd.DataFrame:
    """Write all prices and the volume as text, with other text in some cells."""
    frame = bars().astype(str)
    for name, texts in cells.items():
        for row, text in texts.items():
            frame.iloc[row, frame.columns.get_loc(name)] = text
    return frame


def said(file: Path, mode: Any = "refuse") -> tuple[Any, ...]:
    """Give bars and remarks, or the refusal, in words that do not depend on the format."""
    try:
        market = load(file, mode)
    except DataInvalidError as error:
        return (re.sub(rf"{re.escape(str(file))}, (line|row) \d: ", "", str(error)),)
    return market.hash, market.quality.gaps, market.quality.warnings


WORDS = [
    *sorted(MISSING),
    "nil",
    "-",
    "NONE",
    "N.A.",
    " null",
    "1_000",
    "0x10",
    "inf",
    " 7 ",
    "1e1",
]


@pytest.mark.parametrize("text", WORDS)
def test_text_means_in_parquet_and_hdf5_what_it_means_in_a_text_file(
    text: str, tmp_path: Path
) -> None:
    whole = {name: {2: text} for name in bars().columns}
    for cells in (whole, {"close": {2: text}}, {"volume": {2: text}}):
        frame = as_text(**cells)
        frame.to_csv(tmp_path / "bars.csv")
        expected = said(tmp_path / "bars.csv")
        assert said(write(tmp_path / "bars.parquet", frame)) == expected
        assert said(write(tmp_path / "bars.h5", frame, format="table")) == expected


@pytest.mark.parametrize("text", ["null", "None", "NaN", ""])
def test_a_row_of_words_for_nothing_is_a_gap_and_half_a_row_is_refused(
    text: str, tmp_path: Path
) -> None:
    whole = as_text(**{name: {2: text} for name in bars().columns})
    quality = load(write(tmp_path / "bars.parquet", whole)).quality
    assert quality.gaps == 1
    assert quality.warnings == ("1 row(s) without values left as gaps, first 2024-01-03T00:00:00Z",)
    half = write(tmp_path / "bars.parquet", as_text(low={2: text}, close={2: text}))
    with pytest.raises(DataInvalidError, match="row 3: column 'low' is empty; mend the row"):
        load(half)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_words_for_nothing_in_a_column_of_times_are_missing_times(
    suffix: str, tmp_path: Path
) -> None:
    frame = with_time([f"{day:%Y-%m-%d}" for day in DAYS])
    frame.loc[1, "date"] = "null"
    file = write(tmp_path / f"bars{suffix}", frame, format="table")
    with pytest.raises(DataInvalidError, match="row 2: there are values but no time; mend the row"):
        load(file)


def test_a_series_of_text_in_parquet_knows_words_for_nothing_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"AdrActCnt": ["1", "null", "None", "4"]}, DAYS.rename("date"))
    found = read_series(write(tmp_path / "chain.parquet", frame), "onchain", 24.0).frame
    assert found["adractcnt"].isna().tolist() == [False, True, True, False]


def test_a_message_about_a_series_counts_rows_where_there_are_no_lines(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": ["2024-01-01", None], "a": [1.0, 2.0]})
    with pytest.raises(DataInvalidError, match="row 2: there are values but no time"):
        read_series(write(tmp_path / "chain.parquet", frame), "onchain", 24.0)


def test_the_words_for_nothing_are_those_of_the_reader_of_text() -> None:
    texts = "\n".join(["a,b", *(f"1,{text}" for text in MISSING)])
    assert pd.read_csv(io.StringIO(texts))["b"].isna().all()
    assert frozenset(STR_NA_VALUES) == MISSING


def test_a_damaged_page_with_a_checksum_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "bars.parquet"
    bars().to_parquet(file, write_page_checksum=True, compression="none")
    content = file.read_bytes()
    place = content.index(np.float64(12.0).tobytes())
    file.write_bytes(content[:place] + b"\x01" + content[place + 1 :])
    with pytest.raises(DataInvalidError, match=r"no Parquet file that can be read .*CRC"):
        load(file)
