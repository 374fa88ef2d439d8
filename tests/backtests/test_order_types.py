"""Limit, stop and stop-limit orders of a few bars, worked out by hand, fill by fill."""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import backtrader as bt
import pandas as pd
import pytest

from cryptobt.backtests.run import run_backtest
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.records.runs import csv_text

from .accounts import CASH, FEE, SLIP, acting, make_market, make_settings

LIMIT, STOP, STOP_LIMIT = bt.Order.Limit, bt.Order.Stop, bt.Order.StopLimit
Bar = tuple[float, float, float, float]
CALM: Bar = (100, 100, 100, 100)
SIZE = 10.0


def exactly(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=1e-9)


def market_of(bars: Sequence[Bar]) -> MarketData:
    """Bars from (open, high, low, close)."""
    for opened, high, low, close in bars:
        assert low <= min(opened, close) <= max(opened, close) <= high
    market = make_market([(opened, close) for opened, _, _, close in bars])
    ranges = {"high": [bar[1] for bar in bars], "low": [bar[2] for bar in bars]}
    return replace(market, bars=market.bars.assign(**ranges).astype(float))


Act = Callable[[Any], object]


def trade(bars: Sequence[Bar], script: Mapping[int, Act], **sections: Any) -> BacktestResult:
    """Do at each close of the script what stands there."""

    def act(strategy: Any, bar: int) -> None:
        if bar in script:
            script[bar](strategy)

    return run_backtest([market_of(bars)], None, acting(act), make_settings(**sections))


def buy(**order: Any) -> Act:
    return lambda strategy: strategy.buy(size=SIZE, **order)


def sell(**order: Any) -> Act:
    return lambda strategy: strategy.sell(size=SIZE, **order)


def bought_then(bar: Bar, **order: Any) -> BacktestResult:
    """Ten coins bought at a calm open, then a sale that meets this bar."""
    return trade([CALM, CALM, bar], {0: buy(), 1: sell(**order)})


def check_fill(
    result: BacktestResult, bar: int, price: float, slippage: float, opened: float
) -> None:
    """The last fill: its bar, price and costs, and what they leave in cash."""
    fill = result.fills.iloc[-1]
    assert fill["time"] == result.equity["time"].iloc[bar]
    assert fill["quantity_base"] == SIZE
    assert fill["open_quote"] == opened
    assert fill["price_quote"] == exactly(price)
    assert fill["fee_quote"] == exactly(SIZE * price * FEE)
    assert fill["slippage_quote"] == exactly(slippage)
    before = CASH
    if fill["side"] == "sell":  # of what was bought at an open of 100
        before -= SIZE * 100 * (1 + SLIP) * (1 + FEE)
        after = before + SIZE * price * (1 - FEE)
    else:
        after = before - SIZE * price * (1 + FEE)
    assert result.equity["cash_quote"].iloc[bar] == exactly(after)
    assert result.orders["status"].iloc[-1] == "filled"


def check_waiting(result: BacktestResult) -> None:
    assert result.orders["status"].iloc[-1] == "pending"
    assert [row["order_id"] for row in result.pending] == [len(result.orders)]
    assert len(result.fills) == len(result.orders) - 1


# Limit orders


def test_a_limit_buy_reached_inside_the_bar_fills_at_its_limit_without_slippage() -> None:
    result = trade([CALM, (100, 102, 94, 101)], {0: buy(exectype=LIMIT, price=95)})
    check_fill(result, bar=1, price=95, slippage=0.0, opened=100)


def test_a_limit_buy_fills_at_a_better_open_with_slippage() -> None:
    result = trade([CALM, (90, 92, 88, 91)], {0: buy(exectype=LIMIT, price=95)})
    check_fill(result, bar=1, price=90 * 1.0005, slippage=SIZE * 90 * 0.0005, opened=90)


def test_a_limit_buy_never_pays_more_than_its_limit() -> None:
    assert 94.99 * (1 + SLIP) > 95
    result = trade([CALM, (94.99, 99, 94, 96)], {0: buy(exectype=LIMIT, price=95)})
    check_fill(result, bar=1, price=95, slippage=SIZE * (95 - 94.99), opened=94.99)


