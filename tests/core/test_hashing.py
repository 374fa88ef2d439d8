"""Content hashes: equal for equal content and for nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from cryptobt.core.hashing import hash_arrays, hash_bytes, hash_frame, hash_json, hash_source
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.sample import simulate

TIMES = pd.date_range("2020-01-01", periods=3, tz="UTC", name="time")
FRAME = pd.DataFrame({"open": [1.0, 2.0, 3.0], "close": [2.0, np.nan, 4.0]}, index=TIMES)


def test_moving_a_boundary_between_parts_changes_the_hash() -> None:
    assert hash_bytes(b"ab", b"c") != hash_bytes(b"a", b"bc")
    assert hash_bytes(b"ab", b"") != hash_bytes(b"ab")


def test_the_order_of_keys_does_not_matter_and_that_of_items_does() -> None:
    assert hash_json({"a": 1, "b": [1, 2]}) == hash_json({"b": [1, 2], "a": 1})
    assert hash_json([1, 2]) != hash_json([2, 1])


def test_the_order_of_columns_does_not_matter() -> None:
    assert hash_frame(FRAME) == hash_frame(FRAME[["close", "open"]])


def test_swapped_columns_are_other_content() -> None:
    assert hash_frame(FRAME) != hash_frame(FRAME.rename(columns={"open": "close", "close": "open"}))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_resolution_of_the_index_does_not_matter(unit: Any) -> None:
    assert hash_frame(FRAME.set_axis(TIMES.as_unit(unit))) == hash_frame(FRAME)


def test_the_zone_of_the_index_does_not_matter_and_the_instant_does() -> None:
    assert hash_frame(FRAME.set_axis(TIMES.tz_convert("Asia/Tokyo"))) == hash_frame(FRAME)
    assert hash_frame(FRAME.set_axis(TIMES + pd.Timedelta(seconds=1))) != hash_frame(FRAME)


def test_every_not_a_number_is_the_same_whatever_its_bits() -> None:
    payload = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(float)
    assert np.isnan(payload).all()
    assert payload.tobytes() != np.full(2, np.nan).tobytes()
    assert hash_arrays({"x": payload}) == hash_arrays({"x": np.full(2, np.nan)})


def test_minus_zero_is_other_content_than_zero() -> None:
    # Outputs are promised to the bit, and 1/x tells the two zeros apart.
    assert hash_arrays({"x": np.array([-0.0])}) != hash_arrays({"x": np.array([0.0])})


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("column", ["open", "close"])
def test_a_change_in_the_last_bit_of_any_value_changes_the_hash(row: int, column: str) -> None:
    changed = FRAME.copy()
    old = float(FRAME[column].to_numpy()[row])
    changed.loc[TIMES[row], column] = 0.0 if np.isnan(old) else np.nextafter(old, np.inf)
    assert hash_frame(changed) != hash_frame(FRAME)


def test_type_shape_and_name_are_part_of_the_content() -> None:
    zeros = np.zeros(4)
    hashes = {
        hash_arrays({"x": zeros}),
        hash_arrays({"y": zeros}),
        hash_arrays({"x": zeros.reshape(2, 2)}),
        hash_arrays({"x": zeros.astype(np.float32)}),
        hash_arrays({"x": zeros.astype(np.int64)}),
    }
    assert len(hashes) == 5


def test_memory_layout_does_not_matter() -> None:
    table = np.arange(12.0).reshape(3, 4)
    assert hash_arrays({"x": np.asfortranarray(table)}) == hash_arrays({"x": table})
    assert hash_arrays({"x": table[:, ::2]}) == hash_arrays({"x": table[:, ::2].copy()})


@given(
    arrays_of.arrays(np.float64, (5,), elements=st.floats(allow_nan=True)),
    st.integers(0, 4),
    st.floats(allow_nan=True),
)
def test_two_arrays_hash_alike_exactly_if_they_hold_the_same_bits(
    array: np.ndarray, place: int, value: float
) -> None:
    other = array.copy()
    other[place] = value
    same = np.array_equal(array, other, equal_nan=True) and np.array_equal(
        np.signbit(array[~np.isnan(array)]), np.signbit(other[~np.isnan(other)])
    )
    assert (hash_arrays({"x": array}) == hash_arrays({"x": other})) == same


def test_source_is_hashed_by_its_text_in_any_order(tmp_path: Path) -> None:
    one, two = tmp_path / "a.py", tmp_path / "b.py"
    one.write_text("x = 1\n")
    two.write_text("y = 2\n")
    before = hash_source([one, two])
    assert hash_source([two, one]) == before
    two.write_text("y = 3\n")
    assert hash_source([one, two]) != before


def test_a_market_and_a_series_hash_by_content_alone() -> None:
    one, other = simulate("X", 50, seed=1), simulate("Y", 50, seed=1)
    assert one.market.hash == other.market.hash
    assert one.onchain.hash == other.onchain.hash
    assert simulate("X", 49, seed=1).market.hash != one.market.hash


def test_a_later_publication_of_the_same_values_is_other_content() -> None:
    late = simulate("X", 50, seed=1, lag_hours=25.0).onchain
    assert late.hash != simulate("X", 50, seed=1).onchain.hash
    renamed = ExtraSeries("z", "elsewhere", late.frame, late.lag_hours)
    assert renamed.hash == late.hash


def test_bars_in_other_column_order_are_the_same_market() -> None:
    market = simulate("X", 50, seed=1).market
    shuffled = MarketData("X", market.interval, "csv", market.bars[market.bars.columns[::-1]])
    assert shuffled.hash == market.hash
