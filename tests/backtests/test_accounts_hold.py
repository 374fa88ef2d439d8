"""Whatever a strategy wants, the account stays possible and its money is accounted for."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.backtests.run import run_backtest

from .accounts import CASH, make_market, make_settings, scripted

BARS = 12
weight = st.one_of(st.floats(0, 1), st.just(0.0), st.just(1.0), st.just(math.nan))
move = st.floats(0.5, 2.0)


@given(
    weights=st.lists(weight, min_size=BARS, max_size=BARS),
    moves=st.lists(st.tuples(move, move), min_size=BARS, max_size=BARS),
    fee_bps=st.floats(0, 100),
    slippage_bps=st.floats(0, 100),
    funding_bps=st.sampled_from([0.0, 0.0, 3.0]),
    band=st.sampled_from([0.0, 0.1]),
    lot=st.sampled_from([1e-8, 0.01, 1.0]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_path_of_weights_keeps_a_possible_account_that_adds_up(
    weights: list[float],
    moves: list[tuple[float, float]],
    fee_bps: float,
    slippage_bps: float,
    funding_bps: float,
    band: float,
    lot: float,
) -> None:
    rows, price = [], 100.0
    for gap, day in moves:
        rows.append((price * gap, price * gap * day))
        price = rows[-1][1]
    costs = {
        "fee_bps": fee_bps,
        "slippage_bps": slippage_bps,
        "funding_bps_per_day": funding_bps,
    }
    chosen = make_settings(costs=costs, sizing={"rebalance_band": band, "lot_step": lot})
    result = run_backtest([make_market(rows)], None, scripted(weights), chosen)
    equity, weights_held = result.equity, result.weights
    unpaid_funding = 0.0 if funding_bps == 0 else equity["funding_quote"].sum()
    assert equity["cash_quote"].min() >= -unpaid_funding - 1e-9 * CASH
    assert weights_held["quantity_base"].min() >= 0.0
    end = CASH + result.trades["pnl_quote"].sum() - equity["funding_quote"].sum()
    assert equity["equity_quote"].iloc[-1] == pytest.approx(end, rel=1e-9)
    held = weights_held["quantity_base"] * weights_held["close"]
    assert (equity["cash_quote"] + held).to_numpy() == pytest.approx(
        equity["equity_quote"].to_numpy(), rel=1e-9
    )
    assert result.trades["fees_quote"].sum() == pytest.approx(equity["fees_quote"].sum(), rel=1e-9)
    counted = result.orders["status"].value_counts().to_dict()
    assert set(counted) <= {"filled", "rejected", "pending"}
    assert counted.get("filled", 0) == len(result.fills)
    assert (result.orders.loc[result.orders["status"] == "rejected", "reason"] != "").all()
