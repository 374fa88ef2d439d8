"""Several symbols in one account: who joins when, who is left alone, what is filled where."""

import datetime
import math
from typing import Any

import backtrader as bt
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.strategies.registry import STRATEGIES, StrategySpec

from .accounts import CASH, FREE, make_market, make_settings, scripted

EARLY = make_market([(100, 100)] * 6, "EARLY")
LATE = make_market([(50, 50)] * 3, "LATE", start="2024-01-04")


def without(market: MarketData, *rows: int) -> MarketData:
    """The market with some of its bars missing."""
    kept = market.bars.drop(market.bars.index[list(rows)])
    return MarketData(market.symbol, market.interval, market.source, kept)


def stock(strategy: type[bt.Strategy], **params: Any) -> Trader:
    return Trader(StrategySpec("stock", "a stock strategy of the tests", strategy), params)


def held(result: BacktestResult, symbol: str) -> list[float]:
    rows = result.weights[result.weights["symbol"] == symbol]
    return [round(float(quantity), 6) for quantity in rows["quantity_base"]]


def test_a_symbol_that_is_listed_late_joins_then_and_delays_nobody() -> None:
    script = {"EARLY": [0.5] * 6, "LATE": [0.5] * 3}
    result = run_backtest([EARLY, LATE], None, scripted(script), make_settings(costs=FREE))
    assert held(result, "EARLY") == [0.0, 50.0, 50.0, 50.0, 50.0, 50.0]
    # The other half less the reserve of 1 % for a gap.
    bought = pytest.approx(CASH / 2 / 1.01 / 50, abs=1e-6)
    assert held(result, "LATE") == [0.0, bought, bought]
    first = result.weights[result.weights["symbol"] == "LATE"]["time"].iloc[0]
    assert first == LATE.times[0]


def test_the_decisions_are_at_every_time_at_which_some_symbol_has_a_bar() -> None:
    hole = without(EARLY, 2)
    other = without(make_market([(50, 50)] * 6, "OTHER"), 4)
    result = run_backtest([hole, other], None, scripted([0.2] * 6), make_settings())
    assert result.times.tolist() == EARLY.times.tolist()


def test_targets_share_the_account_under_the_gross_cap() -> None:
    other = make_market([(50, 50)] * 6, "OTHER")
    settings = make_settings(costs=FREE, sizing={"max_gross": 0.6})
    script = {"EARLY": [0.8] * 6, "OTHER": [0.4] * 6}
    result = run_backtest([EARLY, other], None, scripted(script), settings)
    targets = result.weights.pivot_table(index="time", columns="symbol", values="target_weight")
    assert targets["EARLY"].tolist() == pytest.approx([0.4] * 6)  # 0.8 · 0.6 / 1.2
    assert targets["OTHER"].tolist() == pytest.approx([0.2] * 6)
    assert result.equity["gross_weight"].max() == pytest.approx(0.6)


def test_the_band_is_divided_by_the_symbols_so_that_small_shares_are_bought_too() -> None:
    markets = [make_market([(100, 100)] * 3, f"C{number}") for number in range(20)]
    result = run_backtest(markets, None, scripted([0.04] * 3), make_settings(costs=FREE))
    assert result.equity["gross_weight"].iloc[-1] == pytest.approx(0.8)


def test_a_stale_symbol_keeps_its_position_at_its_last_close_and_gets_no_order() -> None:
    rising = make_market([(100, 100 + 10 * number) for number in range(6)], "RISING")
    stale = without(rising, 3, 4)
    script = {"EARLY": [0.3, 0.3, 0.3, 0.0, 0.3, 0.3], "RISING": [0.3] * 6}
    result = run_backtest([EARLY, stale], None, scripted(script), make_settings(costs=FREE))
    rows = result.weights[result.weights["symbol"] == "RISING"]
    assert rows["close"].tolist() == [100, 110, 120, 120, 120, 150]
    assert rows["target_weight"].isna().tolist() == [False, False, False, True, True, False]
    assert (
        not result.orders["time"][result.orders["symbol"] == "RISING"].isin(EARLY.times[3:5]).any()
    )


