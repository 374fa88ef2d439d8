"""Accounts of a few bars, worked out by hand; the arithmetic stands in the test."""

import math
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from cryptobt.backtests.run import run_backtest
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import BacktestResult
from cryptobt.data.sample import simulate
from cryptobt.strategies.registry import STRATEGIES

from .accounts import (
    CASH,
    FEE,
    FREE,
    SLIP,
    acting,
    flat_market,
    make_market,
    make_settings,
    scripted,
    trader_of,
)


def exactly(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=1e-9)


def statuses(result: BacktestResult) -> list[str]:
    return result.orders["status"].tolist()


def test_a_buy_fills_at_the_next_open_with_slippage_and_fee() -> None:
    market = make_market([(100, 100), (102, 104), (104, 103)])
    result = run_backtest([market], None, scripted([0.5, 0.5, 0.5]), make_settings())

    quantity = 0.5 * CASH / 100
    price = 102 * (1 + SLIP)
    fee = quantity * price * FEE
    fill = result.fills.iloc[0]
    assert len(result.fills) == 1
    assert fill["time"] == market.times[1]
    assert fill["quantity_base"] == exactly(quantity)
    assert fill["open_quote"] == 102
    assert fill["price_quote"] == exactly(price)
    assert fill["fee_quote"] == exactly(fee)
    assert fill["slippage_quote"] == exactly(102 * SLIP * quantity)
    assert fill["position_base"] == exactly(quantity)
    cash = CASH - quantity * price - fee
    assert result.equity["cash_quote"].tolist() == [CASH, exactly(cash), exactly(cash)]
    assert result.equity["equity_quote"].tolist() == [
        CASH,
        exactly(cash + quantity * 104),
        exactly(cash + quantity * 103),
    ]


def test_an_order_is_named_by_its_deciding_bar_and_a_fill_by_the_bar_that_opened() -> None:
    market = make_market([(100, 100), (102, 104), (104, 103)])
    result = run_backtest([market], None, scripted([0.5, 0.5, 0.5]), make_settings())
    order, fill = result.orders.iloc[0], result.fills.iloc[0]
    assert order["time"] == market.times[0]
    assert (order["side"], order["exec_type"], order["status"]) == ("buy", "market", "filled")
    assert order["target_weight"] == 0.5
    assert fill["order_id"] == order["order_id"]
    assert fill["time"] == market.times[1]


def test_a_reduction_sells_at_the_next_open_less_slippage_and_fee() -> None:
    market = make_market([(100, 100), (100, 100), (90, 95)])
    result = run_backtest([market], None, scripted([0.5, 0.2, 0.2]), make_settings())

    bought = 0.5 * CASH / 100
    paid = bought * 100 * (1 + SLIP)
    cash = CASH - paid * (1 + FEE)
    equity = cash + bought * 100
    exact = bought - 0.2 * equity / 100
    sold = round(exact, 8)  # a whole number of lots as it is
    price = 90 * (1 - SLIP)
    fill = result.fills.iloc[1]
    assert (fill["side"], fill["open_quote"]) == ("sell", 90)
    assert fill["quantity_base"] == exactly(sold)
    assert fill["price_quote"] == exactly(price)
    assert fill["fee_quote"] == exactly(sold * price * FEE)
    assert fill["slippage_quote"] == exactly(90 * SLIP * sold)
    assert fill["position_base"] == exactly(bought - sold)
    left = cash + sold * price * (1 - FEE)
    assert result.equity["cash_quote"].iloc[2] == exactly(left)
    assert result.equity["equity_quote"].iloc[2] == exactly(left + (bought - sold) * 95)


def test_a_full_exit_leaves_exactly_nothing() -> None:
    market = make_market([(97.3, 97.3), (97.1, 96.9), (98.7, 98.9), (99.1, 99.3), (99, 99)])
    result = run_backtest([market], None, scripted([0.31, 0.71, 0.0, 0.0, 0.0]), make_settings())
    assert result.weights["quantity_base"].iloc[-1] == 0.0
    assert result.fills["position_base"].iloc[-1] == 0.0
    assert result.equity["equity_quote"].iloc[-1] == result.equity["cash_quote"].iloc[-1]
    assert result.trades["open"].tolist() == [False]


