"""Scalers of inputs and of price targets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from cryptobt.features.scaling import Scaler

CLOSE = np.array([100.0, 110.0, 105.0])


def standard(rows: np.ndarray, clip: float) -> Scaler:
    return Scaler.fit("standard", rows, CLOSE, clip)


def test_standardised_rows_by_hand() -> None:
    # mean 2, deviation √((1 + 0 + 1)/3) = 0.816: (3 − 2)/0.816 = 1.2247
    scaler = standard(np.array([[1.0], [2.0], [3.0]]), clip=4.0)
    assert scaler.transform(np.array([[3.0], [2.0]]))[:, 0] == pytest.approx([1.2247449, 0.0])


def test_values_are_clipped_on_both_sides_and_missing_ones_stay_missing() -> None:
    scaler = standard(np.array([[-1.0], [1.0]]), clip=4.0)
    out = scaler.transform(np.array([[1e9], [-1e9], [np.nan]]))[:, 0]
    assert out[:2].tolist() == [4.0, -4.0]
    assert np.isnan(out[2])
    assert out.dtype == np.float32


@pytest.mark.parametrize("level", [0.0, 1.0, 1e9, -3e-7, 0.1])
def test_a_column_that_does_not_move_becomes_zero(level: float) -> None:
    scaler = standard(np.full((37, 1), level), clip=4.0)
    assert scaler.transform(np.full((2, 1), level))[:, 0] == pytest.approx([0.0, 0.0], abs=1e-6)


@given(
    arrays_of.arrays(
        np.float64, (30, 3), elements=st.floats(-1e6, 1e6, allow_subnormal=False, width=32)
    )
)
def test_training_rows_come_out_finite_and_within_the_clip(rows: np.ndarray) -> None:
    out = standard(rows, clip=4.0).transform(rows)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 4.0


def test_training_rows_come_out_with_mean_zero_and_deviation_one() -> None:
    rows = np.random.default_rng(1).normal(5.0, 3.0, (500, 4))
    out = standard(rows, clip=99.0).transform(rows)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=1e-6)


def test_min_max_rows_by_hand_are_not_clipped() -> None:
    # low 1, high 3: (4 − 1)/2 = 1.5
    scaler = Scaler.fit("minmax", np.array([[1.0], [3.0]]), CLOSE, clip=1.0)
    assert scaler.transform(np.array([[1.0], [2.0], [4.0]]))[:, 0].tolist() == [0.0, 0.5, 1.5]


def test_a_window_is_relative_to_its_first_row() -> None:
    scaler = Scaler.fit("window", np.ones((2, 1)), CLOSE, clip=1.0)
    windows = np.array([[[2.0], [0.0]], [[3.0], [5.0]]], np.float32)  # T 2, B 2, F 1
    # 3/2 − 1 = 0.5; a window that begins at 0 has no ratio
    assert scaler.windows(windows)[:, :, 0].tolist() == [[0.0, 0.0], [0.5, 0.0]]


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("standard", (120 - 105) / np.std([100, 110, 105])),
        ("minmax", (120 - 100) / 10),
        ("window", 120 / 80 - 1),
    ],
)
def test_a_price_is_scaled_as_the_close_and_comes_back(kind: str, label: float) -> None:
    scaler = Scaler.fit(kind, np.ones((3, 2)), CLOSE, clip=4.0)
    prices, base = np.array([[120.0]]), np.array([80.0])
    assert scaler.labels(prices, base)[0, 0] == pytest.approx(label)
    assert scaler.prices(scaler.labels(prices, base), base)[0, 0] == pytest.approx(120.0)


@pytest.mark.parametrize("kind", ["standard", "minmax", "window"])
def test_a_kept_scaler_is_the_same(kind: str) -> None:
    rows = np.random.default_rng(3).normal(size=(50, 3))
    scaler = Scaler.fit(kind, rows, CLOSE, clip=2.0)
    again = Scaler.restore(kind, scaler.arrays(), clip=2.0)
    np.testing.assert_array_equal(again.transform(rows), scaler.transform(rows))
    assert again.prices(np.array([[0.3]]), np.array([7.0])) == scaler.prices(
        np.array([[0.3]]), np.array([7.0])
    )