def test_an_order_for_a_symbol_without_a_bar_waits_for_its_next_one() -> None:
    stale = without(make_market([(50, 50), (60, 60), (70, 70), (80, 80), (90, 90)], "STALE"), 1, 2)
    script = {"EARLY": [math.nan] * 6, "STALE": [0.5, math.nan, math.nan]}
    result = run_backtest([EARLY, stale], None, scripted(script), make_settings(costs=FREE))
    assert result.fills["time"].tolist() == [EARLY.times[3]]
    assert result.fills["price_quote"].tolist() == [80.0]


def test_a_limit_is_not_met_by_a_bar_that_was_over_when_it_was_sent() -> None:
    # The first bar of STALE ranges from 40 to 60; it shows still when EARLY's second bar is here.
    bars = make_market([(60, 40), (80, 80), (80, 80), (80, 80)], "STALE")
    stale = without(bars, 1, 2)

    class Bids(bt.Strategy):
        def next(self) -> None:
            if self.datetime[0] == self.datas[0].datetime[0] and len(self.datas[0]) == 2:
                self.buy(data=self.datas[1], size=1, price=50, exectype=bt.Order.Limit)

    result = run_backtest([EARLY, stale], None, stock(Bids), make_settings())
    assert result.orders["status"].tolist() == ["pending"]
    assert result.orders["time"].tolist() == [EARLY.times[1]]


def test_a_validity_that_ends_after_a_symbols_last_bar_is_over() -> None:
    dead = make_market([(50, 50)] * 2, "DEAD")

    class Bids(bt.Strategy):
        def next(self) -> None:
            if len(self) == 2:
                day = datetime.timedelta(days=2)
                self.buy(data=self.datas[1], size=1, price=1, exectype=bt.Order.Limit, valid=day)
                self.buy(data=self.datas[1], size=1, price=1, exectype=bt.Order.Limit)

    result = run_backtest([EARLY, dead], None, stock(Bids), make_settings(sizing={
        "min_notional_quote": 0.0}))  # fmt: skip
    assert result.orders["status"].tolist() == ["expired", "pending"]


def test_a_stale_symbol_pays_no_funding() -> None:
    settings = make_settings(costs={**FREE, "funding_bps_per_day": 10.0})
    stale = without(make_market([(100, 100)] * 6, "STALE"), 3)
    script = {"EARLY": [0.0] * 6, "STALE": [0.5] * 5}
    result = run_backtest([EARLY, stale], None, scripted(script), settings)
    assert (result.equity["funding_quote"] > 0).tolist() == [False, True, True, False, True, True]


def test_symbols_of_different_intervals_are_refused_with_both_named() -> None:
    hourly = make_market([(1, 1)] * 3, "HOURLY", interval="1h")
    with pytest.raises(DataInvalidError, match="EARLY has 1d, HOURLY 1h"):
        run_backtest([EARLY, hourly], None, scripted([0.1] * 6), make_settings())


def test_a_symbol_with_fewer_bars_than_an_average_needs_is_left_alone() -> None:
    rising = make_market([(100 + n, 100 + n) for n in range(8)], "RISING")
    short = make_market([(50 + n, 50 + n) for n in range(2)], "SHORT", start="2024-01-06")
    trader = Trader(STRATEGIES["sma_trend"], {"window": 5})
    result = run_backtest([rising, short], None, trader, make_settings())
    assert result.fills["symbol"].unique().tolist() == ["RISING"]
    assert result.fills["time"].tolist() == [rising.times[5]]