def test_a_reduction_never_sells_more_than_is_held_by_a_rounding_of_lots() -> None:
    settings = make_settings(
        account={"cash_quote": 100.0},
        costs=FREE,
        sizing={"lot_step": 0.1, "min_notional_quote": 0.0, "rebalance_band": 0.0},
    )
    assert 0.1 + 0.5 < 6 * 0.1
    result = run_backtest([flat_market(100, 4)], None, scripted([0.1, 0.6, 1e-12, 1e-12]), settings)
    assert result.weights["quantity_base"].tolist()[:3] == [0.0, 0.1, 0.1 + 0.5]
    assert result.weights["quantity_base"].iloc[3] == 0.0


def test_slippage_is_charged_on_a_bar_without_range() -> None:
    result = run_backtest(
        [flat_market(100, 4)], None, scripted([0.5, 0.0, 0.0, 0.0]), make_settings()
    )
    assert result.fills["price_quote"].tolist() == [
        exactly(100 * (1 + SLIP)),
        exactly(100 * (1 - SLIP)),
    ]
    assert (result.fills["slippage_quote"] > 0).all()


def test_a_buy_on_a_bar_that_opens_at_its_high_is_filled_and_pays_slippage() -> None:
    market = make_market([(100, 100), (103, 99), (99, 99)])
    result = run_backtest([market], None, scripted([0.5, 0.5, 0.5]), make_settings())
    assert result.fills["price_quote"].tolist() == [exactly(103 * (1 + SLIP))]


def test_a_sale_on_a_bar_that_opens_at_its_low_is_filled_and_pays_slippage() -> None:
    market = make_market([(100, 100), (100, 100), (95, 99), (99, 99)])
    result = run_backtest([market], None, scripted([0.5, 0.0, 0.0, 0.0]), make_settings())
    assert result.fills["price_quote"].iloc[1] == exactly(95 * (1 - SLIP))


def test_nothing_is_traded_inside_the_rebalance_band() -> None:
    weights = [0.5, 0.55, 0.45, 0.41]
    result = run_backtest([flat_market(100, 4)], None, scripted(weights), make_settings())
    assert len(result.orders) == 1
    assert result.weights["target_weight"].tolist() == weights


def test_a_step_of_the_band_or_more_is_traded() -> None:
    settings = make_settings(costs=FREE)
    result = run_backtest([flat_market(100, 3)], None, scripted([0.5, 0.61, 0.61]), settings)
    assert result.fills["quantity_base"].tolist() == [exactly(50), exactly(0.11 * CASH / 100)]


def test_an_exit_is_traded_from_inside_the_band() -> None:
    settings = make_settings(sizing={"rebalance_band": 0.3})
    market = make_market([(100, 100), (100, 100), (40, 40), (40, 40), (40, 40)])
    result = run_backtest([market], None, scripted([0.35, 0.35, 0.0, 0.0, 0.0]), settings)
    assert result.weights["weight"].iloc[2] < 0.3
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.weights["quantity_base"].iloc[-1] == 0.0


def test_quantities_are_rounded_down_to_whole_lots() -> None:
    settings = make_settings(sizing={"lot_step": 0.25}, costs=FREE)
    result = run_backtest([flat_market(300, 3)], None, scripted([0.5, 0.2, 0.2]), settings)
    bought = math.floor(0.5 * CASH / 300 / 0.25) * 0.25
    sold = math.floor((bought - 0.2 * CASH / 300) / 0.25) * 0.25
    assert (bought, sold) == (16.5, 9.75)
    assert result.fills["quantity_base"].tolist() == [bought, sold]


def test_an_order_below_the_minimum_notional_is_refused_and_kept_with_its_reason() -> None:
    settings = make_settings(sizing={"min_notional_quote": 600.0, "rebalance_band": 0.01})
    result = run_backtest([flat_market(100, 3)], None, scripted([0.05, 0.0, 0.07]), settings)
    assert statuses(result) == ["rejected", "pending"]
    assert result.orders["reason"].tolist() == ["below the minimum notional of 600", ""]
    assert result.orders["quantity_base"].tolist() == [exactly(5.0), exactly(7.0)]
    assert result.fills.empty
    assert result.equity["equity_quote"].tolist() == [CASH] * 3


