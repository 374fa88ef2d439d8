"""Accounts that may be short: what opens, what it costs to hold, and when it is taken away."""

from typing import Any

import backtrader as bt
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.strategies.registry import STRATEGIES, StrategySpec

from .accounts import CASH, FEE, FREE, SLIP, make_market, make_settings, scripted

CALM = make_market([(100, 100)] * 5)
SHORT: dict[str, Any] = {"allow_short": True}


def exactly(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-9)


def short(
    market: MarketData, weights: list[float], account: dict[str, Any] | None = None, **costs: float
) -> BacktestResult:
    """The account of a script of weights, without fees unless they are given."""
    settings = make_settings(sizing=SHORT, account=account or {}, costs={**FREE, **costs})
    return run_backtest([market], None, scripted(weights), settings)


def acted(market: MarketData, act: Any, **sections: Any) -> BacktestResult:
    """The account of a stock strategy that does ``act(strategy, bar number)``."""

    class Acting(bt.Strategy):
        def next(self) -> None:
            act(self, len(self.data) - 1)

    trader = Trader(StrategySpec("stock", "of the tests", Acting), {})
    return run_backtest([market], None, trader, make_settings(sizing=SHORT, **sections))


def test_a_short_sale_brings_cash_and_loses_when_the_price_rises() -> None:
    market = make_market([(100, 100), (100, 100), (100, 110), (110, 110)])
    result = run_backtest([market], None, scripted([-0.5, -0.5, -0.5, -0.5]),
                          make_settings(sizing=SHORT))  # fmt: skip
    price = 100 * (1 - SLIP)
    cash = CASH + 50 * price * (1 - FEE)
    assert result.equity["cash_quote"].iloc[1] == exactly(cash)
    assert result.equity["equity_quote"].tolist()[1:3] == [
        exactly(cash - 50 * 100), exactly(cash - 50 * 110),
    ]  # fmt: skip
    assert result.weights["quantity_base"].tolist()[:3] == [0.0, exactly(-50), exactly(-50)]
    assert result.weights["weight"].iloc[2] == exactly(-50 * 110 / (cash - 50 * 110))
    assert result.equity["net_weight"].iloc[2] == exactly(-result.equity["gross_weight"].iloc[2])


def test_a_flip_is_one_order_that_closes_and_opens_and_two_trades() -> None:
    result = short(CALM, [0.5, -0.3, -0.3, -0.3, -0.3], fee_bps=10.0)
    assert result.orders["quantity_base"].iloc[1] == pytest.approx(80, abs=0.1)
    assert result.orders["side"].tolist() == ["buy", "sell"]
    assert result.trades["direction"].tolist() == ["long", "short"]
    assert result.trades["open"].tolist() == [False, True]
    fee = result.fills["fee_quote"].iloc[1]
    flipped = result.fills["quantity_base"].iloc[1]
    own = result.trades["fees_quote"]
    assert own.iloc[1] == exactly(fee * (flipped - 50) / flipped)
    assert own.sum() == exactly(result.fills["fee_quote"].sum())


def test_leaving_a_short_buys_back_exactly_what_was_sold() -> None:
    result = short(make_market([(100, 103)] * 5), [-0.37, -0.37, 0.0, 0.0, 0.0])
    assert result.weights["quantity_base"].iloc[-1] == 0.0
    (trade,) = result.trades.to_dict("records")
    assert trade["direction"] == "short"
    assert not trade["open"]


def test_longs_pay_funding_and_shorts_receive_it_but_pay_for_what_they_borrow() -> None:
    rates = {"funding_bps_per_day": 10.0, "borrow_bps_per_day": 4.0}
    bought = short(CALM, [0.5] * 5, **rates).equity["funding_quote"]
    sold = short(CALM, [-0.5] * 5, **rates).equity["funding_quote"]
    assert bought.tolist()[:2] == [0.0, exactly(5000 * 0.0010)]
    assert sold.tolist()[:2] == [0.0, exactly(5000 * (-0.0010 + 0.0004))]


