"""One script through ``run_backtest`` and through the ledger, and where the two accounts differ."""

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import backtrader as bt
import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.oracle.ledger import Delays, Ledger, Script, Weights
from cryptobt.oracle.records import (
    BUY,
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    Bar,
    Cancel,
    Fill,
    Holding,
    Order,
    Request,
    Row,
    Terms,
    Trade,
)
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import StrategySpec

FIRST = pd.Timestamp("2024-01-01", tz="UTC")
# Another order than the alphabet's.
SYMBOLS = ("MID", "LOW", "TOP")
KINDS = {
    MARKET: bt.Order.Market,
    LIMIT: bt.Order.Limit,
    STOP: bt.Order.Stop,
    STOP_LIMIT: bt.Order.StopLimit,
}
SECTIONS = {
    "account": ("cash_quote", "initial_margin", "maintenance_margin"),
    "costs": ("fee_bps", "slippage_bps", "funding_bps_per_day", "borrow_bps_per_day"),
    "sizing": (
        "lot_step", "min_notional_quote", "gap_reserve", "rebalance_band", "max_weight",
        "max_gross", "allow_short",
    ),
    "paper": ("decision_deadline_hours",),
}  # fmt: skip


Dated = TypeVar("Dated", Fill, Holding, Trade)


class Case(NamedTuple):
    """A sequence: the bars of each symbol, the terms, orders or weights, and what came late."""

    markets: Sequence[Sequence[Bar]]
    terms: Terms
    script: Script | Weights
    delays: Delays | None = None


class Sending(bt.Strategy):
    """A stock strategy that sends the orders of a script, one list a call."""

    params = (("script", None), ("slot", None))

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.calls = 0

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        for action in self.p.script.get(self.calls, ()):
            if not isinstance(action, Cancel):
                self._send(action)
            elif action.number <= len(self.sent):
                self.cancel(self.sent[action.number - 1])
        self.calls += 1

    def _send(self, request: Request) -> None:
        prices: dict[str, float | None] = {"price": request.limit}
        if request.kind in (STOP, STOP_LIMIT):
            prices = {"price": request.stop, "plimit": request.limit}
        valid = None
        if request.valid_slots is not None:
            valid = request.valid_slots * self.p.slot
        if request.exits is not None:
            bracket = self.buy_bracket if request.side == BUY else self.sell_bracket
            stop, limit = request.exits
            self.sent += bracket(
                data=self.datas[request.symbol], size=request.size, exectype=KINDS[request.kind],
                valid=valid, stopprice=stop, limitprice=limit, **prices,
            )  # fmt: skip
            return
        order = (self.buy if request.side == BUY else self.sell)(
            data=self.datas[request.symbol], size=request.size, exectype=KINDS[request.kind],
            valid=valid, **prices,
        )  # fmt: skip
        if order is not None:
            self.sent.append(order)


class Wanting(SignalStrategy):
    """A strategy that wants the weights of a script; None is no opinion."""

    params = (("weights", None),)

    def score(self, data: Any) -> float:
        symbol = next(number for number, one in enumerate(self.datas) if one is data)
        weight = self.p.weights[symbol][len(data) - 1]
        return math.nan if weight is None else weight

    def target_weight(self, _data: Any, score: float) -> float:
        return score


def market_of(symbol: str, bars: Sequence[Bar], interval: pd.Timedelta) -> MarketData:
    frame = pd.DataFrame(
        [(bar.open, bar.high, bar.low, bar.close, 1.0) for bar in bars],
        columns=["open", "high", "low", "close", "volume"],
        index=pd.DatetimeIndex([FIRST + bar.slot * interval for bar in bars], name="time"),
    )
    return MarketData(symbol, interval, "test", frame)


def settings_of(terms: Terms) -> Settings:
    return Settings.model_validate(
        {
            section: {name: getattr(terms, name) for name in names}
            for section, names in SECTIONS.items()
        }
    )


def traded(
    markets: Sequence[Sequence[Bar]],
    terms: Terms,
    script: Script | Weights,
    delays: Delays | None = None,
) -> BacktestResult:
    """The account that ``run_backtest`` makes of a script of orders, or of weights."""
    interval = pd.Timedelta(days=terms.interval_days)
    if isinstance(script, Mapping):
        slot = datetime.timedelta(days=terms.interval_days)
        strategy, params = Sending, {"script": script, "slot": slot}
    else:
        strategy, params = Wanting, {"weights": script}
    trader = Trader(StrategySpec("tested", "a script", strategy), params)
    named = [market_of(SYMBOLS[n], bars, interval) for n, bars in enumerate(markets)]
    at = {FIRST + slot * interval: _instant(slot, hours, interval)
          for slot, hours in (delays or {}).items()}  # fmt: skip
    return run_backtest(named, None, trader, settings_of(terms), decided_at=at or None)


def _instant(slot: int, hours: float, interval: pd.Timedelta) -> pd.Timestamp:
    return FIRST + (slot + 1) * interval + pd.Timedelta(hours=hours)


