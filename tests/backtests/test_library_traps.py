"""What backtrader does by itself, pinned, beside what this project makes of it."""

from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.broker import PercentageFee
from cryptobt.backtests.feed import make_feed
from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core import columns
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.sample import simulate
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import STRATEGIES

from .accounts import (
    CASH,
    FREE,
    acting,
    flat_market,
    make_market,
    make_settings,
    scripted,
    trader_of,
)


def plain_cerebro(market: MarketData, strategy: type[bt.Strategy]) -> bt.Cerebro:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(make_feed(market, None))
    cerebro.addstrategy(strategy)
    return cerebro


class BuyOne(bt.Strategy):  # type: ignore[misc]
    """Buys one coin at the first close."""

    def next(self) -> None:
        if len(self) == 1:
            self.buy(size=1.0)


def test_backtrader_divides_a_commission_by_100_and_our_fee_does_not() -> None:
    theirs = bt.CommInfoBase(commission=0.1, commtype=bt.CommInfoBase.COMM_PERC, stocklike=True)
    assert theirs.getcommission(1, 1000) == pytest.approx(1000 * 0.1 / 100)
    assert PercentageFee(commission=0.001).getcommission(1, 1000) == pytest.approx(1000 * 0.001)


@pytest.mark.parametrize(("fee_bps", "fee"), [(10.0, 5.0), (100.0, 50.0)])
def test_the_first_fee_is_that_many_hundredths_of_a_percent(fee_bps: float, fee: float) -> None:
    settings = make_settings(costs={"fee_bps": fee_bps, "slippage_bps": 0.0})
    result = run_backtest([flat_market(100, 2)], None, scripted([0.5, 0.5]), settings)
    assert result.fills["fee_quote"].iloc[0] == pytest.approx(0.5 * CASH * fee_bps / 10_000)
    assert result.fills["fee_quote"].iloc[0] == pytest.approx(fee)


def test_backtrader_buys_whole_coins_alone_and_our_fee_scheme_buys_fractions() -> None:
    assert bt.CommInfoBase().getsize(30_000.0, 9_900.0) == 0
    assert PercentageFee(commission=0.001).getsize(30_000.0, 9_900.0) == 9_900.0 / 30_000.0