def test_a_limit_buy_that_the_bar_just_touches_is_filled() -> None:
    result = trade([CALM, (100, 101, 95, 100)], {0: buy(exectype=LIMIT, price=95)})
    check_fill(result, bar=1, price=95, slippage=0.0, opened=100)


def test_a_limit_buy_that_is_not_reached_waits() -> None:
    result = trade([CALM, (100, 101, 95.01, 100)], {0: buy(exectype=LIMIT, price=95)})
    check_waiting(result)
    assert result.equity["cash_quote"].tolist() == [CASH, CASH]


def test_a_limit_buy_waits_until_a_later_bar_reaches_it() -> None:
    bars = [CALM, (100, 101, 96, 100), (100, 101, 97, 99), (99, 99, 94, 98)]
    result = trade(bars, {0: buy(exectype=LIMIT, price=95)})
    check_fill(result, bar=3, price=95, slippage=0.0, opened=99)


def test_a_limit_sale_reached_inside_the_bar_fills_at_its_limit_without_slippage() -> None:
    result = bought_then((100, 106, 99, 101), exectype=LIMIT, price=105)
    check_fill(result, bar=2, price=105, slippage=0.0, opened=100)


def test_a_limit_sale_fills_at_a_better_open_with_slippage() -> None:
    result = bought_then((110, 112, 108, 111), exectype=LIMIT, price=105)
    check_fill(result, bar=2, price=110 * 0.9995, slippage=SIZE * 110 * 0.0005, opened=110)


def test_a_limit_sale_never_receives_less_than_its_limit() -> None:
    assert 105.01 * (1 - SLIP) < 105
    result = bought_then((105.01, 106, 100, 104), exectype=LIMIT, price=105)
    check_fill(result, bar=2, price=105, slippage=SIZE * (105.01 - 105), opened=105.01)


def test_a_limit_sale_that_is_not_reached_waits() -> None:
    check_waiting(bought_then((100, 104.99, 99, 101), exectype=LIMIT, price=105))


# Stop orders


def test_a_stop_buy_touched_inside_the_bar_fills_at_its_price_with_slippage() -> None:
    result = trade([CALM, (100, 106, 99, 104)], {0: buy(exectype=STOP, price=105)})
    check_fill(result, bar=1, price=105 * 1.0005, slippage=SIZE * 105 * 0.0005, opened=100)


def test_a_stop_buy_gapped_over_fills_at_the_open_with_slippage() -> None:
    result = trade([CALM, (108, 110, 107, 109)], {0: buy(exectype=STOP, price=105)})
    check_fill(result, bar=1, price=108 * 1.0005, slippage=SIZE * 108 * 0.0005, opened=108)


def test_a_stop_buy_pays_slippage_beyond_the_high_that_touched_it() -> None:
    result = trade([CALM, (100, 105, 99, 104)], {0: buy(exectype=STOP, price=105)})
    check_fill(result, bar=1, price=105 * 1.0005, slippage=SIZE * 105 * 0.0005, opened=100)


def test_a_stop_buy_that_is_not_touched_waits() -> None:
    check_waiting(trade([CALM, (100, 104.99, 99, 104)], {0: buy(exectype=STOP, price=105)}))


def test_a_stop_sale_touched_inside_the_bar_fills_at_its_price_with_slippage() -> None:
    result = bought_then((100, 101, 94, 96), exectype=STOP, price=95)
    check_fill(result, bar=2, price=95 * 0.9995, slippage=SIZE * 95 * 0.0005, opened=100)


def test_a_stop_sale_gapped_over_fills_at_the_open_with_slippage() -> None:
    result = bought_then((90, 92, 88, 91), exectype=STOP, price=95)
    check_fill(result, bar=2, price=90 * 0.9995, slippage=SIZE * 90 * 0.0005, opened=90)


