"""Writes down what happened in a run, bar by bar, without touching it."""

import math
from typing import Any

import backtrader as bt

from cryptobt.backtests.broker import EXEC_TYPES, limit_price, stop_price

STATUS = {
    bt.Order.Completed: "filled",
    bt.Order.Partial: "partial",
    bt.Order.Margin: "rejected",
    bt.Order.Rejected: "rejected",
    bt.Order.Canceled: "cancelled",
    bt.Order.Expired: "expired",
}


class Recorder(bt.Analyzer):
    """Collects plain rows of equity, weights, orders and fills; instants are day numbers.

    Parameters
    ----------
    start : float
        First deciding bar, as backtrader counts days.
    """

    params = (("start", 0.0),)

    def __init__(self) -> None:
        self.equity: list[tuple[float, float, float, float]] = []
        self.weights: list[tuple[float, str, float, float, float, float, float]] = []
        self.orders: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []

    def _notify_cashvalue(self, cash: float, value: float) -> None:
        """Pass over what :meth:`next` reads for itself."""

    def _notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        """Pass over what :meth:`next` reads for itself."""

    def _notify_order(self, order: Any) -> None:
        """Pass over what :meth:`stop` reads for itself."""

    def prenext(self) -> None:
        """Record a bar on which indicators are still warming up."""
        self.next()

    def next(self) -> None:
        """Record equity and weights at the close."""
        strategy = self.strategy
        now = strategy.lines.datetime[0]
        if now < self.p.start:
            return
        broker = strategy.broker
        equity = broker.getvalue()
        self.equity.append((now, equity, broker.getcash(), broker.funding_paid))
        # A stock strategy sends orders and names neither.
        targets = getattr(strategy, "targets", {})
        scores = getattr(strategy, "scores", {})
        for data in strategy.datas:
            if not len(data):
                continue
            held, close = broker.positions[data].size, data.lines.close[0]
            target, score = targets.get(data, math.nan), scores.get(data, math.nan)
            weight = held * close / equity if equity > 0 else 0.0
            self.weights.append((now, data._name, target, weight, held, close, score))

    def stop(self) -> None:
        """Record the orders, with what became of them, and their fills.

        Read from the broker at the end: an order of the last bar is never notified of.
        """
        for order_id, order in enumerate(self.strategy.broker.orders, start=1):
            self.orders.append(self._order(order_id, order))
            self.fills.extend(self._fill(order_id, order, bit) for bit in order.executed.exbits)

    def get_analysis(self) -> "Recorder":
        """Return what was recorded."""
        return self

    def _order(self, order_id: int, order: Any) -> dict[str, Any]:
        created = order.created
        refused = "insufficient cash" if order.status == bt.Order.Margin else ""
        return {
            "order_id": order_id,
            "day_number": order.info["decided"],
            "symbol": order.data._name,
            "side": "buy" if order.isbuy() else "sell",
            "exec_type": EXEC_TYPES.get(order.exectype, "unknown"),
            "quantity_base": abs(created.size),
            "limit_price_quote": limit_price(order),
            "stop_price_quote": stop_price(order),
            "valid_day": order.valid or math.nan,
            "target_weight": order.info.get("target_weight", math.nan),
            "status": STATUS.get(order.status, "pending"),
            "reason": order.info.get("reason", refused),
        }

    def _fill(self, order_id: int, order: Any, bit: Any) -> dict[str, Any]:
        return {
            "order_id": order_id,
            "day_number": bit.dt,
            "symbol": order.data._name,
            "side": "buy" if order.isbuy() else "sell",
            "quantity_base": abs(bit.size),
            "price_quote": bit.price,
            "unslipped_quote": order.info["unslipped"],
            "fee_quote": bit.closedcomm + bit.openedcomm,
            "position_base": bit.psize,
            "late": order.info["waits_until"] > 0.0,
        }
