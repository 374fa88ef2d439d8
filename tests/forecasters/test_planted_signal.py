"""Forecasters find a planted signal, and no more than there is; docs/studies has the large runs."""

import math
from pathlib import Path

import numpy as np
import pytest

from cryptobt.records.content import ContentStore
from studies.planted_markets import (
    RHO,
    SIGNALS,
    beyond_edge,
    gaussian_edge,
    plant,
    product_edge,
)
from studies.planted_signal import (
    SEEN,
    SOUGHT_COLUMNS,
    SOUGHT_LAG,
    Nothing,
    mean_of,
    nothing,
    outside,
    seen,
    sought,
)

from .small import in_process

ONE_SEED = (*SEEN, "walkforward.ensemble_seeds=1")


@pytest.fixture(autouse=True)
def _here() -> object:
    with in_process():
        yield


def test_the_best_edges_are_those_of_the_formula_and_of_a_large_draw() -> None:
    assert gaussian_edge(0.3) == pytest.approx(0.0970, abs=5e-5)  # asin(0.3) / π
    draws = np.random.default_rng(0).standard_normal((400_000, 2))
    for edge, kind in ((beyond_edge, "threshold"), (product_edge, "interaction")):
        signal = SIGNALS[kind].of(draws)
        slope = RHO / math.sqrt(2 * (1 - RHO**2))
        drawn = 0.5 * np.mean([math.erf(slope * size) for size in np.abs(signal).tolist()])
        assert edge(RHO) == pytest.approx(drawn, abs=5e-4), kind


@pytest.mark.parametrize("kind", SIGNALS)
def test_the_signal_has_its_correlation_with_the_next_return_and_with_no_earlier_one(
    kind: str,
) -> None:
    planted = plant(kind, 0, columns=3, lag=1, bars=100_000)
    returns = np.diff(np.log(planted.market.bars["close"].to_numpy()))
    assert np.corrcoef(planted.signal[:-1], returns)[0, 1] == pytest.approx(RHO, abs=0.01)
    assert np.corrcoef(planted.signal[1:], returns)[0, 1] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("kind", ["threshold", "interaction"])
def test_the_signals_that_are_not_linear_do_not_correlate_with_any_column(kind: str) -> None:
    planted = plant(kind, 0, columns=3, lag=0, bars=100_000)
    table = planted.features.frame.to_numpy()[100:]
    for column in table.T:
        assert np.corrcoef(column, planted.signal[100:])[0, 1] == pytest.approx(0, abs=0.02)


def test_linear_sees_a_linear_signal_and_neither_of_the_others(tmp_path: Path) -> None:
    cache = ContentStore(tmp_path)
    shares = {
        kind: mean_of(
            [seen(kind, seed, ["linear"], cache)["linear"].expected for seed in range(5)]
        ).value
        / signal.edge(RHO)
        for kind, signal in SIGNALS.items()
    }
    assert shares["linear"] > 0.8
    assert abs(shares["threshold"]) < 0.4
    assert abs(shares["interaction"]) < 0.4


def test_nets_see_a_linear_signal(tmp_path: Path) -> None:
    names = ["dual_attention", "bilstm"]
    found = seen("linear", 0, names, ContentStore(tmp_path), ONE_SEED)
    for name in names:
        assert found[name].expected > 0.6 * gaussian_edge(RHO), name


def test_permutation_finds_the_planted_column_and_its_lag(tmp_path: Path) -> None:
    found = sought(ContentStore(tmp_path), "linear", 0)
    assert found.features.shape == (SOUGHT_COLUMNS,)
    assert found.features.argmax() == 0
    assert found.lags.argmax() == SOUGHT_LAG
    assert found.attention.size == 0


def test_on_a_martingale_accuracy_is_a_coins_and_r2_of_prices_is_high_all_the_same(
    tmp_path: Path,
) -> None:
    names = ["linear", "drift", "last_sign", "always_up"]
    found = [nothing(ContentStore(tmp_path), names, seed) for seed in range(4)]
    for name in names:
        left, _ = outside([one[name] for one in found])
        assert left <= 2, name  # of 4, three or more would be luck once in 2,000 times
    assert min(one["linear"].price_r2 for one in found) > 0.8


def test_a_band_is_left_by_much_luck_and_kept_by_little() -> None:
    lucky, usual, silent = Nothing(70, 100, 0.9), Nothing(55, 100, 0.9), Nothing(0, 0, math.nan)
    left, by_luck = outside([lucky, usual, silent])
    assert left == 1
    # 40 to 60 of 100 stay inside: the rest has 2 · 0.0176 = 0.0352 of the luck, twice over.
    assert by_luck == pytest.approx(2 * 0.0352, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threshold", "interaction"])
def test_nets_see_what_linear_does_not(kind: str, tmp_path: Path) -> None:
    names = ["dual_attention", "bilstm", "linear"]
    found = [seen(kind, seed, names, ContentStore(tmp_path)) for seed in range(3)]
    share = {
        name: mean_of([one[name].expected for one in found]).value / SIGNALS[kind].edge(RHO)
        for name in names
    }
    assert share["dual_attention"] > 0.6
    assert share["bilstm"] > 0.6
    assert share["linear"] < 0.4
