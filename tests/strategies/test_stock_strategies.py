"""Any backtrader strategy starts on time, can pay for what it buys, and keeps its own sizes."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core import columns
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.data.sample import simulate
from cryptobt.strategies.registry import StrategySpec
from cryptobt.strategies.stock import AllInSizer
from cryptobt.strategies.user_code import StrategyError

from ..backtests.accounts import CASH, FEE, SLIP, flat_market, make_market, make_settings

ROOM = (1 + FEE) * (1 + SLIP) * (1 + 0.01)


def run(
    strategy: type[Any],
    market: MarketData,
    forecasts: Forecasts | None = None,
    settings: Settings | None = None,
    preload: bool = True,
    **params: Any,
) -> BacktestResult:
    """Trade a class as if it had come from this file."""
    spec = StrategySpec(strategy.__name__, "", strategy, file=__file__)
    forecaster = None if forecasts is None else "f"
    return run_backtest(
        [market], forecasts, Trader(spec, params, forecaster), settings or make_settings(),
        preload=preload,
    )  # fmt: skip


class SmaCross(bt.Strategy):
    params: ClassVar[Any] = (("fast", 5), ("slow", 15))

    def __init__(self) -> None:
        fast = bt.indicators.SMA(self.data.close, period=self.p.fast)
        slow = bt.indicators.SMA(self.data.close, period=self.p.slow)
        self.cross = bt.indicators.CrossOver(fast, slow)

    def next(self) -> None:
        if not self.position and self.cross[0] > 0:
            self.buy()
        elif self.position and self.cross[0] < 0:
            self.close()


MARKET = simulate("X", 400, seed=5).market


def test_a_crossing_of_averages_trades_and_every_order_is_paid() -> None:
    result = run(SmaCross, MARKET)
    assert len(result.trades) > 5
    assert set(result.orders["status"]) <= {"filled", "pending"}
    assert set(result.orders["reason"]) == {""}
    assert result.equity["cash_quote"].min() >= 0
    closed = result.trades[~result.trades["open"]]
    assert len(closed) > 5
    held = result.weights["weight"]
    assert held.max() > 0.95
    assert held.min() == 0.0


def test_a_stock_strategy_has_neither_targets_nor_scores() -> None:
    result = run(SmaCross, MARKET)
    assert result.weights["target_weight"].isna().all()
    assert result.orders["target_weight"].isna().all()
    assert result.scores["score"].isna().all()


def test_reading_bar_by_bar_gives_the_same_account() -> None:
    fast, slow = run(SmaCross, MARKET), run(SmaCross, MARKET, preload=False)
    pd.testing.assert_frame_equal(fast.equity, slow.equity)
    pd.testing.assert_frame_equal(fast.orders, slow.orders)


# Sizes


class BuyOnce(bt.Strategy):
    params: ClassVar[Any] = (("size", None),)

    def next(self) -> None:
        if not self.position:
            self.buy(size=self.p.size)


def test_a_buy_without_a_size_spends_the_cash_with_room_for_costs_and_a_gap() -> None:
    market = make_market([(30_000, 30_000), (30_250, 30_200), (30_200, 30_200)])
    result = run(BuyOnce, market)
    quantity = math.floor(CASH / (30_000 * ROOM) * 1e8) / 1e8
    assert result.orders["status"].tolist() == ["filled"]
    assert result.fills["quantity_base"].tolist() == [quantity]
    spent = quantity * 30_250 * (1 + SLIP) * (1 + FEE)
    assert result.equity["cash_quote"].iloc[-1] == pytest.approx(CASH - spent, rel=1e-12)


def test_a_buy_whose_open_is_above_the_reserve_is_rejected_visibly() -> None:
    market = make_market([(100, 100), (102, 102), (102, 102)])
    result = run(BuyOnce, market)
    assert result.orders["status"].tolist()[0] == "rejected"
    assert result.orders["reason"].tolist()[0] == "insufficient cash"


def test_sizes_are_rounded_down_to_lots() -> None:
    settings = make_settings(sizing={"lot_step": 0.5})
    result = run(BuyOnce, flat_market(300, 3), settings=settings)
    affordable = CASH / (300 * ROOM)
    assert 32.5 < affordable < 33.0
    assert result.fills["quantity_base"].tolist() == [32.5]


def test_an_explicit_size_is_kept() -> None:
    result = run(BuyOnce, flat_market(100, 3), size=7.25)
    assert result.fills["quantity_base"].tolist() == [7.25]


class BuyThenSell(bt.Strategy):
    def next(self) -> None:
        if len(self) == 1:
            self.buy()
        elif len(self) == 3:
            self.sell()


def test_a_sale_without_a_size_sells_all_that_is_held() -> None:
    result = run(BuyThenSell, flat_market(97.31, 5))
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.weights["quantity_base"].iloc[-1] == 0.0
    assert result.trades["open"].tolist() == [False]


class OwnSizer(BuyOnce):
    def __init__(self) -> None:
        self.setsizer(bt.sizers.PercentSizer(percents=50))


class FixedSizer(BuyOnce):
    def __init__(self) -> None:
        self.setsizer(bt.sizers.FixedSize(stake=3))


class SizerAtStart(BuyOnce):
    def start(self) -> None:
        self.setsizer(bt.sizers.FixedSize(stake=2))


@pytest.mark.parametrize(("strategy", "size"), [(OwnSizer, 50.0), (FixedSizer, 3.0),
                                                (SizerAtStart, 2.0)])  # fmt: skip
def test_a_sizer_of_its_own_is_kept(strategy: type[Any], size: float) -> None:
    result = run(strategy, flat_market(100, 3))
    assert result.fills["quantity_base"].tolist() == [size]


def test_the_sizer_that_stands_in_is_the_all_in_one() -> None:
    seen: list[type[Any]] = []

    class Looks(BuyOnce):
        def next(self) -> None:
            seen.append(type(self.getsizer()))

    run(Looks, flat_market(100, 2))
    assert set(seen) == {AllInSizer}


# When it is called


class Diary(bt.Strategy):
    """Writes down what it is called for, and at which bar (from 1)."""

    params: ClassVar[Any] = (("period", 1), ("book", None))

    def __init__(self) -> None:
        self.average = bt.indicators.SMA(self.data.close, period=self.p.period)

    def prenext(self) -> None:
        self.p.book.append(("prenext", len(self)))

    def nextstart(self) -> None:
        self.p.book.append(("nextstart", len(self)))
        self.buy(size=1)

    def next(self) -> None:
        self.p.book.append(("next", len(self)))


def diary(period: int, start: str | None, bars: int = 6) -> tuple[list[tuple[str, int]], Any]:
    book: list[tuple[str, int]] = []
    settings = make_settings(data={"start": start})
    result = run(Diary, flat_market(100, bars), settings=settings, period=period, book=book)
    return book, result


def test_without_a_start_it_is_called_as_backtrader_does() -> None:
    book, _ = diary(period=3, start=None)
    assert book == [("prenext", 1), ("prenext", 2), ("nextstart", 3), ("next", 4), ("next", 5),
                    ("next", 6)]  # fmt: skip


def test_before_the_start_it_is_not_called_and_nextstart_comes_once_at_the_start() -> None:
    book, result = diary(period=2, start="2024-01-04")
    assert book == [("nextstart", 4), ("next", 5), ("next", 6)]
    assert result.orders["time"].tolist() == [pd.Timestamp("2024-01-04", tz="UTC")]
    assert result.fills["time"].tolist() == [pd.Timestamp("2024-01-05", tz="UTC")]


def test_an_indicator_that_warms_up_past_the_start_delays_nextstart() -> None:
    book, _ = diary(period=5, start="2024-01-03")
    assert book == [("prenext", 3), ("prenext", 4), ("nextstart", 5), ("next", 6)]


def test_an_indicator_ready_at_the_start_makes_nextstart_the_first_call() -> None:
    book, _ = diary(period=3, start="2024-01-03")
    assert book == [("nextstart", 3), ("next", 4), ("next", 5), ("next", 6)]


def test_a_history_shorter_than_the_indicator_only_warms_up() -> None:
    book, result = diary(period=9, start=None)
    assert book == [("prenext", bar) for bar in range(1, 7)]
    assert result.equity["equity_quote"].tolist() == [CASH] * 6


def test_a_strategy_without_nextstart_begins_with_next() -> None:
    settings = make_settings(data={"start": "2024-01-04"})
    result = run(BuyOnce, flat_market(100, 6), settings=settings)
    assert result.orders["time"].tolist() == [pd.Timestamp("2024-01-04", tz="UTC")]
    assert result.equity["time"].iloc[0] == pd.Timestamp("2024-01-04", tz="UTC")


def test_indicators_see_the_bars_before_the_start() -> None:
    seen: list[float] = []

    class Reads(bt.Strategy):
        def __init__(self) -> None:
            self.average = bt.indicators.SMA(self.data.close, period=3)

        def next(self) -> None:
            seen.append(self.average[0])

    market = make_market([(price, price) for price in (1, 2, 3, 7, 8, 9)])
    run(Reads, market, settings=make_settings(data={"start": "2024-01-04"}))
    assert seen == [(2 + 3 + 7) / 3, (3 + 7 + 8) / 3, (7 + 8 + 9) / 3]


class ByCrossing(bt.SignalStrategy):
    """backtrader's own kind of signals, which renames ``next``."""

    def __init__(self) -> None:
        rising = self.data.close - self.data.open
        self.signal_add(bt.SIGNAL_LONG, rising)