@pytest.mark.parametrize("name", ["sma_trend", "momentum", "buy_and_hold"])
def test_uneven_symbols_trade_alike_bar_by_bar_and_all_at_once(name: str) -> None:
    closes = [100 + 10 * math.sin(n / 3) for n in range(60)]
    long = make_market([(c, c) for c in closes], "LONG")
    late = make_market([(c, c) for c in closes[::-1]][:40], "LATE", start="2024-01-15")
    markets = [without(long, 20, 21), without(late, 5, 39)]
    params = {"sma_trend": {"window": 5}, "momentum": {"lookback": 5}}.get(name, {})
    trader = Trader(STRATEGIES[name], params)
    ours = run_backtest(markets, None, trader, make_settings())
    slow = run_backtest(markets, None, trader, make_settings(), preload=False)
    assert ours.fills["symbol"].nunique() == 2
    for part in ("equity", "weights", "orders", "fills", "trades", "scores"):
        pd.testing.assert_frame_equal(getattr(ours, part), getattr(slow, part), check_exact=True)


def test_buy_and_hold_shares_equally_when_a_symbol_joins_and_holds_between() -> None:
    rising = make_market([(100 * 1.05**n, 100 * 1.05 ** (n + 1)) for n in range(6)], "RISING")
    trader = Trader(STRATEGIES["buy_and_hold"], {})
    result = run_backtest([rising, LATE], None, trader, make_settings(costs=FREE))
    fills = result.fills.sort_values("order_id")
    days = fills["time"].dt.day.tolist()
    assert list(zip(days, fills["side"], strict=True)) == [(2, "buy"), (5, "sell"), (5, "buy")]
    last = result.weights[result.weights["time"] == rising.times[4]]["weight"]
    assert last.tolist() == pytest.approx([0.5, 0.5], abs=0.03)


# Stock strategies


class Watching(bt.Strategy):
    """Notes when it is called, and what it could see."""

    calls: list[tuple[str, int, int]]

    def __init__(self) -> None:
        Watching.calls = []

    def prenext(self) -> None:
        Watching.calls.append(("prenext", len(self.datas[0]), len(self.datas[1])))

    def next(self) -> None:
        Watching.calls.append(("next", len(self.datas[0]), len(self.datas[1])))


def test_next_of_a_stock_strategy_waits_for_every_symbol_as_in_backtrader() -> None:
    run_backtest([EARLY, LATE], None, stock(Watching), make_settings())
    assert Watching.calls == [
        ("prenext", 1, 0), ("prenext", 2, 0), ("prenext", 3, 0),
        ("next", 4, 1), ("next", 5, 2), ("next", 6, 3),
    ]  # fmt: skip


def test_an_order_for_a_symbol_that_is_not_listed_is_rejected() -> None:
    class Impatient(bt.Strategy):
        def prenext(self) -> None:
            self.buy(data=self.datas[1], size=1)

    result = run_backtest([EARLY, LATE], None, stock(Impatient), make_settings())
    assert set(result.orders["reason"]) == {"not listed yet"}
    assert result.fills.empty


def test_an_indicator_over_two_symbols_compares_bars_of_the_same_time() -> None:
    class Spread(bt.Strategy):
        seen: list[float]

        def __init__(self) -> None:
            Spread.seen = []
            self.spread = self.datas[0].close - self.datas[1].close

        def next(self) -> None:
            Spread.seen.append(self.spread[0])

    one = make_market([(100 + n, 100 + n) for n in range(6)], "ONE")
    two = make_market([(n, n) for n in range(1, 4)], "TWO", start="2024-01-04")
    run_backtest([one, two], None, stock(Spread), make_settings())
    assert Spread.seen == [103 - 1, 104 - 2, 105 - 3]


def test_an_order_without_a_size_takes_its_symbols_share_of_the_account() -> None:
    class Buys(bt.Strategy):
        def next(self) -> None:
            for data in self.datas:
                if not self.getposition(data):
                    self.buy(data=data)

    other = make_market([(50, 50)] * 6, "OTHER")
    result = run_backtest([EARLY, other], None, stock(Buys), make_settings(costs=FREE))
    assert result.fills["quantity_base"].tolist() == [
        pytest.approx(CASH / 2 / 1.01 / 100, abs=1e-6),
        pytest.approx(CASH / 2 / 1.01 / 50, abs=1e-6),
    ]