def test_a_buy_that_the_cash_cannot_pay_is_rejected_and_kept() -> None:
    market = make_market([(100, 100), (105, 105), (105, 105), (105, 105)])
    result = run_backtest([market], None, scripted([1.0, 0.0, 0.0, 0.0]), make_settings())
    assert statuses(result) == ["rejected"]
    assert result.orders["reason"].tolist() == ["insufficient cash"]
    assert result.fills.empty
    assert result.equity["equity_quote"].tolist() == [CASH] * 4


def test_a_rejected_buy_is_tried_again_at_the_next_close() -> None:
    market = make_market([(100, 100), (105, 105), (105, 105), (105, 105)])
    result = run_backtest([market], None, scripted([1.0] * 4), make_settings())
    assert statuses(result) == ["rejected", "filled"]
    assert result.fills["time"].tolist() == [market.times[2]]


def test_a_full_target_leaves_room_for_fee_slippage_and_a_small_gap() -> None:
    market = make_market([(100, 100), (100.9, 101), (101, 101)])
    result = run_backtest([market], None, scripted([1.0, 1.0, 1.0]), make_settings())
    assert statuses(result) == ["filled"]
    room = (1 + FEE) * (1 + SLIP) * (1 + 0.01)
    assert result.fills["quantity_base"].iloc[0] == pytest.approx(CASH / (100 * room), abs=1e-8)
    assert result.equity["cash_quote"].min() > 0


@pytest.mark.parametrize("price", [100.0, 0.07, 30_123.45, 97.31])
def test_a_full_target_without_a_gap_is_filled_though_nothing_is_reserved(price: float) -> None:
    settings = make_settings(sizing={"gap_reserve": 0.0})
    result = run_backtest([flat_market(price, 3)], None, scripted([1.0] * 3), settings)
    assert statuses(result) == ["filled"]


def test_the_order_of_the_last_bar_is_pending_and_exported() -> None:
    market = make_market([(100, 100), (100, 100), (100, 110)])
    result = run_backtest([market], None, scripted([0.0, 0.0, 0.5]), make_settings())
    assert statuses(result) == ["pending"]
    assert result.fills.empty
    (waiting,) = result.pending
    assert waiting["time"] == market.times[-1]
    assert (waiting["side"], waiting["status"]) == ("buy", "pending")
    assert waiting["quantity_base"] == exactly(math.floor(0.5 * CASH / 110 * 1e8) / 1e8)
    assert waiting["limit_price_quote"] is None


def test_an_account_without_a_decision_on_the_last_bar_has_nothing_pending() -> None:
    result = run_backtest([flat_market(100, 3)], None, scripted([0.5] * 3), make_settings())
    assert result.pending == []


def test_reductions_are_sent_before_increases_so_that_what_they_free_is_spent() -> None:
    first, second = (make_market([(100, 100)] * 4, name) for name in ("AAA", "BBB"))
    script = {"AAA": [0.0, 1.0, 1.0, 1.0], "BBB": [1.0, 0.0, 0.0, 0.0]}
    result = run_backtest([first, second], None, scripted(script), make_settings())
    switch = result.orders[result.orders["time"] == first.times[1]]
    assert switch["side"].tolist() == ["sell", "buy"]
    assert switch["symbol"].tolist() == ["BBB", "AAA"]
    assert set(statuses(result)) == {"filled"}


def test_funding_is_charged_each_day_on_the_position_at_the_close() -> None:
    rate = 20 / 10_000
    settings = make_settings(costs={**FREE, "funding_bps_per_day": 20.0})
    market = make_market([(100, 100), (100, 110), (110, 120), (120, 120)])
    result = run_backtest([market], None, scripted([0.5, 0.5, 0.5, 0.5]), settings)
    quantity = 0.5 * CASH / 100
    charges = [0.0, quantity * 110 * rate, quantity * 120 * rate, quantity * 120 * rate]
    assert result.equity["funding_quote"].tolist() == [exactly(charge) for charge in charges]
    cash = CASH - quantity * 100 - sum(charges)
    assert result.equity["cash_quote"].iloc[-1] == exactly(cash)
    assert result.equity["equity_quote"].iloc[-1] == exactly(cash + quantity * 120)