def test_backtraders_own_signals_trade() -> None:
    rows = [(100, 99), (99, 100), (100, 101), (101, 100), (100, 99), (99, 98)]
    result = run(ByCrossing, make_market(rows))
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert set(result.orders["status"]) == {"filled"}


def test_backtraders_own_signals_begin_at_the_start() -> None:
    rows = [(100, 101)] * 6
    result = run(
        ByCrossing, make_market(rows), settings=make_settings(data={"start": "2024-01-04"})
    )
    assert result.orders["time"].tolist()[:1] == [pd.Timestamp("2024-01-04", tz="UTC")]
    assert result.equity["cash_quote"].iloc[0] == CASH


# What it sees

LINES = ("score", "expected_return", "p_up", "q05", "q95")


def lines_seen(market: MarketData, forecasts: Forecasts | None) -> list[list[float]]:
    seen: list[list[float]] = []

    class Reads(bt.Strategy):
        def next(self) -> None:
            seen.append([getattr(self.data, name)[0] for name in LINES])

    run(Reads, market, forecasts)
    return seen


def forecasts_of(market: MarketData, scores: Sequence[float]) -> Forecasts:
    frame = pd.DataFrame({"time": market.times, "symbol": market.symbol, "forecaster": "f",
                          "horizon_bars": 1, "score": list(scores)})  # fmt: skip
    frame = frame.assign(mean=frame["score"] / 100, p_up=0.5 + frame["score"] / 10,
                         q05=-0.05, q95=0.06)  # fmt: skip
    frame = frame.reindex(columns=list(columns.FORECASTS)).dropna(subset="score")
    return Forecasts(frame.reset_index(drop=True))