def test_opening_more_than_the_margin_allows_is_refused_when_it_would_fill() -> None:
    def sell_too_much(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.sell(size=101)

    result = acted(CALM, sell_too_much, costs=FREE)
    assert result.orders["status"].tolist() == ["rejected"]
    assert result.orders["reason"].tolist() == ["insufficient margin"]
    half = acted(CALM, sell_too_much, costs=FREE, account={"initial_margin": 0.5})
    assert half.orders["status"].tolist() == ["filled"]


def test_money_can_be_borrowed_under_a_lower_initial_margin() -> None:
    def buy_double(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.buy(size=190)

    result = acted(CALM, buy_double, costs=FREE, account={"initial_margin": 0.5})
    assert result.equity["cash_quote"].iloc[-1] == exactly(CASH - 19_000)
    assert result.equity["equity_quote"].iloc[-1] == exactly(CASH)


def test_a_reduction_is_filled_where_nothing_more_could_be_opened() -> None:
    market = make_market([(100, 100), (100, 100), (100, 150), (150, 150), (150, 150)])

    def sell_then_cover(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.sell(size=90)
        if bar == 2:
            strategy.buy(size=10)

    result = acted(market, sell_then_cover, costs=FREE)
    assert result.orders["status"].tolist() == ["filled", "filled"]


def test_below_the_maintenance_margin_everything_is_closed_at_the_next_open() -> None:
    # Short 90 at 100: equity 10 000 − 90·(p − 100). At 155: 5 050 < 0.4 · 13 950.
    market = make_market([(100, 100), (100, 100), (100, 155), (160, 160), (160, 160)])
    seen: list[float] = []

    def sell_and_bid(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.sell(size=90)
        if bar == 1:
            strategy.buy(size=10, price=50, exectype=bt.Order.Limit)
        if bar == 2:
            strategy.sell(size=1)
        seen.append(strategy.getposition().size)

    result = acted(market, sell_and_bid, costs=FREE, account={"maintenance_margin": 0.4})
    orders = result.orders.set_index("order_id")
    assert orders["status"].tolist() == ["filled", "cancelled", "filled", "rejected"]
    assert orders["reason"].tolist() == ["", "margin call", "margin call", "margin call"]
    assert result.fills["time"].iloc[-1] == market.times[3]
    assert result.fills["price_quote"].iloc[-1] == 160.0
    assert result.equity["equity_quote"].iloc[-1] == exactly(CASH - 90 * 60)
    assert seen == [0, -90, -90, 0, 0]


def test_a_gap_beyond_the_margin_leaves_a_debt_that_is_shown() -> None:
    market = make_market([(100, 100), (100, 100), (300, 300), (300, 300), (300, 300)])
    result = short(market, [-0.9] * 5)
    assert result.equity["equity_quote"].iloc[2] == exactly(CASH - 90 * 200)
    assert result.equity["return"].tolist()[3:] == [0.0, 0.0]
    assert result.weights["quantity_base"].iloc[-1] == 0.0


@pytest.mark.parametrize("name", ["sma_trend", "momentum"])
def test_rules_are_short_below_their_line_where_they_may_be(name: str) -> None:
    falling = make_market([(100 - n, 99 - n) for n in range(12)])
    params = {"sma_trend": {"window": 3}, "momentum": {"lookback": 3}}[name]
    trader = Trader(STRATEGIES[name], params)
    flat = run_backtest([falling], None, trader, make_settings())
    sold = run_backtest([falling], None, trader, make_settings(sizing=SHORT))
    assert flat.fills.empty
    assert sold.equity["equity_quote"].iloc[-1] > CASH
    assert -1 < sold.equity["net_weight"].min() < -0.95


def test_a_sale_without_coins_and_without_a_size_is_short_here_and_refused_in_long_flat() -> None:
    class Sells(bt.Strategy):
        def next(self) -> None:
            if not self.position:
                self.sell()

    trader = Trader(StrategySpec("stock", "of the tests", Sells), {})
    sold = run_backtest([CALM], None, trader, make_settings(sizing=SHORT, costs=FREE))
    flat = run_backtest([CALM], None, trader, make_settings(costs=FREE))
    assert sold.weights["weight"].iloc[-1] == pytest.approx(-1 / 1.01)
    assert flat.fills.empty
    assert set(flat.orders["reason"]) == {"sells more than is held (long/flat account)"}


def test_two_symbols_are_judged_by_their_gross_value() -> None:
    other = make_market([(50, 50)] * 5, "OTHER")
    script = {"COIN": [0.6] * 5, "OTHER": [-0.6] * 5}
    settings = make_settings(sizing=SHORT, costs=FREE)
    result = run_backtest([CALM, other], None, scripted(script), settings)
    last = result.weights.tail(2).set_index("symbol")["weight"]
    assert last["COIN"] == pytest.approx(0.5, abs=0.01)
    assert last["OTHER"] == pytest.approx(-0.5, abs=0.01)
    assert result.equity["net_weight"].iloc[-1] == pytest.approx(0.0, abs=0.01)