def test_funding_of_hourly_bars_is_a_24th_of_a_days() -> None:
    settings = make_settings(costs={**FREE, "funding_bps_per_day": 24.0})
    market = make_market([(100, 100)] * 3, interval="1h")
    result = run_backtest([market], None, scripted([0.5] * 3), settings)
    charge = 50 * 100 * 0.0024 / 24
    assert result.equity["funding_quote"].tolist() == [0.0, exactly(charge), exactly(charge)]


def test_fees_and_slippage_of_the_equity_are_those_of_the_fills_of_the_bar() -> None:
    market = simulate("X", 200, seed=5).market
    result = run_backtest([market], None, trader_of(STRATEGIES["momentum"].strategy),
                          make_settings())  # fmt: skip
    assert len(result.fills) > 5
    for column, paid in (("fees_quote", "fee_quote"), ("slippage_quote", "slippage_quote")):
        by_bar = result.fills.groupby("time")[paid].sum()
        ours = result.equity.set_index("time")[column]
        assert ours[ours > 0].to_dict() == by_bar.to_dict()
        assert ours.sum() == exactly(result.fills[paid].sum())


def test_equity_is_cash_plus_position_times_close_at_every_bar() -> None:
    market = simulate("X", 200, seed=6).market
    result = run_backtest([market], None, trader_of(STRATEGIES["sma_trend"].strategy, window=20),
                          make_settings())  # fmt: skip
    held = result.weights["quantity_base"] * result.weights["close"]
    assert (held > 0).any()
    assert (result.equity["cash_quote"] + held).tolist() == [
        exactly(value) for value in result.equity["equity_quote"]
    ]
    assert result.weights["close"].tolist() == market.bars["close"].tolist()
    assert result.weights["weight"].tolist() == [
        exactly(value) for value in held / result.equity["equity_quote"]
    ]


def test_the_first_row_of_the_equity_is_the_first_decision_with_return_0() -> None:
    market = make_market([(100, 100), (100, 120), (120, 120), (120, 130)])
    settings = make_settings(data={"start": "2024-01-02"}, costs=FREE)
    result = run_backtest([market], None, scripted([1.0, 1.0, 1.0, 1.0]), settings)
    equity = result.equity
    assert equity["time"].tolist() == list(market.times[1:])
    assert equity["return"].iloc[0] == 0.0
    assert equity["equity_quote"].iloc[0] == CASH
    for (before, after), change in zip(
        pairwise(equity["equity_quote"]), equity["return"].iloc[1:], strict=True
    ):
        assert change == exactly(after / before - 1)


def test_no_order_is_sent_before_the_start() -> None:
    market = flat_market(100, 6)
    settings = make_settings(data={"start": "2024-01-04"})
    result = run_backtest([market], None, scripted([0.5] * 6), settings)
    assert result.orders["time"].tolist() == [market.times[3]]
    assert result.fills["time"].tolist() == [market.times[4]]


def test_bars_before_the_start_warm_indicators_up() -> None:
    market = make_market([(100 + i, 100 + i) for i in range(6)])
    settings = make_settings(data={"start": "2024-01-03"})
    trader = trader_of(STRATEGIES["sma_trend"].strategy, window=3)
    result = run_backtest([market], None, trader, settings)
    assert result.orders["time"].iloc[0] == market.times[2]


def test_bars_on_which_indicators_warm_up_are_in_the_equity_without_a_target() -> None:
    market = make_market([(100 + i, 100 + i) for i in range(5)])
    trader = trader_of(STRATEGIES["sma_trend"].strategy, window=3)
    result = run_backtest([market], None, trader, make_settings())
    assert len(result.equity) == 5
    assert result.weights["target_weight"].isna().tolist() == [True, True, False, False, False]


