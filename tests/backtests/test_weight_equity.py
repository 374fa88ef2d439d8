"""The vectorised accounts keep the same books as ``run_backtest``, which robustness relies on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.backtests.margin import MARGIN_CALL
from cryptobt.backtests.run import run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.metrics.weight_equity import Paths, Prices, WeightAccounts, weight_equity

from .accounts import make_market, scripted

SYMBOLS = ("AAA", "BBB", "CCC")
START = "2024-01-01"


def made(**sections: Any) -> Settings:
    return Settings.model_validate({"data": {"start": START}, **sections})


def prices_of(markets: Sequence[MarketData]) -> Prices:
    every = pd.DatetimeIndex(sorted({time for market in markets for time in market.times}))
    opens, closes = (
        np.column_stack([market.bars[name].reindex(every) for market in markets])
        for name in ("open", "close")
    )
    return Prices(opens, closes, 1.0)


def targets_of(result: BacktestResult, markets: Sequence[MarketData]) -> np.ndarray:
    table = result.weights.pivot_table(
        index="time", columns="symbol", values="target_weight", dropna=False
    )
    return table.reindex(result.times)[[market.symbol for market in markets]].to_numpy()


def alike(
    markets: Sequence[MarketData], result: BacktestResult, chosen: Settings, paths: int = 3
) -> WeightAccounts:
    """Trade what a run wanted, in several equal accounts at once."""
    targets = targets_of(result, markets)
    rates = (chosen.costs.fee_bps, chosen.costs.slippage_bps, chosen.sizing.rebalance_band)
    wanted = Paths(
        lambda bar: np.tile(targets[bar], (paths, 1)), *(np.full(paths, rate) for rate in rates)
    )
    return weight_equity(prices_of(markets), wanted, chosen)


def assert_equal(result: BacktestResult, accounts: WeightAccounts, periods: float = 365) -> None:
    ours = result.equity["equity_quote"].to_numpy()
    for path in accounts.equity.T:
        np.testing.assert_allclose(path, ours, rtol=1e-10, atol=1e-6)
    returns = result.returns.to_numpy()[1:]
    if len(returns) > 1:
        np.testing.assert_allclose(accounts.mean, returns.mean(), atol=1e-12)
        np.testing.assert_allclose(accounts.deviation, returns.std(ddof=1), atol=1e-9)
    gross = result.equity["gross_weight"].mean()
    np.testing.assert_allclose(accounts.exposure, gross, atol=1e-10)


weights = st.one_of(
    st.sampled_from([0.0, 1.0, 0.5, -1.0, float("nan")]), st.floats(-1.25, 1.25, width=32)
)
moves = st.floats(-0.125, 0.125, width=32)


@st.composite
def cases(draw: Any) -> tuple[list[MarketData], dict[str, list[float]], Settings]:
    short = draw(st.booleans())
    bars, markets, wanted = draw(st.integers(3, 25)), [], {}
    for symbol in SYMBOLS[: draw(st.integers(1, 3))]:
        rows, price = [], draw(st.sampled_from([0.4, 30.0, 30_000.0]))
        for _ in range(bars):
            opened = price * (1 + draw(moves) / 4)
            price = opened * (1 + draw(moves))
            rows.append((opened, price))
        market = make_market(rows, symbol)
        first = draw(st.integers(0, bars // 2))
        kept = [
            number >= first and (number == first or draw(st.integers(0, 9)) > 0)
            for number in range(bars)
        ]
        markets.append(
            MarketData(symbol, market.interval, "test", market.bars[np.array(kept)].copy())
        )
        script = [draw(weights) for _ in range(sum(kept))]
        wanted[symbol] = script if short else [abs(weight) for weight in script]
    gross = draw(st.sampled_from([1.0, 0.7]))
    chosen = made(
        sizing={
            "allow_short": short, "max_gross": gross,
            "rebalance_band": draw(st.sampled_from([0.0, 0.1, 0.3])),
            "max_weight": draw(st.sampled_from([1.0, 0.6])),
            "lot_step": draw(st.sampled_from([1e-8, 1e-3, 1.0])),
            "min_notional_quote": draw(st.sampled_from([0.0, 10.0, 2000.0])),
            # With 0 a purchase may cost all the cash there is, and the last bit decides.
            "gap_reserve": draw(st.sampled_from([0.002, 0.01])),
        },
        costs={
            "fee_bps": draw(st.sampled_from([0.0, 10.0, 50.0])),
            "slippage_bps": draw(st.sampled_from([0.0, 5.0])),
            "funding_bps_per_day": draw(st.sampled_from([0.0, 3.0])),
            "borrow_bps_per_day": draw(st.sampled_from([0.0, 2.0])),
        },
    )  # fmt: skip
    return markets, wanted, chosen


@settings(max_examples=120)
@given(cases())
def test_any_targets_give_the_engines_equity(
    case: tuple[list[MarketData], dict[str, list[float]], Settings],
) -> None:
    markets, wanted, chosen = case
    result = run_backtest(markets, None, scripted(wanted), chosen)
    if MARGIN_CALL in set(result.orders["reason"]):
        return  # said in weight_equity: a closed-out account is the engine's alone
    assert_equal(result, alike(markets, result, chosen))


def test_accounts_with_costs_of_their_own_are_the_engines_one_by_one() -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, 200)))
    market = make_market(list(zip(np.append(100.0, close[:-1]), close, strict=True)), "AAA")
    script = rng.choice([0.0, 0.3, 0.8, 1.0], 200).tolist()
    fees, slips, bands = np.array([0.0, 10.0, 40.0]), np.array([5.0, 0.0, 20.0]), [0.0, 0.1, 0.25]
    wanted = Paths(lambda bar: np.full((3, 1), script[bar]), fees, slips, np.array(bands))
    together = weight_equity(prices_of([market]), wanted, made(), rows=np.array([0, 150]))
    for path, (fee, slip, band) in enumerate(zip(fees, slips, bands, strict=True)):
        own = made(costs={"fee_bps": fee, "slippage_bps": slip}, sizing={"rebalance_band": band})
        result = run_backtest([market], None, scripted(script), own)
        equity = result.equity["equity_quote"].to_numpy()
        np.testing.assert_allclose(together.equity[:, path], equity, rtol=1e-10)
        np.testing.assert_allclose(together.glimpses[:, path], equity[[0, 150]], rtol=1e-10)
        # value filled over the equity before; 10,000 on the first bar that fills
        fills = result.fills.assign(
            value=result.fills["quantity_base"] * result.fills["open_quote"]
        )
        filled = fills.groupby("time")["value"].sum().reindex(result.times, fill_value=0.0)
        share = (filled.to_numpy()[1:] / equity[:-1]).mean()
        assert together.turnover[path] == pytest.approx(share)


def test_an_account_that_is_lost_stays_lost_and_divides_by_nothing() -> None:
    market = make_market([(100, 100), (100, 100), (1e-9, 1e-9), (1e-9, 1e-9)], "AAA")
    none = np.zeros(1)
    wanted = Paths(lambda _: np.ones((1, 1)), none, none, none)
    accounts = weight_equity(prices_of([market]), wanted, made())
    assert accounts.equity[-1, 0] < 200
    assert np.isfinite(accounts.mean).all()


def test_of_one_bar_there_is_no_mean_return() -> None:
    none = np.zeros(1)
    wanted = Paths(lambda _: np.ones((1, 1)), none, none, none)
    accounts = weight_equity(prices_of([make_market([(1, 1)], "AAA")]), wanted, made())
    assert np.isnan(accounts.mean).all()
    assert np.isnan(accounts.sharpe(365, 0.0)).all()