def test_without_a_forecaster_the_lines_of_forecasts_are_nan() -> None:
    seen = lines_seen(flat_market(100, 3), None)
    assert np.isnan(seen).all()
    assert np.shape(seen) == (3, 5)


def test_with_a_forecaster_the_lines_are_its_row_of_the_bar_and_nan_where_there_is_none() -> None:
    market = flat_market(100, 3)
    seen = lines_seen(market, forecasts_of(market, [1.0, math.nan, -2.0]))
    np.testing.assert_allclose(
        seen, [[1.0, 0.01, 0.6, -0.05, 0.06], [math.nan] * 5, [-2.0, -0.02, 0.3, -0.05, 0.06]]
    )


def test_the_next_bar_does_not_exist_yet() -> None:
    class Peeks(bt.Strategy):
        def next(self) -> None:
            self.buy(size=self.data.close[1])

    with pytest.raises(StrategyError, match="IndexError"):
        run(Peeks, flat_market(100, 3), preload=False)


# What is refused


@pytest.mark.parametrize("cheat", ["set_coc", "set_coo"])
def test_cheating_on_time_is_refused_by_the_line_that_asks_for_it(cheat: str) -> None:
    class Cheats(bt.Strategy):
        def __init__(self) -> None:
            getattr(self.broker, cheat)(True)

    with pytest.raises(StrategyError) as caught:
        run(Cheats, flat_market(100, 3))
    words = str(caught.value)
    assert words.startswith(f"strategy file {__file__}, line ")
    assert "in __init__" in words
    assert f"{cheat} " in words
    assert "not allowed here" in words


@pytest.mark.parametrize("cheat", ["set_coc", "set_coo"])
def test_asking_for_no_cheating_is_fine(cheat: str) -> None:
    class Honest(BuyOnce):
        def __init__(self) -> None:
            getattr(self.broker, cheat)(False)

    assert run(Honest, flat_market(100, 3)).orders["status"].tolist() == ["filled"]


def test_a_refused_order_reaches_notify_order() -> None:
    told: list[tuple[str, str]] = []

    class Shorts(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.sell(size=1)

        def notify_order(self, order: Any) -> None:
            told.append((order.getstatusname(), order.info.get("reason", "")))

    result = run(Shorts, flat_market(100, 3))
    reason = "sells more than is held (long/flat account)"
    assert ("Rejected", reason) in told
    assert result.orders["reason"].tolist() == [reason]
    assert result.weights["quantity_base"].min() == 0.0


def test_an_order_of_an_unknown_kind_is_refused_visibly() -> None:
    class AtTheClose(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=1, exectype=bt.Order.Close)

    result = run(AtTheClose, flat_market(100, 3))
    assert result.orders["status"].tolist() == ["rejected"]
    reason = "only market, limit, stop, stop_limit orders are simulated"
    assert result.orders["reason"].tolist() == [reason]
    assert result.fills.empty


@pytest.mark.parametrize(("call", "given"), [("setcommission", 0.0), ("add_cash", 1e6),
                                             ("set_slippage_perc", 0.0)])  # fmt: skip
def test_a_strategy_cannot_change_the_costs_and_cash_of_the_rows_beside_it(
    call: str, given: float
) -> None:
    class Cheap(BuyOnce):
        def __init__(self) -> None:
            getattr(self.broker, call)(given)

    with pytest.raises(StrategyError):
        run(Cheap, flat_market(100, 3))