def kept(
    markets: Sequence[Sequence[Bar]],
    terms: Terms,
    script: Script | Weights,
    delays: Delays | None = None,
    *,
    ledger: type[Ledger] = Ledger,
) -> Ledger:
    """The account that the ledger keeps of the same script."""
    account = ledger(markets, terms, delays)
    return account.play(script) if isinstance(script, Mapping) else account.follow(script)


def differences(result: BacktestResult, ledger: Ledger) -> list[str]:
    """What differs between the two accounts, in words; empty if nothing does."""
    interval = pd.Timedelta(days=ledger.terms.interval_days)
    times = [FIRST + slot * interval for slot in ledger.slots]
    at = {number: _instant(slot, ledger.delays[slot], interval)
          for number, slot in enumerate(ledger.slots) if slot in ledger.delays}  # fmt: skip
    tables: list[tuple[str, pd.DataFrame, list[dict[str, Any]]]] = [
        (
            "orders",
            result.orders,
            [
                _order(order, times, interval) | {"decided_at": at.get(order.time)}
                for order in ledger.orders
            ],
        ),
        ("fills", result.fills, [_fill(*pair, times) for pair in in_rows(ledger.fills)]),
        ("equity", result.equity, [_equity(row, times) for row in ledger.rows]),
        ("weights", result.weights, [_weights(row, times) for _, row in in_rows(ledger.holdings)]),
        ("trades", result.trades, [_trade(*pair, times) for pair in in_rows(ledger.trades())]),
    ]
    found = []
    for name, frame, rows in tables:
        if len(frame) != len(rows):
            found.append(f"{name}: {len(frame)} rows, the ledger {len(rows)}")
        for column in rows[0] if rows else ():
            scale = ledger.terms.cash_quote if column.endswith("_quote") else 1.0
            for number, (theirs, row) in enumerate(zip(frame[column].tolist(), rows, strict=False)):
                if not _equal(theirs, row[column], scale):
                    found.append(
                        f"{name}[{number}].{column}: {theirs!r}, the ledger {row[column]!r}"
                    )
    return found


def in_rows(rows: Sequence[Dated]) -> list[tuple[int, Dated]]:
    """Rows as their file has them, numbered from 0."""
    # open: the rows of one time are sorted by the symbols' names.
    return list(enumerate(sorted(rows, key=lambda row: (row.time, SYMBOLS[row.symbol]))))


def _equal(theirs: Any, ours: Any, scale: float) -> bool:
    if pd.isna(ours):
        return bool(pd.isna(theirs))
    if isinstance(ours, float):
        return math.isclose(theirs, ours, rel_tol=1e-9, abs_tol=1e-12 * scale)
    return bool(theirs == ours)


def _order(order: Order, times: Any, interval: pd.Timedelta) -> dict[str, Any]:
    valid = None if order.last_slot is None else FIRST + order.last_slot * interval
    return {
        "order_id": order.order_id, "time": times[order.time], "symbol": SYMBOLS[order.symbol],
        "side": order.side, "exec_type": order.kind, "quantity_base": order.size,
        "limit_price_quote": order.limit, "stop_price_quote": order.stop, "valid_until": valid,
        "target_weight": order.target, "status": order.status, "reason": order.reason,
    }  # fmt: skip


def _fill(number: int, fill: Fill, times: Any) -> dict[str, Any]:
    return {
        "fill_id": number + 1, "order_id": fill.order_id, "time": times[fill.time],
        "symbol": SYMBOLS[fill.symbol], "side": fill.side, "quantity_base": fill.size,
        "price_quote": fill.price, "open_quote": fill.open, "fee_quote": fill.fee,
        "slippage_quote": fill.slippage, "position_base": fill.position, "late": fill.late,
    }  # fmt: skip


def _equity(row: Row, times: Any) -> dict[str, Any]:
    return {
        "time": times[row.time], "equity_quote": row.equity, "cash_quote": row.cash,
        "return": row.gain, "drawdown": row.drawdown, "gross_weight": row.gross,
        "net_weight": row.net, "fees_quote": row.fees, "slippage_quote": row.slippage,
        "funding_quote": row.funding,
    }  # fmt: skip


def _weights(row: Holding, times: Any) -> dict[str, Any]:
    return {
        "time": times[row.time], "symbol": SYMBOLS[row.symbol], "target_weight": row.target,
        "weight": row.weight, "quantity_base": row.quantity, "close": row.close,
    }  # fmt: skip


def _trade(number: int, trade: Trade, times: Any) -> dict[str, Any]:
    return {
        "trade_id": number + 1, "time": times[trade.time],
        "exit_time": None if trade.exit_time is None else times[trade.exit_time],
        "symbol": SYMBOLS[trade.symbol], "direction": trade.direction,
        "quantity_base": trade.quantity, "entry_price_quote": trade.entry_price,
        "exit_price_quote": trade.exit_price, "pnl_quote": trade.pnl, "return": trade.gain,
        "fees_quote": trade.fees, "bars_held": trade.bars_held, "open": trade.exit_time is None,
    }  # fmt: skip