def test_a_stop_sale_that_is_not_touched_waits() -> None:
    check_waiting(bought_then((100, 101, 95.01, 96), exectype=STOP, price=95))


# Stop-limit orders


def test_a_stop_limit_buy_fills_at_its_stop_with_slippage_where_the_limit_allows_it() -> None:
    order = buy(exectype=STOP_LIMIT, price=105, plimit=106)
    result = trade([CALM, (100, 107, 99, 104)], {0: order})
    check_fill(result, bar=1, price=105 * 1.0005, slippage=SIZE * 105 * 0.0005, opened=100)


def test_a_stop_limit_buy_never_pays_more_than_its_limit() -> None:
    order = buy(exectype=STOP_LIMIT, price=105, plimit=105.02)
    result = trade([CALM, (100, 107, 99, 104)], {0: order})
    check_fill(result, bar=1, price=105.02, slippage=SIZE * 0.02, opened=100)


def test_a_stop_limit_buy_that_gaps_over_its_limit_waits_for_the_price_to_return() -> None:
    order = buy(exectype=STOP_LIMIT, price=105, plimit=106)
    result = trade([CALM, (110, 112, 108, 109), (109, 109, 104, 107)], {0: order})
    check_fill(result, bar=2, price=106, slippage=0.0, opened=109)


def test_a_stop_limit_buy_woken_in_one_bar_fills_as_a_limit_in_a_later_one() -> None:
    order = buy(exectype=STOP_LIMIT, price=105, plimit=103)
    bars = [CALM, (100, 106, 99, 104), (104, 105, 103.5, 104), (104, 104, 102, 103)]
    result = trade(bars, {0: order})
    check_fill(result, bar=3, price=103, slippage=0.0, opened=104)


def test_a_stop_limit_buy_that_is_not_woken_does_not_fill_at_its_limit() -> None:
    order = buy(exectype=STOP_LIMIT, price=105, plimit=103)
    check_waiting(trade([CALM, (100, 104, 99, 103), (103, 104, 100, 102)], {0: order}))


def test_a_stop_limit_sale_fills_at_its_stop_with_slippage_where_the_limit_allows_it() -> None:
    result = bought_then((100, 101, 93, 96), exectype=STOP_LIMIT, price=95, plimit=94)
    check_fill(result, bar=2, price=95 * 0.9995, slippage=SIZE * 95 * 0.0005, opened=100)


def test_a_stop_limit_sale_never_receives_less_than_its_limit() -> None:
    result = bought_then((100, 101, 93, 96), exectype=STOP_LIMIT, price=95, plimit=94.98)
    check_fill(result, bar=2, price=94.98, slippage=SIZE * 0.02, opened=100)


def test_a_stop_limit_sale_that_gaps_below_its_limit_waits_for_the_price_to_return() -> None:
    bars = [CALM, CALM, (90, 92, 88, 91), (91, 96, 90, 95)]
    order = sell(exectype=STOP_LIMIT, price=95, plimit=94)
    result = trade(bars, {0: buy(), 1: order})
    check_fill(result, bar=3, price=94, slippage=0.0, opened=91)


# Until when an order waits


@pytest.mark.parametrize(
    "valid",
    [
        datetime.timedelta(days=2),
        datetime.datetime(2024, 1, 3),  # noqa: DTZ001 - backtrader's times have no zone
        datetime.datetime(2024, 1, 3, tzinfo=datetime.UTC),
        datetime.date(2024, 1, 3),
    ],
    ids=["timedelta", "datetime", "aware", "date"],
)
def test_an_order_past_its_validity_expires(valid: object) -> None:
    bars = [CALM, CALM, CALM, (100, 100, 90, 95)]
    result = trade(bars, {0: buy(exectype=LIMIT, price=95, valid=valid)})
    order = result.orders.iloc[0]
    assert order["status"] == "expired"
    assert order["valid_until"] == pd.Timestamp("2024-01-03", tz="UTC")
    assert result.fills.empty
    assert result.pending == []
    assert result.equity["cash_quote"].tolist() == [CASH] * 4


