"""A return taken apart, by hand and for any account."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.metrics.attribution import (
    ATTRIBUTION,
    COSTS,
    PARTS,
    attribution,
    bar_parts,
)
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.metric import Metric

SHARES = st.floats(-1, 1)


def days(rows: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, tz="UTC", name="time")


def lived(
    returns: list[float], weights: dict[str, list[float]], costs: dict[str, list[float]]
) -> BacktestResult:
    """An account of 1,000 with these returns after the first row; a NaN weight is no row."""
    rows = len(returns) + 1
    equity = pd.DataFrame(0.0, index=range(rows), columns=list(columns.EQUITY[1:]))
    equity.insert(0, "time", days(rows))
    equity["return"] = [0.0, *returns]
    equity["equity_quote"] = 1_000 * np.cumprod([1.0, *(1 + np.array(returns))])
    for name, paid in costs.items():
        equity[f"{name}_quote"] = paid
    table = pd.DataFrame(weights, index=days(rows)).reset_index()
    long = table.melt("time", var_name="symbol", value_name="weight").dropna()
    long = long.sort_values(["time", "symbol"], ignore_index=True)
    empty = pd.DataFrame()
    return BacktestResult(equity, long, empty, empty, empty, empty, [])


def market(**moves: list[float]) -> pd.DataFrame:
    rows = len(next(iter(moves.values()))) + 1
    return pd.DataFrame({name: [np.nan, *r] for name, r in moves.items()}, index=days(rows))


def hand_worked() -> tuple[BacktestResult, pd.DataFrame]:
    """Flat, 0.4, 0.8, flat; the price rises 10 %, 5 %, falls 5 %; fees of 4, 2, 6."""
    result = lived(
        [0.036, 0.018, -0.046],
        {"X": [0.0, 0.4, 0.8, 0.0]},
        {"fees": [0.0, 4.0, 2.072, 6.328]},
    )
    return result, market(X=[0.10, 0.05, -0.05])


def test_the_parts_of_three_bars_by_hand() -> None:
    parts = bar_parts(*hand_worked())
    # The weights that met the three returns: 0, 0.4, 0.8; their mean 0.4, of those held 0.6.
    # Holding: 0.4·r
    assert parts["holding"].tolist() == pytest.approx([0.04, 0.02, -0.02])
    # Timing: (0 − 0.4)·0.10, (0.6 − 0.4)·0.05, (0.6 − 0.4)·−0.05
    assert parts["timing"].tolist() == pytest.approx([-0.04, 0.01, -0.01])
    # Sizing: 0, (0.4 − 0.6)·0.05, (0.8 − 0.6)·−0.05
    assert parts["sizing"].tolist() == pytest.approx([0.0, -0.01, -0.01])
    # Fees over the equity before: 4/1,000, 2.072/1,036, 6.328/1,054.648
    assert parts["fees"].tolist() == pytest.approx([0.004, 0.002, 6.328 / 1054.648])
    # Gross: the net return and the fees
    assert parts["gross"].tolist() == pytest.approx([0.040, 0.020, -0.046 + 6.328 / 1054.648])
    # Execution: gross less 0, 0.4·0.05 and 0.8·−0.05
    assert parts["execution"].tolist() == pytest.approx([0.04, 0.0, -0.006 + 6.328 / 1054.648])
    assert parts["net"].tolist() == [0.036, 0.018, -0.046]


def test_a_year_is_the_mean_bar_times_the_bars_of_a_year() -> None:
    result, moves = hand_worked()
    found = attribution(result, moves, 365, None, 0.95)
    assert found["holding"] == Metric(pytest.approx(365 * 0.04 / 3), "ratio a year")
    assert found["net"].value == pytest.approx(365 * 0.008 / 3)
    assert tuple(found) == ATTRIBUTION


def test_an_account_that_only_holds_has_nothing_from_timing_and_sizing() -> None:
    moves = [0.10, -0.05, 0.02]
    result = lived([0.5 * r for r in moves], {"X": [0.5] * 4}, {})
    parts = bar_parts(result, market(X=moves))
    assert parts["holding"].tolist() == pytest.approx([0.05, -0.025, 0.01])
    for name in ("timing", "sizing", "execution", *COSTS):
        assert parts[name].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-15), name


def test_an_account_of_one_size_has_nothing_from_sizing() -> None:
    parts = bar_parts(lived([0.0] * 4, {"X": [0.5, 0.0, 0.5, 0.5, 0.0]}, {}), market(X=[0.1] * 4))
    assert parts["sizing"].tolist() == pytest.approx([0.0] * 4)
    # Held at 3 of 4 bars: 0.375 on average; in time (0.5 − 0.375)·0.1, or 0 − 0.0375
    assert parts["timing"].tolist() == pytest.approx([0.0125, -0.0375, 0.0125, 0.0125])


def test_a_short_position_at_the_right_time_is_timing() -> None:
    # Long 0.5 before a rise and short 0.5 before a fall: held 0 on average
    parts = bar_parts(lived([0.05, 0.05], {"X": [0.5, -0.5, 0.0]}, {}), market(X=[0.1, -0.1]))
    assert parts["holding"].tolist() == [0.0, 0.0]
    assert parts["timing"].tolist() == pytest.approx([0.05, 0.05])


def test_the_usual_weight_of_a_symbol_is_that_since_its_listing() -> None:
    # Y is there from the third bar on, held at 0.6 and then at 0.2: 0.4 on average
    result = lived([0.0] * 4, {"X": [0.0] * 5, "Y": [np.nan, np.nan, 0.6, 0.2, 0.2]}, {})
    parts = bar_parts(result, market(X=[0.0] * 4, Y=[np.nan, np.nan, 0.1, 0.1]))
    assert parts["holding"].tolist() == pytest.approx([0.0, 0.0, 0.04, 0.04])
    assert parts["sizing"].tolist() == pytest.approx([0.0, 0.0, 0.02, -0.02])


def test_several_symbols_add_up() -> None:
    weights = {"X": [0.5, 0.2, 0.0], "Y": [0.1, 0.6, 0.0]}
    x, y = [0.1, -0.1], [0.05, 0.2]
    both = bar_parts(lived([0.0, 0.0], weights, {}), market(X=x, Y=y))
    alone = [
        bar_parts(lived([0.0, 0.0], {name: weights[name]}, {}), market(**{name: moves}))
        for name, moves in (("X", x), ("Y", y))
    ]
    for name in PARTS[:3]:
        expected = (alone[0][name] + alone[1][name]).tolist()
        assert both[name].tolist() == pytest.approx(expected), name


def test_costs_that_were_received_raise_the_net_return() -> None:
    result = lived([0.002], {"X": [0.0, 0.0]}, {"funding": [0.0, -2.0]})
    parts = bar_parts(result, market(X=[0.0]))
    assert parts["funding"].tolist() == [-0.002]
    assert parts["gross"].tolist() == pytest.approx([0.0])


@st.composite
def accounts(draw: st.DrawFn) -> tuple[BacktestResult, pd.DataFrame]:
    rows = draw(st.integers(2, 30))

    def series(values: st.SearchStrategy[float], length: int) -> Any:
        return draw(st.lists(values, min_size=length, max_size=length))

    weights = {name: series(SHARES, rows) for name in "XY"}
    costs = {name: series(st.floats(-5, 5), rows) for name in COSTS}
    result = lived(series(st.floats(-0.5, 0.5), rows - 1), weights, costs)
    moves = {name: series(st.floats(-0.5, 0.5), rows - 1) for name in "XY"}
    return result, market(**moves)


@settings(max_examples=40)
@given(accounts(), st.integers(0, 5))
def test_the_parts_add_up_at_every_bar_and_in_every_draw(
    account: tuple[BacktestResult, pd.DataFrame], seed: int
) -> None:
    parts = bar_parts(*account)
    assert np.isfinite(parts.to_numpy()).all()
    rows = np.random.default_rng(seed).integers(0, len(parts), (20, len(parts)))
    for drawn in (parts, *(parts.iloc[r].mean() for r in rows)):
        gross = sum(drawn[name] for name in PARTS)
        net = drawn["gross"] - sum(drawn[name] for name in COSTS)
        np.testing.assert_allclose(gross, drawn["gross"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(net, drawn["net"], rtol=0, atol=1e-12)


def test_intervals_are_those_of_the_means_of_the_draws() -> None:
    rng = np.random.default_rng(1)
    moves = rng.normal(0.001, 0.03, 200).tolist()
    weights = rng.uniform(0, 1, 201).tolist()
    result = lived((np.array(moves) * weights[:-1]).tolist(), {"X": weights}, {})
    resampler = Resampler(200, 3.0, 300, 0)
    found = attribution(result, market(X=moves), 365, resampler, 0.9)
    parts = bar_parts(result, market(X=moves)) * 365
    for name in ("holding", "sizing", "net"):
        means = resampler.apply(lambda rows, name=name: parts[name].to_numpy()[rows].mean(axis=1))
        low, high = np.quantile(means, [0.05, 0.95])
        assert (found[name].low, found[name].high) == (pytest.approx(low), pytest.approx(high))
        assert found[name].level == 0.9
    assert (found["fees"].low, found["fees"].high) == (0.0, 0.0)


def test_one_bar_has_reasons_instead_of_parts() -> None:
    found = attribution(lived([], {"X": [0.0]}, {}), market(X=[]), 365, None, 0.95)
    assert found == {
        name: Metric(None, "ratio a year", reason="fewer than two bars") for name in ATTRIBUTION
    }


def test_a_lost_account_has_reasons_instead_of_parts() -> None:
    result = lived([0.1, -1.0, 0.0], {"X": [1.0, 1.0, 0.0, 0.0]}, {"fees": [0, 1, 1, 0]})
    moves = market(X=[0.1, -1.0, 0.0])
    found = attribution(result, moves, 365, None, 0.95)
    assert {metric.reason for metric in found.values()} == {"the account was lost"}
    assert np.isfinite(bar_parts(result, moves).to_numpy()).all()
