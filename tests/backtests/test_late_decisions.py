"""Decisions that were made after the open they were meant for: when they fill, and what replaces
them.
"""

from typing import Any

import backtrader as bt
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import BacktestResult
from cryptobt.strategies.registry import StrategySpec

from .accounts import CASH, FREE, acting, make_market, make_settings, scripted

MARKET = make_market([(100, 100), (110, 111), (120, 121), (130, 131), (140, 141)])
DAYS = MARKET.times
HOUR = pd.Timedelta(hours=1)


def run(
    trader: Trader, decided_at: dict[pd.Timestamp, pd.Timestamp], **sections: Any
) -> BacktestResult:
    settings = make_settings(**({"costs": FREE} | sections))
    return run_backtest([MARKET], None, trader, settings, decided_at=decided_at)


def test_a_decision_within_the_deadline_fills_at_the_open_before_it() -> None:
    # bar 0 closes at 00:00 of day 1; four hours later is the last instant that is on time
    at = DAYS[1] + 4 * HOUR
    result = run(scripted([0.5] * 5), {DAYS[0]: at})
    assert result.fills["time"].tolist() == [DAYS[1]]
    assert result.fills["late"].tolist() == [False]
    assert result.orders["decided_at"].iloc[0] == at


def test_a_decision_after_it_fills_at_the_first_open_after_its_instant() -> None:
    nothing_new = [0.5, *[float("nan")] * 4]
    result = run(scripted(nothing_new), {DAYS[0]: DAYS[1] + 4 * HOUR + pd.Timedelta(seconds=1)})
    fill = result.fills.iloc[0]
    assert (fill["time"], fill["late"]) == (DAYS[2], True)
    # decided at the close of 100 for half of 10,000: 50 units, bought at the open of 120
    assert fill["quantity_base"] == 0.5 * CASH / 100
    assert fill["price_quote"] == 120.0
    later = run(scripted(nothing_new), {DAYS[0]: DAYS[3]})
    assert later.fills["time"].tolist() == [DAYS[3]]
    assert run(scripted(nothing_new), {DAYS[0]: DAYS[4] + HOUR}).fills.empty


def test_the_deadline_is_a_setting() -> None:
    at = {DAYS[0]: DAYS[1] + 22 * HOUR}
    result = run(scripted([0.5] * 5), at, paper={"decision_deadline_hours": 22})
    assert result.fills["time"].tolist() == [DAYS[1]]


def test_of_nights_that_are_caught_up_together_the_newest_decision_is_traded() -> None:
    # three nights decided at one instant: two late, the third within its deadline
    at = dict.fromkeys(DAYS[:3], DAYS[3] + HOUR)
    result = run(scripted([0.5, 0.25, 0.2, float("nan"), float("nan")]), at)
    assert result.orders["status"].tolist() == ["cancelled", "cancelled", "filled"]
    assert result.orders["reason"].tolist() == ["replaced by a later decision"] * 2 + [""]
    fill = result.fills.iloc[0]
    assert (fill["time"], fill["late"]) == (DAYS[3], False)
    # decided at the close of 121 for a fifth of 10,000, filled at the open of 130
    assert fill["quantity_base"] == pytest.approx(0.2 * CASH / 121, abs=1e-8)
    assert result.equity["equity_quote"].tolist()[:3] == [CASH] * 3


def test_a_decision_without_an_opinion_leaves_the_late_order_waiting() -> None:
    result = run(scripted([0.5, *[float("nan")] * 4]), dict.fromkeys(DAYS[:3], DAYS[3] + HOUR))
    assert result.fills["time"].tolist() == [DAYS[4]]


def test_a_stock_strategy_keeps_its_late_order_and_is_told_when_it_fills() -> None:
    told = []

    class BuysOnce(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=1)

        def notify_order(self, order: Any) -> None:
            told.append((len(self), order.getstatusname()))

    trader = Trader(StrategySpec("tested", "", BuysOnce), {})
    result = run(trader, {DAYS[0]: DAYS[2] + HOUR})
    assert result.fills["time"].tolist() == [DAYS[3]]
    assert told == [(2, "Submitted"), (2, "Accepted"), (4, "Completed")]