def test_an_order_fills_in_the_bar_that_opens_as_its_validity_ends() -> None:
    valid = datetime.timedelta(days=2)
    bars = [CALM, CALM, (100, 100, 90, 95)]
    result = trade(bars, {0: buy(exectype=LIMIT, price=95, valid=valid)})
    check_fill(result, bar=2, price=95, slippage=0.0, opened=100)


def test_a_cancelled_order_is_kept_as_cancelled() -> None:
    def place(strategy: Any) -> None:
        strategy.waiting = strategy.buy(size=SIZE, exectype=LIMIT, price=95)

    bars = [CALM, CALM, (100, 100, 90, 95)]
    result = trade(bars, {0: place, 1: lambda strategy: strategy.cancel(strategy.waiting)})
    assert result.orders["status"].tolist() == ["cancelled"]
    assert result.fills.empty


# Several orders


def test_a_limit_and_a_stop_of_half_each_both_fill_in_a_bar_that_reaches_both() -> None:
    def protect(strategy: Any) -> None:
        strategy.sell(size=SIZE / 2, exectype=LIMIT, price=105)
        strategy.sell(size=SIZE / 2, exectype=STOP, price=95)

    result = trade([CALM, CALM, (100, 106, 94, 100)], {0: buy(), 1: protect})
    assert result.fills["price_quote"].tolist()[1:] == [exactly(105), exactly(95 * (1 - SLIP))]
    assert result.fills["slippage_quote"].tolist()[1:] == [
        exactly(0.0),
        exactly(SIZE / 2 * 95 * SLIP),
    ]
    paid = SIZE * 100 * (1 + SLIP) * (1 + FEE)
    received = SIZE / 2 * (105 + 95 * (1 - SLIP)) * (1 - FEE)
    assert result.equity["cash_quote"].iloc[2] == exactly(CASH - paid + received)
    assert result.weights["quantity_base"].tolist() == [0.0, SIZE, 0.0]


def test_a_second_sale_of_the_same_coins_is_refused() -> None:
    def twice(strategy: Any) -> None:
        strategy.sell(size=SIZE, exectype=STOP, price=95)
        strategy.sell(size=SIZE, exectype=LIMIT, price=105)

    result = trade([CALM, CALM, (100, 106, 94, 100)], {0: buy(), 1: twice})
    assert result.orders["status"].tolist() == ["filled", "filled", "rejected"]
    assert result.orders["reason"].iloc[2] == "sells more than is held (long/flat account)"
    assert result.weights["quantity_base"].iloc[2] == 0.0


def test_a_limit_buy_that_the_cash_cannot_pay_is_rejected() -> None:
    dear = {"exectype": LIMIT, "price": 95}
    result = trade([CALM, (100, 101, 94, 100)], {0: lambda s: s.buy(size=106, **dear)})
    cost = 106 * 95
    assert cost > CASH
    assert result.orders["status"].tolist() == ["rejected"]
    assert result.orders["reason"].tolist() == ["insufficient cash"]


def test_a_bracket_buys_and_leaves_at_whichever_exit_comes_first() -> None:
    def bracket(strategy: Any) -> None:
        strategy.buy_bracket(size=SIZE, exectype=bt.Order.Market, stopprice=95, limitprice=105)

    bars = [CALM, CALM, (100, 106, 99, 101), (101, 101, 90, 92)]
    result = trade(bars, {0: bracket})
    assert result.orders["status"].tolist() == ["filled", "cancelled", "filled"]
    assert result.orders["exec_type"].tolist() == ["market", "stop", "limit"]
    check_fill(result, bar=2, price=105, slippage=0.0, opened=100)


def test_of_two_exits_that_cancel_each_other_one_is_filled() -> None:
    def exits(strategy: Any) -> None:
        stop = strategy.sell(size=SIZE, exectype=STOP, price=95)
        strategy.sell(size=SIZE, exectype=LIMIT, price=105, oco=stop)

    bars = [CALM, CALM, (100, 106, 99, 101), (101, 101, 90, 92)]
    result = trade(bars, {0: buy(), 1: exits})
    assert result.orders["status"].tolist() == ["filled", "cancelled", "filled"]
    check_fill(result, bar=2, price=105, slippage=0.0, opened=100)