def test_a_score_that_is_nan_holds_the_position() -> None:
    market = make_market([(100, 100), (100, 100), (100, 200), (200, 50), (50, 50)])
    result = run_backtest([market], None, scripted([0.5, math.nan, math.nan, math.nan, 0.0]),
                          make_settings(costs=FREE))  # fmt: skip
    assert result.weights["quantity_base"].tolist() == [0, 50, 50, 50, 50]
    assert result.orders["side"].tolist() == ["buy", "sell"]
    assert result.weights["target_weight"].isna().tolist() == [False, True, True, True, False]


def test_a_target_above_the_largest_weight_is_cut_to_it() -> None:
    settings = make_settings(sizing={"max_weight": 0.4}, costs=FREE)
    result = run_backtest([flat_market(100, 2)], None, scripted([0.9, 0.9]), settings)
    assert result.fills["quantity_base"].tolist() == [exactly(0.4 * CASH / 100)]


def test_a_negative_target_is_refused_in_a_long_flat_account() -> None:
    with pytest.raises(UsageError, match=r"target_weight of COIN is -0\.5.*allow_short"):
        run_backtest([flat_market(100, 3)], None, scripted([0.5, -0.5, -0.5]), make_settings())


def test_a_short_sale_is_refused_with_its_reason() -> None:
    def sell_first(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.sell(size=1.0)

    result = run_backtest([flat_market(100, 3)], None, acting(sell_first), make_settings())
    assert statuses(result) == ["rejected"]
    assert result.orders["reason"].tolist() == ["sells more than is held (long/flat account)"]
    assert result.weights["quantity_base"].tolist() == [0.0, 0.0, 0.0]


def test_two_sales_on_one_bar_cannot_sell_more_than_is_held_together() -> None:
    def act(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.buy(size=10.0)
        if bar == 1:
            strategy.sell(size=10.0)
            strategy.sell(size=10.0)

    result = run_backtest([flat_market(100, 4)], None, acting(act), make_settings())
    assert result.weights["quantity_base"].min() == 0.0
    assert statuses(result) == ["filled", "filled", "rejected"]


def test_a_start_after_the_last_bar_is_refused() -> None:
    with pytest.raises(DataInvalidError, match="2025-01-01 is after the last bar"):
        run_backtest([flat_market(100, 3)], None, scripted([0.5] * 3),
                     make_settings(data={"start": "2025-01-01"}))  # fmt: skip


def test_drawdown_is_measured_from_the_highest_equity_so_far() -> None:
    market = make_market([(100, 100), (100, 120), (120, 90), (90, 120)])
    result = run_backtest([market], None, scripted([0.5] * 4), make_settings(
        costs=FREE, sizing={"rebalance_band": 0.3}))  # fmt: skip
    peak, low = 5000 + 50 * 120, 5000 + 50 * 90
    assert result.equity["drawdown"].tolist() == [0.0, 0.0, exactly(low / peak - 1), 0.0]


def test_an_order_before_a_missing_bar_fills_at_the_next_bar_there_is() -> None:
    market = make_market([(100, 100), (101, 101), (102, 102), (103, 103)])
    market = type(market)(market.symbol, market.interval, "test", market.bars.drop(market.times[1]))
    result = run_backtest([market], None, scripted([0.5] * 3), make_settings())
    assert result.fills["time"].tolist() == [pd.Timestamp("2024-01-03", tz="UTC")]
    assert result.fills["open_quote"].tolist() == [102]


@pytest.mark.parametrize(("name", "params"), [("sma_trend", {"window": 5}),
                                              ("momentum", {"lookback": 5})])  # fmt: skip
@pytest.mark.parametrize("bars", [2, 4, 5])
def test_a_history_shorter_than_an_indicator_is_spent_in_cash(
    name: str, params: dict[str, int], bars: int
) -> None:
    trader = trader_of(STRATEGIES[name].strategy, **params)
    result = run_backtest([flat_market(100, bars)], None, trader, make_settings())
    assert result.equity["equity_quote"].tolist() == [CASH] * bars
    assert result.orders.empty
