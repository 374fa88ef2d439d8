"""However bars were written, they load to the same frame, or the first bad row is named."""

import gzip
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cryptobt.core.errors import CryptobtError, DataInvalidError
from cryptobt.core.types import MarketData
from cryptobt.data.csv_bars import read_bars

NOW = pd.Timestamp("2024-06-01T00:00:00Z")
NAMES = ("open", "high", "low", "close", "volume")
COUNT = 8
CONTAINERS = (
    "csv",
    "csv.gz",
    *(("parquet",) if find_spec("pyarrow") else ()),
    *(("h5",) if find_spec("tables") else ()),
)

EPOCHS: dict[str, Callable[[pd.Timestamp], str]] = {
    "seconds": lambda at: str(at.value // 10**9),
    "float seconds": lambda at: f"{at.value // 10**9}.0",
    "milliseconds": lambda at: str(at.value // 10**6),
    "microseconds": lambda at: str(at.value // 10**3),
    "nanoseconds": lambda at: str(at.value),
}
TEXTS: dict[str, Callable[[pd.Timestamp], str]] = {
    "naive": lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    "naive with T": lambda at: f"{at:%Y-%m-%dT%H:%M}",
    "Z": lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}",
    "fractions": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000000Z",
    "east": lambda at: at.tz_convert("+02:00").isoformat(),
    "west": lambda at: at.tz_convert("-05:30").isoformat(sep=" "),
}
TIMES = EPOCHS | TEXTS
ZONED = {"naive": "", "naive with T": "", "Z": "Z", "fractions": "Z", "east": "+2", "west": "-5"}


@dataclass(frozen=True)
class Writing:
    """One way to write bars to a file."""

    container: str
    time: str
    time_name: str
    case: Callable[[str], str]
    order: tuple[int, ...]
    delimiter: str
    number: Callable[[float], str]
    quoted: bool
    ending: str
    mark: str
    address: bool

    @property
    def unit(self) -> str:
        return "line" if self.container.startswith("csv") else "row"

    def place(self, row: int) -> str:
        """Name the row at a place in the file, from 0."""
        above = 1 + self.address if self.unit == "line" else 0
        return f"{self.unit} {row + 1 + above}"


WRITINGS = st.builds(
    Writing,
    container=st.sampled_from(CONTAINERS),
    time=st.sampled_from(sorted(TIMES)),
    time_name=st.sampled_from(["date", "time", "open_time", "Unix Timestamp", "unix", "period"]),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    order=st.permutations(range(7)).map(tuple),
    delimiter=st.sampled_from(",;\t"),
    number=st.sampled_from([repr, "{:.17g}".format, "{:.17e}".format]),
    quoted=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
    address=st.booleans(),
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Bars of any price, four hours or a day long, that keep the contract."""
    interval = draw(st.sampled_from(["4h", "D"]))
    start = draw(st.datetimes(pd.Timestamp("2010-01-01"), pd.Timestamp("2024-04-01")))
    times = pd.date_range(pd.Timestamp(start).floor("D"), periods=COUNT, freq=interval, tz="UTC")
    price = st.floats(1e-3, 1e6)
    rows = [sorted(draw(st.tuples(price, price, price, price))) for _ in times]
    bars = pd.DataFrame([[row[1], row[3], row[0], row[2]] for row in rows], columns=NAMES[:4])
    bars["volume"] = draw(st.lists(st.floats(0, 1e12), min_size=COUNT, max_size=COUNT))
    return bars.set_axis(pd.DatetimeIndex(times, name="time").as_unit("ns"), axis=0)


def cells(bars: pd.DataFrame, writing: Writing) -> list[list[str]]:
    """Write each row as texts: time, prices, volume, and a column that says nothing."""
    as_text = TIMES[writing.time]
    return [
        [as_text(time), *(writing.number(float(value)) for value in row), "kraken"]
        for time, row in zip(bars.index, bars.to_numpy(), strict=True)
    ]


def save(rows: Sequence[Sequence[str]], writing: Writing, folder: Path) -> Path:
    file = folder / f"bars.{writing.container}"
    header = [writing.case(name) for name in (writing.time_name, *NAMES, "exchange")]
    table = [[row[place] for place in writing.order] for row in (header, *rows)]
    if writing.unit == "row":
        _save_frame(table, file)
        return file
    sign = '"' if writing.quoted else ""
    lines = [writing.delimiter.join(f"{sign}{cell}{sign}" for cell in row) for row in table]
    above = ["https://example.org/data"] if writing.address else []
    text = writing.mark + "".join(line + writing.ending for line in (*above, *lines))
    content = text.encode()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def _save_frame(table: list[list[str]], file: Path) -> None:
    frame = pd.DataFrame(table[1:], columns=table[0])
    for name in frame.columns:
        try:
            frame[name] = pd.to_numeric(frame[name])
        except ValueError:
            continue
    if file.suffix == ".parquet":
        frame.to_parquet(file)
        return
    with warnings.catch_warnings():
        # column names such as "OPEN TIME" are no names of Python
        warnings.simplefilter("ignore")
        frame.to_hdf(file, key="bars", mode="w", format="table")


def load(file: Path, mode: Any = "refuse") -> MarketData:
    return read_bars(file, "X", mode, NOW)


def refusal(file: Path, mode: Any) -> str:
    try:
        load(file, mode)
    except DataInvalidError as error:
        return str(error)
    return ""


def same(market: MarketData, bars: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(market.bars, bars, check_freq=False)
    assert market.hash == MarketData("X", market.interval, "csv", bars).hash


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    missing=st.sets(st.integers(1, COUNT - 2), max_size=2),
    again=st.lists(st.integers(0, COUNT - 4), max_size=3),
    data=st.data(),
)
def test_any_way_of_writing_loads_to_the_same_bars_and_hash(
    bars: pd.DataFrame,
    writing: Writing,
    missing: set[int],
    again: list[int],
    data: st.DataObject,
    folder: Path,
) -> None:
    left = bars.drop(bars.index[sorted(missing)])
    rows = cells(left, writing)
    repeated = [rows[place] for place in again]
    market = load(save(data.draw(st.permutations([*rows, *repeated])), writing, folder))
    same(market, left)
    assert market.interval == bars.index[1] - bars.index[0]
    assert market.quality.gaps == len(missing)
    said = " ".join(market.quality.warnings)
    assert (f"{len(again)} repeated row(s) dropped" in said) == bool(again)


# column, what stands there, and how the message shows it
DEFECTS = [
    (0, "soon", "'soon', which is not a date"),
    (0, "2024-02-30", "'2024-02-30', which is not a date"),
    (0, "12/31/2023", "'12/31/2023', which is not a date"),
    *((place, "abc", "'abc', which is not a number") for place in range(1, 6)),
    *((place, "1.2.3", "'1.2.3', which is not a number") for place in range(1, 6)),
    *((place, "-1", "-1.0, ") for place in range(1, 6)),
    *((place, "inf", "inf, which is not finite") for place in range(1, 6)),
    *((place, "1e400", "inf, which is not finite") for place in range(1, 6)),
    *((place, "0", "0.0, not above zero") for place in range(1, 5)),
]


@quick
@given(bars=frames(), writing=WRITINGS, defect=st.sampled_from(DEFECTS), data=st.data())
def test_a_bad_cell_is_refused_with_file_place_column_and_value(
    bars: pd.DataFrame,
    writing: Writing,
    defect: tuple[int, str, str],
    data: st.DataObject,
    folder: Path,
) -> None:
    column, text, words = defect
    bad = data.draw(st.integers(1, COUNT - 2))
    rows = cells(bars, writing)
    rows[bad][column] = text
    order = data.draw(st.permutations(range(COUNT)))
    file = save([rows[place] for place in order], writing, folder)
    name = (writing.case(writing.time_name), *NAMES)[column]
    expected = f"{file}, {writing.place(order.index(bad))}: column '{name}' is {words}"
    with pytest.raises(DataInvalidError, match=f"^{re.escape(expected)}"):
        load(file)
    market = load(file, "quarantine")
    same(market, bars.drop(bars.index[bad]))
    assert market.quality.quarantined[0]["reason"].startswith(expected)


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    place=st.integers(1, COUNT - 2),
    column=st.integers(1, 5),
    copies=st.integers(0, 2),
    data=st.data(),
)
def test_contradicting_rows_are_always_refused_or_all_quarantined(
    bars: pd.DataFrame,
    writing: Writing,
    place: int,
    column: int,
    copies: int,
    data: st.DataObject,
    folder: Path,
) -> None:
    other = bars.iloc[[place]].copy()
    # any change that leaves high and low outside the others
    other.iloc[0, column - 1] *= {2: 2.0, 3: 0.5, 5: 2.0}.get(column, 1.0)
    other.iloc[0, 0] = other["high"].iloc[0] if column == 1 else other.iloc[0, 0]
    other.iloc[0, 3] = other["low"].iloc[0] if column == 4 else other.iloc[0, 3]
    assume(not other.equals(bars.iloc[[place]]))
    rows = [*cells(bars, writing), *cells(other, writing) * (1 + copies)]
    order = data.draw(st.permutations(range(len(rows))))
    file = save([rows[row] for row in order], writing, folder)
    where = [i for i, row in enumerate(order) if row == place or row >= COUNT]
    listed = ", ".join(writing.place(i) for i in where)
    words = f"{writing.place(where[0])}: time .* has {2 + copies} rows with different values "
    with pytest.raises(DataInvalidError, match=words + re.escape(f"({listed})")):
        load(file)
    market = load(file, "quarantine")
    same(market, bars.drop(bars.index[place]))
    assert len(market.quality.quarantined) == 2 + copies


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    other=st.sampled_from(sorted(TIMES)),
    row=st.integers(1, COUNT - 2),
)
def test_a_time_of_another_unit_or_zone_is_never_taken_for_what_it_is_not(
    bars: pd.DataFrame, writing: Writing, other: str, row: int, folder: Path
) -> None:
    assume(other != writing.time)
    rows = cells(bars, writing)
    rows[row][0] = TIMES[other](bars.index[row])
    file = save(rows, writing, folder)
    name = writing.case(writing.time_name)
    if {other, writing.time} <= {"seconds", "float seconds"}:
        same(load(file), bars)
    elif {other, writing.time} <= set(ZONED):
        if ZONED[other] == ZONED[writing.time]:
            same(load(file), bars)
        else:
            with pytest.raises(DataInvalidError, match=f"column '{name}' mixes time zones"):
                load(file)
    else:
        words = rf", {writing.place(row)}: column '{name}' is '[^']+', which is not a date"
        with pytest.raises(DataInvalidError, match=words):
            load(file)


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    row=st.integers(0, COUNT - 1),
    column=st.integers(0, 5),
    text=st.text(st.characters(codec="utf-8", exclude_characters='\x00\r\n,;\t"'), max_size=12),
    mode=st.sampled_from(["refuse", "quarantine"]),
)
def test_whatever_stands_in_a_cell_the_bars_keep_the_contract_or_the_place_is_named(
    bars: pd.DataFrame,
    writing: Writing,
    row: int,
    column: int,
    text: str,
    mode: str,
    folder: Path,
) -> None:
    rows = cells(bars, writing)
    rows[row][column] = text
    file = save(rows, writing, folder)
    error = refusal(file, mode)
    if error:
        assert error.startswith(str(file))
        assert "mixes time zones" in error or (
            mode == "refuse" and f", {writing.place(row)}: " in error
        )
        return
    found = load(file, mode).bars
    others = bars.drop(bars.index[row])
    pd.testing.assert_frame_equal(found.loc[others.index], others, check_freq=False)
    assert len(found) <= COUNT


@quick
@given(content=st.binary(max_size=400), suffix=st.sampled_from([*CONTAINERS, "pq", "hdf5", "txt"]))
def test_bytes_of_any_kind_end_in_one_line_that_names_the_file(
    content: bytes, suffix: str, folder: Path
) -> None:
    file = folder / f"bytes.{suffix}"
    file.write_bytes(content)
    with pytest.raises(CryptobtError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
