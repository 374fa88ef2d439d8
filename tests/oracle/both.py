"""One script through ``run_backtest`` and through the ledger, and where the two accounts differ."""

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import backtrader as bt
import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.registry import StrategySpec

from .ledger import LIMIT, MARKET, STOP, STOP_LIMIT, Bar, Cancel, Ledger, Request, Terms

FIRST = pd.Timestamp("2024-01-01", tz="UTC")
KINDS = {
    MARKET: bt.Order.Market,
    LIMIT: bt.Order.Limit,
    STOP: bt.Order.Stop,
    STOP_LIMIT: bt.Order.StopLimit,
}
Script = Mapping[int, Sequence[Request | Cancel]]
Weights = Sequence[float | None]


class Sending(bt.Strategy):
    """A stock strategy that sends the orders of a script."""

    params = (("script", None), ("slot", None))

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def next(self) -> None:
        for action in self.p.script.get(len(self.data) - 1, ()):
            if isinstance(action, Cancel):
                if action.order_id <= len(self.sent):
                    self.cancel(self.sent[action.order_id - 1])
            else:
                self._send(action)

    def _send(self, request: Request) -> None:
        prices: dict[str, float | None] = {"price": request.limit}
        if request.kind in (STOP, STOP_LIMIT):
            prices = {"price": request.stop, "plimit": request.limit}
        valid = None
        if request.valid_slots is not None:
            valid = request.valid_slots * self.p.slot
        ask = self.buy if request.side == "buy" else self.sell
        order = ask(size=request.size, exectype=KINDS[request.kind], valid=valid, **prices)
        if order is not None:
            self.sent.append(order)


class Wanting(SignalStrategy):
    """A strategy that wants the weights of a script; None is no opinion."""

    params = (("weights", None),)

    def score(self, data: Any) -> float:
        weight = self.p.weights[len(data) - 1]
        return math.nan if weight is None else weight

    def target_weight(self, _data: Any, score: float) -> float:
        return score


def market_of(bars: Sequence[Bar], terms: Terms) -> MarketData:
    interval = pd.Timedelta(days=terms.interval_days)
    times = pd.DatetimeIndex([FIRST + bar.slot * interval for bar in bars], name="time")
    frame = pd.DataFrame(
        {
            "open": [bar.open for bar in bars],
            "high": [bar.high for bar in bars],
            "low": [bar.low for bar in bars],
            "close": [bar.close for bar in bars],
            "volume": 1.0,
        },
        index=times,
    )
    return MarketData("COIN", interval, "test", frame)


def settings_of(terms: Terms) -> Settings:
    return Settings.model_validate(
        {
            "account": {"cash_quote": terms.cash_quote},
            "costs": {
                "fee_bps": terms.fee_bps,
                "slippage_bps": terms.slippage_bps,
                "funding_bps_per_day": terms.funding_bps_per_day,
            },
            "sizing": {
                "lot_step": terms.lot_step,
                "min_notional_quote": terms.min_notional_quote,
                "gap_reserve": terms.gap_reserve,
                "rebalance_band": terms.rebalance_band,
                "max_weight": terms.max_weight,
            },
        }
    )


def traded(bars: Sequence[Bar], terms: Terms, script: Script | Weights) -> BacktestResult:
    """The account that ``run_backtest`` makes of a script of orders, or of weights."""
    if isinstance(script, Mapping):
        slot = datetime.timedelta(days=terms.interval_days)
        strategy, params = Sending, {"script": script, "slot": slot}
    else:
        strategy, params = Wanting, {"weights": script}
    trader = Trader(StrategySpec("tested", "a script", strategy), params)
    return run_backtest([market_of(bars, terms)], None, trader, settings_of(terms))


def kept(
    bars: Sequence[Bar],
    terms: Terms,
    script: Script | Weights,
    *,
    ledger: type[Ledger] = Ledger,
) -> Ledger:
    """The account that the ledger keeps of the same script."""
    account = ledger(bars, terms)
    return account.play(script) if isinstance(script, Mapping) else account.follow(script)