# What the files say


def test_the_limit_of_the_last_bar_is_pending_with_its_prices() -> None:
    result = trade([CALM, CALM], {1: buy(exectype=LIMIT, price=95)})
    check_waiting(result)
    (waiting,) = result.pending
    assert (waiting["exec_type"], waiting["limit_price_quote"]) == ("limit", 95.0)
    assert (waiting["stop_price_quote"], waiting["valid_until"]) == (None, None)


def test_the_orders_name_their_kind_prices_and_validity() -> None:
    def all_kinds(strategy: Any) -> None:
        strategy.buy(size=1)
        strategy.buy(size=1, exectype=LIMIT, price=95, valid=datetime.timedelta(days=3))
        strategy.buy(size=1, exectype=STOP, price=105)
        strategy.buy(size=1, exectype=STOP_LIMIT, price=106, plimit=107)

    orders = trade([CALM, CALM], {0: all_kinds}).orders
    assert orders["exec_type"].tolist() == ["market", "limit", "stop", "stop_limit"]
    none = exactly_nan()
    assert orders["limit_price_quote"].tolist() == [none, 95.0, none, 107.0]
    assert orders["stop_price_quote"].tolist() == [none, none, 105.0, 106.0]
    assert orders["valid_until"].notna().tolist() == [False, True, False, False]
    columns = ["exec_type", "limit_price_quote", "stop_price_quote", "valid_until", "status"]
    assert csv_text(orders[columns]) == (
        "exec_type,limit_price_quote,stop_price_quote,valid_until,status\n"
        "market,,,,filled\n"
        "limit,95.0,,2024-01-04T00:00:00Z,pending\n"
        "stop,,105.0,,pending\n"
        "stop_limit,107.0,106.0,,pending\n"
    )


def exactly_nan() -> object:
    return pytest.approx(math.nan, nan_ok=True)


def test_the_slippage_of_the_equity_is_that_of_every_kind_of_fill() -> None:
    def all_kinds(strategy: Any) -> None:
        strategy.buy(size=1)
        strategy.buy(size=1, exectype=LIMIT, price=95)
        strategy.buy(size=1, exectype=STOP, price=105)

    result = trade([CALM, (100, 106, 94, 100)], {0: all_kinds})
    market, limit, stop = 100 * SLIP, 0.0, 105 * SLIP
    assert result.fills["slippage_quote"].tolist() == [
        exactly(market), exactly(limit), exactly(stop),
    ]  # fmt: skip
    assert result.equity["slippage_quote"].tolist() == [0.0, exactly(market + limit + stop)]


def test_a_stop_below_the_minimum_notional_is_refused() -> None:
    result = trade([CALM, CALM], {0: lambda s: s.buy(size=0.05, exectype=STOP, price=105)})
    assert result.orders["reason"].tolist() == ["below the minimum notional of 10"]


@pytest.mark.parametrize("kind", ["Close", "StopTrail", "StopTrailLimit"])
def test_an_order_of_another_kind_is_refused_and_kept(kind: str) -> None:
    order = {"exectype": getattr(bt.Order, kind), "price": 95, "plimit": 94, "trailamount": 1}
    result = bought_then((100, 106, 90, 100), **order)
    assert result.orders["status"].tolist() == ["filled", "rejected"]
    reason = "only market, limit, stop, stop_limit orders are simulated"
    assert result.orders["reason"].tolist() == ["", reason]
    assert len(result.fills) == 1


def test_a_stop_limit_without_a_limit_takes_its_stop_as_the_limit() -> None:
    result = trade([CALM, (100, 107, 99, 104)], {0: buy(exectype=STOP_LIMIT, price=105)})
    check_fill(result, bar=1, price=105, slippage=0.0, opened=100)
    assert result.orders["limit_price_quote"].tolist() == [105.0]
