"""Where the rules of backtesting.py are ours, both engines keep the same account."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import MarketData
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.sample import sample_market, simulate
from tests.backtests.accounts import make_market

from .both import (
    Ask,
    Script,
    Terms,
    gap,
    long_signal,
    our_all_in,
    our_orders,
    our_weights,
    ours,
    their_all_in,
    their_orders,
    their_weights,
    theirs,
)

SAME = 1e-6
FOLDER = os.environ.get("CRYPTOBT_REAL_DATA", "")
real_data = pytest.mark.skipif(not FOLDER, reason="CRYPTOBT_REAL_DATA names no folder of real data")
MARGIN = {"account": {"maintenance_margin": 0.001}}


def coin(bars: int = 500) -> MarketData:
    return simulate("COIN", bars, seed=8).market


def drawn(bars: int, seed: int, low: float, high: float) -> list[float]:
    """Weights that change every third bar; some bars want nothing, some have no opinion."""
    rng = np.random.default_rng(seed)
    weights = np.repeat(np.round(rng.uniform(low, high, bars // 3 + 1), 3), 3)[:bars]
    weights[rng.random(bars) < 0.1] = 0.0
    weights[rng.random(bars) < 0.1] = np.nan
    weights[0] = np.nan  # the other engine decides from its second bar on
    return weights.tolist()


def all_in(market: MarketData) -> float:
    terms, signal = Terms(), long_signal(market)
    account = ours(market, our_all_in(signal), terms)
    assert len(account.trades) > 10
    return gap(account, theirs(market, their_all_in(signal, terms), terms))


def weighted(market: MarketData, terms: Terms, low: float = 0.0, high: float = 0.95) -> float:
    weights = drawn(len(market.bars), 3, low, high)
    account = ours(market, our_weights(weights), terms, **MARGIN)
    assert len(account.fills) > len(market.bars) / 5
    return gap(account, theirs(market, their_weights(weights), terms))


def test_all_in_and_out_by_a_moving_average() -> None:
    assert all_in(coin()) < SAME


def test_target_weights() -> None:
    assert weighted(coin(), Terms()) < SAME


def test_target_weights_with_short_positions_and_flips() -> None:
    assert weighted(coin(), Terms(fee_bps=37.5, allow_short=True), -0.6, 0.6) < SAME


def scripts(market: MarketData) -> Script:
    """Limits, stops and stop-limits around the close, sent now and then, left again later."""
    rng, script = np.random.default_rng(5), dict[int, list[Ask]]()
    for bar in range(5, len(market.bars) - 1, 12):
        close = float(market.bars["close"].iloc[bar])
        near = close * float(rng.uniform(0.9, 0.99))
        far = close * float(rng.uniform(1.01, 1.1))
        script[bar] = [Ask("buy", 2.0, limit=near), Ask("buy", 1.0, stop=far)]
        script[bar + 6] = [Ask("sell", None)]
    return script


def test_limits_and_stops_that_are_met_inside_a_bar_or_beyond_its_open() -> None:
    market = coin()
    bars = market.bars.copy()
    bars["open"] *= np.where(np.arange(len(bars)) % 4 == 0, 0.97, 1.0)  # opens with a gap
    bars["low"] = bars[["open", "low"]].min(axis=1)
    gapped = replace(market, bars=bars)
    script, terms = scripts(gapped), Terms(cash=100_000.0, fee_bps=20.0)
    account = ours(gapped, our_orders(script), terms)
    kinds = account.orders.set_index("order_id")["exec_type"]
    filled = account.fills["order_id"].map(kinds).value_counts()
    assert min(filled["limit"], filled["stop"], filled["market"]) > 5
    assert (account.fills["price_quote"] == account.fills["open_quote"]).any()
    assert gap(account, theirs(gapped, their_orders(script), terms)) < SAME


def test_of_a_stop_and_a_take_profit_in_one_bar_both_take_the_stop() -> None:
    bars = pd.DataFrame(
        {
            "open": [100.0, 100.0, 100.0, 100.0, 100.0],
            "high": [100.0, 100.0, 101.0, 112.0, 100.0],
            "low": [100.0, 100.0, 99.0, 88.0, 100.0],
            "close": [100.0, 100.0, 100.0, 100.0, 100.0],
            "volume": 1.0,
        },
        index=make_market([(100.0, 100.0)] * 5).times,
    )
    market = MarketData("COIN", pd.Timedelta(days=1), "test", bars)
    script = {1: [Ask("buy", 10.0, stop_loss=90.0, take_profit=110.0)]}
    account = ours(market, our_orders(script), Terms(fee_bps=0.0))
    other = theirs(market, their_orders(script), Terms(fee_bps=0.0))
    assert account.equity["equity_quote"].iloc[-1] == pytest.approx(10_000 - 10 * 10)
    assert gap(account, other) < SAME


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["BTC-USD", "ETH-USD", "SOL-USD"])
def test_ten_years_of_the_sample_market(symbol: str) -> None:
    market = sample_market(symbol).market
    assert all_in(market) < SAME
    assert weighted(market, Terms()) < SAME
    assert weighted(market, Terms(allow_short=True), -0.5, 0.5) < SAME


@pytest.mark.slow
@pytest.mark.real_data
@real_data
@pytest.mark.parametrize("name", ["btc_usd_yahoo_1d.csv", "eth_usd_yahoo_1d.csv"])
def test_real_prices(name: str) -> None:
    market = read_bars(Path(FOLDER) / name, "COIN", "refuse", pd.Timestamp("2026-06-05T12:00Z"))
    assert all_in(market) < SAME
    assert weighted(market, Terms()) < SAME