def differences(result: BacktestResult, ledger: Ledger) -> list[str]:
    """What differs between the two accounts, in words; empty if nothing does."""
    found: list[str] = []
    bars, interval = ledger.bars, pd.Timedelta(days=ledger.terms.interval_days)
    times = [FIRST + bar.slot * interval for bar in bars]
    tables: list[tuple[str, pd.DataFrame, list[dict[str, Any]]]] = [
        ("orders", result.orders, [_order(order, times, interval) for order in ledger.orders]),
        ("fills", result.fills, [_fill(fill, times) for fill in ledger.fills]),
        ("equity", result.equity, [_equity(row, times) for row in ledger.rows]),
        ("weights", result.weights, [_weights(row, times, bars) for row in ledger.rows]),
        ("trades", result.trades, [_trade(trade, times) for trade in ledger.trades()]),
    ]
    for name, frame, rows in tables:
        if len(frame) != len(rows):
            found.append(f"{name}: {len(frame)} rows, the ledger {len(rows)}")
        columns = {column: frame[column].tolist() for column in (rows[0] if rows else ())}
        for number, row in enumerate(rows[: len(frame)]):
            for column, value in row.items():
                theirs = columns[column][number]
                scale = ledger.terms.cash_quote if column.endswith("_quote") else 1.0
                if not _equal(theirs, value, scale):
                    found.append(f"{name}[{number}].{column}: {theirs!r}, the ledger {value!r}")
    return found


def _equal(theirs: Any, ours: Any, scale: float) -> bool:
    if ours is None:
        return bool(pd.isna(theirs))
    if isinstance(ours, float):
        return math.isclose(theirs, ours, rel_tol=1e-9, abs_tol=1e-12 * scale)
    return bool(theirs == ours)


def _order(order: Any, times: Any, interval: pd.Timedelta) -> dict[str, Any]:
    valid = None if order.last_slot is None else FIRST + order.last_slot * interval
    return {
        "order_id": order.order_id, "time": times[order.bar], "side": order.side,
        "exec_type": order.kind, "quantity_base": order.size, "limit_price_quote": order.limit,
        "stop_price_quote": order.stop, "valid_until": valid, "target_weight": order.target,
        "status": order.status, "reason": order.reason,
    }  # fmt: skip


def _fill(fill: Any, times: Any) -> dict[str, Any]:
    return {
        "order_id": fill.order_id, "time": times[fill.bar], "side": fill.side,
        "quantity_base": fill.size, "price_quote": fill.price, "open_quote": fill.open,
        "fee_quote": fill.fee, "slippage_quote": fill.slippage, "position_base": fill.position,
        "late": False,
    }  # fmt: skip


def _equity(row: Any, times: Any) -> dict[str, Any]:
    return {
        "time": times[row.bar], "equity_quote": row.equity, "cash_quote": row.cash,
        "gross_weight": abs(row.weight), "net_weight": row.weight, "fees_quote": row.fees,
        "slippage_quote": row.slippage, "funding_quote": row.funding,
    }  # fmt: skip


def _weights(row: Any, times: Any, bars: Any) -> dict[str, Any]:
    return {
        "time": times[row.bar], "symbol": "COIN", "target_weight": row.target,
        "weight": row.weight, "quantity_base": row.quantity, "close": bars[row.bar].close,
    }  # fmt: skip


def _trade(trade: Any, times: Any) -> dict[str, Any]:
    return {
        "time": times[trade.entry_bar],
        "exit_time": None if trade.exit_bar is None else times[trade.exit_bar],
        "direction": "long", "quantity_base": trade.bought, "entry_price_quote": trade.entry_price,
        "exit_price_quote": trade.exit_price, "pnl_quote": trade.pnl, "return": trade.gain,
        "fees_quote": trade.fees, "bars_held": trade.bars_held, "open": trade.exit_bar is None,
    }  # fmt: skip