def test_an_order_by_backtraders_own_target_percent_buys_a_fraction() -> None:
    def act(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.order_target_percent(target=0.5)

    result = run_backtest([flat_market(30_000, 2)], None, acting(act), make_settings())
    assert result.fills["quantity_base"].tolist() == [pytest.approx(0.5 * CASH / 30_000)]


def test_backtrader_charges_no_slippage_on_a_flat_bar_unless_told() -> None:
    cerebro = plain_cerebro(flat_market(100, 3), BuyOne)
    cerebro.broker.set_slippage_perc(0.01)
    cerebro.run()
    assert cerebro.broker.orders[0].executed.price == 100.0
    settings = make_settings(costs={"fee_bps": 0.0, "slippage_bps": 100.0})
    ours = run_backtest([flat_market(100, 3)], None, scripted([0.5] * 3), settings)
    assert ours.fills["price_quote"].tolist() == [pytest.approx(101.0)]


def test_three_times_a_tenth_is_more_than_three_tenths_and_still_sells_to_nothing() -> None:
    settings = make_settings(
        account={"cash_quote": 100.0},
        costs=FREE,
        sizing={"lot_step": 0.1, "min_notional_quote": 0.0, "rebalance_band": 0.0},
    )
    script = [0.1, 0.2, 0.3, 0.0, 0.0]
    result = run_backtest([flat_market(100, 5)], None, scripted(script), settings)
    assert 0.1 + 0.1 + 0.1 != 0.3
    assert result.weights["quantity_base"].tolist()[:4] == [0.0, 0.1, 0.1 + 0.1, 0.1 + 0.1 + 0.1]
    assert result.weights["quantity_base"].iloc[-1] == 0.0
    assert result.trades["open"].tolist() == [False]


def test_times_of_a_run_are_those_of_the_bars() -> None:
    market = make_market([(100, 100)] * 5, start="2024-03-30")
    result = run_backtest([market], None, scripted([0.5, 0.5, 0.0, 0.0, 0.5]), make_settings())
    assert result.equity["time"].tolist() == list(market.times)
    assert result.fills["time"].tolist() == [market.times[1], market.times[3]]
    for frame in (result.equity, result.weights, result.orders, result.fills, result.trades):
        assert str(frame["time"].dt.tz) == "UTC"


def test_intraday_times_of_a_run_are_those_of_the_bars() -> None:
    market = make_market([(100, 100)] * 300, start="2024-03-30T23:05", interval="5min")
    script = [0.5 if i % 7 < 3 else 0.0 for i in range(300)]
    result = run_backtest([market], None, scripted(script), make_settings())
    assert result.equity["time"].tolist() == list(market.times)
    assert len(result.fills) > 50
    assert set(result.fills["time"]) <= set(market.times)


@pytest.mark.parametrize("wrong", ["reversed", "repeated", "naive"])
def test_bars_that_are_not_increasing_unique_and_aware_are_refused(wrong: str) -> None:
    bars = flat_market(100, 3).bars
    index = pd.DatetimeIndex(bars.index)
    bars = {
        "reversed": bars.iloc[::-1],
        "repeated": pd.concat([bars, bars.iloc[-1:]]),
        "naive": bars.set_index(index.tz_localize(None)),
    }[wrong]
    with pytest.raises(AssertionError, match="bars need"):
        make_feed(MarketData("COIN", pd.Timedelta("1D"), "test", bars), None)


class Peeker(SignalStrategy):
    """Long when tomorrow's close is higher: what must not be possible."""

    def score(self, data: Any) -> float:
        return float(data.close[1] - data.close[0])


def test_a_strategy_that_reads_tomorrows_close_fails_without_preloading() -> None:
    market = make_market([(100 + i, 100 + i) for i in range(5)])
    with pytest.raises(IndexError):
        run_backtest([market], None, trader_of(Peeker), make_settings(), preload=False)


def made_up_forecasts(market: MarketData) -> Forecasts:
    """Scores on every bar but the first 40 and a few in between."""
    stream = np.random.default_rng(3)
    rows = pd.DataFrame(index=range(len(market.bars)), columns=list(columns.FORECASTS), dtype=float)
    rows["time"], rows["symbol"], rows["forecaster"] = market.times, market.symbol, "made_up"
    rows["horizon_bars"] = 1
    for name in ("score", "mean", "p_up", "q05", "q95"):
        rows[name] = stream.standard_normal(len(rows))
    kept = (np.arange(len(rows)) >= 40) & (np.arange(len(rows)) % 17 != 0)
    return Forecasts(rows[kept].reset_index(drop=True))


@pytest.mark.parametrize("name", ["attn_signal", "sma_trend", "momentum", "buy_and_hold"])
def test_loading_all_bars_at_once_gives_the_same_account_as_bar_by_bar(name: str) -> None:
    market = simulate("COIN", 260, seed=9).market
    forecasts = made_up_forecasts(market)
    trader = Trader(STRATEGIES[name], {}, "made_up")
    settings = make_settings(data={"start": "2015-01-20"})
    ours = run_backtest([market], forecasts, trader, settings)
    slow = run_backtest([market], forecasts, trader, settings, preload=False)
    assert not ours.fills.empty
    for part in ("equity", "weights", "orders", "fills", "trades", "scores"):
        pd.testing.assert_frame_equal(getattr(ours, part), getattr(slow, part), check_exact=True)


def test_a_feed_shows_bars_forecasts_and_volatility_and_nan_where_there_are_none() -> None:
    market = simulate("COIN", 60, seed=9).market
    forecasts = made_up_forecasts(market)
    seen: list[tuple[float, ...]] = []

    class Reader(SignalStrategy):
        def next(self) -> None:
            line = self.data
            seen.append((line.open[0], line.close[0], line.score[0], line.expected_return[0],
                         line.p_up[0], line.q05[0], line.q95[0], line.volatility[0]))  # fmt: skip

    trader = Trader(trader_of(Reader).spec, {}, "made_up")
    run_backtest([market], forecasts, trader, make_settings())
    table = pd.DataFrame(seen, index=market.times)
    assert table[0].tolist() == market.bars["open"].tolist()
    assert table[1].tolist() == market.bars["close"].tolist()
    rows = forecasts.frame.set_index("time")
    for place, column in enumerate(("score", "mean", "p_up", "q05", "q95"), start=2):
        expected = rows[column].reindex(market.times)
        np.testing.assert_array_equal(table[place].to_numpy(), expected.to_numpy())
    assert table[7].isna().tolist() == [True] * 20 + [False] * 40


@pytest.mark.parametrize("name", ["attn_signal", "sma_trend", "buy_and_hold_vol_target"])
def test_the_account_up_to_a_bar_does_not_change_with_what_comes_after_it(name: str) -> None:
    market = simulate("COIN", 260, seed=12).market
    forecasts = made_up_forecasts(market)
    cut = 180
    changed = market.bars.copy()
    changed.iloc[cut + 1 :] *= 3.0
    later = MarketData(market.symbol, market.interval, "test", changed)
    trader = Trader(STRATEGIES[name], {}, "made_up")
    ours = run_backtest([market], forecasts, trader, make_settings())
    theirs = run_backtest([later], forecasts, trader, make_settings())
    end = market.times[cut]
    for part in ("equity", "weights", "fills"):
        mine, other = getattr(ours, part), getattr(theirs, part)
        pd.testing.assert_frame_equal(
            mine[mine["time"] <= end], other[other["time"] <= end], check_exact=True
        )
    assert not ours.equity.equals(theirs.equity)
