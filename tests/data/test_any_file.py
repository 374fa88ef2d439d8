"""However bars were written, they load to the same frame, or the first bad row is named."""

import gzip
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
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
from cryptobt.data import frames as frame_files
from cryptobt.data import hdf5
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
NAIVE = {"naive", "naive with T"}


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


@pytest.fixture(scope="module", autouse=True)
def _reads_here() -> Iterator[None]:
    """Read HDF5 in this process: starting one for each file takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_files, "_asked", hdf5.answer)
        yield


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
    elif {other, writing.time} <= set(TEXTS):
        if (other in NAIVE) == (writing.time in NAIVE):
            same(load(file), bars)
        else:
            # the rows above are of the one kind, so that this one is the first of the other
            words = f", {writing.place(row)}: column '{name}' mixes time zones: '{rows[row][0]}' is"
            with pytest.raises(DataInvalidError, match=re.escape(words)):
                load(file)
    else:
        words = rf", {writing.place(row)}: column '{name}' is '[^']+', which is not a date"
        with pytest.raises(DataInvalidError, match=words):
            load(file)


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    other=st.sampled_from(sorted(TIMES)),
    start=st.integers(0, COUNT - 1),
    length=st.integers(1, COUNT - 1),
)
def test_rows_of_two_units_are_refused_at_the_first_of_either_and_never_moved(
    bars: pd.DataFrame, writing: Writing, other: str, start: int, length: int, folder: Path
) -> None:
    # a stretch, as a vendor that changes its unit leaves it
    places = set(range(COUNT)[start : start + length])
    one_unit = [{"seconds", "float seconds"}, set(TEXTS)]
    assume(other != writing.time and not any({other, writing.time} <= unit for unit in one_unit))
    rows = cells(bars, writing)
    for place in places:
        rows[place][0] = TIMES[other](bars.index[place])
    file = save(rows, writing, folder)
    firsts = {min(places), min(set(range(COUNT)) - places)}
    error = refusal(file, "refuse")
    assert any(error.startswith(f"{file}, {writing.place(first)}: column '") for first in firsts)
    if not refusal(file, "quarantine"):
        found = load(file, "quarantine")
        assert found.bars.equals(bars.loc[found.bars.index])
        assert len(found.quality.quarantined) in {len(places), COUNT - len(places)}


@quick
@given(bars=frames(), writing=WRITINGS, data=st.data())
def test_offsets_may_differ_from_row_to_row(
    bars: pd.DataFrame, writing: Writing, data: st.DataObject, folder: Path
) -> None:
    rows = cells(bars, writing)
    for row, time in zip(rows, bars.index, strict=True):
        row[0] = TEXTS[data.draw(st.sampled_from(sorted(set(TEXTS) - NAIVE)))](time)
    same(load(save(data.draw(st.permutations(rows)), writing, folder)), bars)


@quick
@given(
    bars=frames(),
    writing=WRITINGS,
    kinds=st.lists(st.sampled_from(sorted(TEXTS)), min_size=COUNT, max_size=COUNT),
)
def test_times_with_and_without_a_zone_are_refused_at_the_first_that_differs(
    bars: pd.DataFrame, writing: Writing, kinds: list[str], folder: Path
) -> None:
    naive = [kind in NAIVE for kind in kinds]
    assume(len(set(naive)) == 2)
    rows = cells(bars, writing)
    for row, time, kind in zip(rows, bars.index, kinds, strict=True):
        row[0] = TEXTS[kind](time)
    file = save(rows, writing, folder)
    first, kind = naive.index(not naive[0]), "with" if naive[0] else "without"
    for mode in ("refuse", "quarantine"):
        error = refusal(file, mode)
        assert error.startswith(f"{file}, {writing.place(first)}: column '")
        assert f"'{rows[first][0]}' is {kind} a zone, {writing.place(0)} with" in error


def test_a_year_of_more_than_four_digits_is_shown(folder: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet files to read")
    bars = pd.DataFrame({name: [1.0, 1.0, 1.0] for name in NAMES})
    bars["time"] = pd.Series([1_700_006_400, 1_700_092_800, 10**15]).astype("M8[s]")
    bars.to_parquet(folder / "far.parquet")
    with pytest.raises(DataInvalidError, match="row 3: column 'time' is '31690708-07-05 01:46:40"):
        load(folder / "far.parquet")


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
