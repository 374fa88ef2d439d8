"""Resampled histories."""

import numpy as np
import pytest

from cryptobt.metrics import bootstrap
from cryptobt.metrics.bootstrap import Resampler, make_resampler


def draws(resampler: Resampler) -> np.ndarray:
    return resampler.apply(lambda rows: rows)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    one = draws(Resampler(100, 5.0, 50, 1))
    np.testing.assert_array_equal(one, draws(Resampler(100, 5.0, 50, 1)))
    assert (one != draws(Resampler(100, 5.0, 50, 2))).any()


def test_asking_twice_gives_the_same_draws() -> None:
    resampler = Resampler(100, 5.0, 50, 1)
    np.testing.assert_array_equal(draws(resampler), draws(resampler))


def test_every_draw_is_a_history_of_the_same_length() -> None:
    rows = draws(Resampler(60, 5.0, 40, 1))
    assert rows.shape == (40, 60)
    assert rows.min() >= 0
    assert rows.max() < 60


@pytest.mark.parametrize("block_bars", [1.0, 4.0, 7.5, 20.0])
def test_stretches_have_the_wanted_mean_length(block_bars: float) -> None:
    # A stretch ends with probability 1/b: of 400·499 steps that share begins a new one. A new
    # stretch may by chance go on where the last ended: 1 in 500.
    rows = draws(Resampler(500, block_bars, 400, 3))
    follows = (rows[:, 1:] - rows[:, :-1]) % 500 == 1
    expected = 1 - (1 - 1 / 500) / block_bars
    assert follows.mean() == pytest.approx(expected, abs=0.01)


def test_every_row_is_drawn_alike() -> None:
    rows = draws(Resampler(50, 5.0, 2000, 3))
    share = np.bincount(rows.ravel(), minlength=50) / rows.size
    assert share == pytest.approx(np.full(50, 1 / 50), abs=0.003)


@pytest.mark.parametrize("cells", [1, 250, 1_000, 10**9])
def test_draws_in_blocks_are_the_draws_kept(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    kept = Resampler(100, 5.0, 37, 1)
    assert kept._kept is not None
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", cells)
    monkeypatch.setattr(bootstrap, "_KEPT_CELLS", 0)
    chunked = Resampler(100, 5.0, 37, 1)
    assert chunked._kept is None
    np.testing.assert_array_equal(draws(chunked), draws(kept))


def test_no_block_is_larger_than_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 1_000)
    sizes = Resampler(100, 5.0, 37, 1).apply(lambda rows: np.full(len(rows), rows.size))
    assert len(sizes) == 37
    assert sizes.max() <= 1_000


def test_under_twenty_rows_there_is_no_resampler() -> None:
    assert make_resampler(np.random.default_rng(0).normal(size=(19, 2)), 100, 0) is None
    assert make_resampler(np.random.default_rng(0).normal(size=(20, 2)), 100, 0) is not None


def autoregression(memory: float, rows: int = 2000) -> np.ndarray:
    noise, states = np.random.default_rng(1).normal(size=rows), np.zeros(rows)
    for n in range(1, rows):
        states[n] = memory * states[n - 1] + noise[n]
    return states[:, None]


def test_longer_memory_gives_longer_blocks() -> None:
    lengths = []
    for memory in (0.0, 0.5, 0.95):
        resampler = make_resampler(autoregression(memory), 100, 0)
        assert resampler is not None
        lengths.append(resampler.block_bars)
    assert 1 <= lengths[0] < lengths[1] < lengths[2]


def test_the_longest_memory_of_several_columns_decides() -> None:
    both = np.hstack([autoregression(0.0), autoregression(0.9)])
    pair, alone = make_resampler(both, 100, 0), make_resampler(both[:, 1:], 100, 0)
    assert pair is not None
    assert alone is not None
    assert pair.block_bars == alone.block_bars


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_column_that_does_not_move_gives_blocks_of_one(value: float) -> None:
    resampler = make_resampler(np.full((50, 1), value), 100, 0)
    assert resampler is not None
    assert 1 <= resampler.block_bars <= 50 / 3


def test_blocks_are_at_most_a_third_of_the_history() -> None:
    resampler = make_resampler(np.arange(60.0)[:, None], 100, 0)
    assert resampler is not None
    assert resampler.block_bars <= 20