def test_a_late_stop_is_not_touched_by_bars_before_its_instant() -> None:
    def act(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.buy(size=10, exectype=bt.Order.Stop, price=115)

    assert run(acting(act), {}).fills["time"].tolist() == [DAYS[2]]
    late = run(acting(act), {DAYS[0]: DAYS[2] + HOUR})
    assert late.fills["time"].tolist() == [DAYS[3]]
    assert late.fills["open_quote"].tolist() == [130.0]


def test_a_margin_call_is_the_exchange_s_and_never_late() -> None:
    market = make_market([(100, 100), (100, 100), (100, 170), (170, 170), (170, 170)])
    settings = make_settings(
        costs=FREE,
        sizing={"allow_short": True, "gap_reserve": 0.0},
        account={"initial_margin": 1.0},
    )
    at = {market.times[2]: market.times[3] + 12 * HOUR}
    sells_once = scripted([-1.0, *[float("nan")] * 4])
    result = run_backtest([market], None, sells_once, settings, decided_at=at)
    # equity 10,000 − 70·100 = 3,000 is under a quarter of 100·170 = 17,000
    called = result.fills.iloc[-1]
    assert called["side"] == "buy"
    assert (called["time"], called["late"]) == (market.times[3], False)


def test_with_every_decision_on_time_the_account_is_the_backtest_s() -> None:
    trader = scripted([0.5, 0.1, 0.9, 0.0, 0.4])
    at = {day: day + 24 * HOUR + HOUR / 2 for day in DAYS}
    live, plain = run(trader, at), run(trader, {})
    pd.testing.assert_frame_equal(live.equity, plain.equity)
    pd.testing.assert_frame_equal(live.fills, plain.fills)
    columns = [name for name in plain.orders if name != "decided_at"]
    pd.testing.assert_frame_equal(live.orders[columns], plain.orders[columns])


def test_an_account_that_is_always_late_trades_every_decision_two_opens_later() -> None:
    market = make_market([(100, 100)] * 8)
    days = market.times
    at = {day: day + 24 * HOUR + 5 * HOUR for day in days}
    target = [0.5, 0.5, 0.2, 0.2, 0.0, 0.0, 0.8, 0.8]
    result = run_backtest([market], None, scripted(target), make_settings(costs=FREE),
                          decided_at=at)  # fmt: skip
    # decided five hours after the open that followed: filled at the next one, two bars on
    fills = result.fills[["time", "side", "quantity_base", "late"]].to_numpy().tolist()
    assert fills == [
        [days[2], "buy", 50.0, True],
        [days[4], "sell", 30.0, True],
        [days[6], "sell", 20.0, True],
    ]
    assert "cancelled" not in set(result.orders["status"])
    assert [order["quantity_base"] for order in result.pending] == [80.0]


def test_what_comes_is_paid_before_a_late_decision_spends_the_rest() -> None:
    flat = [(100, 100)] * 6
    markets = [make_market(flat, "A"), make_market(flat, "B")]
    at = {day: day + 24 * HOUR + 5 * HOUR for day in markets[0].times}
    weights = {"A": [0.7] * 6, "B": [0.0, 0.9, 0.9, 0.9, 0.9, 0.9]}
    settings = make_settings(costs=FREE, sizing={"rebalance_band": 0.0, "gap_reserve": 0.0})
    result = run_backtest(markets, None, scripted(weights), settings, decided_at=at)
    assert result.equity["cash_quote"].min() >= 0
    assert "rejected" not in set(result.orders["status"])
    # 0.7 and 0.9 under a cap of 1 are 0.4375 and 0.5625
    last = result.weights[result.weights["time"] == markets[0].times[-1]]
    assert last["weight"].tolist() == pytest.approx([0.4375, 0.5625], abs=1e-6)


def test_a_late_decision_cannot_take_back_what_filled_before_it() -> None:
    def act(strategy: Any, bar: int) -> None:
        if bar == 0:
            strategy.order = strategy.buy(size=10, exectype=bt.Order.Limit, price=105)
        if bar == 1:
            strategy.cancel(strategy.order)

    dips = make_market([(110, 110), (110, 110), (100, 110), (110, 110), (110, 110)])
    settings = make_settings(costs=FREE)
    assert run_backtest([dips], None, acting(act), settings).fills.empty
    late = {dips.times[1]: dips.times[3] + HOUR}
    filled = run_backtest([dips], None, acting(act), settings, decided_at=late)
    assert filled.fills["time"].tolist() == [dips.times[2]]
    still = make_market([(110, 110)] * 5)
    taken = run_backtest([still], None, acting(act), settings, decided_at=late)
    assert taken.orders["status"].tolist() == ["cancelled"]


def test_of_nights_caught_up_a_stock_strategy_s_newest_order_of_a_symbol_is_traded() -> None:
    class Wants(bt.Strategy):
        def next(self) -> None:
            if not self.position:
                self.buy(size=10)

    trader = Trader(StrategySpec("tested", "", Wants), {})
    result = run(trader, dict.fromkeys(DAYS[:3], DAYS[3] + HOUR))
    assert result.orders["status"].tolist()[:3] == ["cancelled", "cancelled", "filled"]
    assert result.fills["quantity_base"].tolist() == [10.0]


def test_an_order_without_a_newer_one_of_its_symbol_is_kept() -> None:
    class Once(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=10)

    trader = Trader(StrategySpec("tested", "", Once), {})
    result = run(trader, dict.fromkeys(DAYS[:3], DAYS[3] + HOUR))
    assert result.fills["time"].tolist() == [DAYS[4]]
