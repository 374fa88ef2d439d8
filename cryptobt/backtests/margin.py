"""A margin account: short positions, borrowed money, and what happens when it runs out."""

from typing import Any

import pandas as pd

from cryptobt.backtests.broker import SpotBroker
from cryptobt.core.settings import Settings
from cryptobt.strategies.sizing import DUST

MARGIN_CALL = "margin call"
_SHORT_OF_MARGIN = "insufficient margin"


class MarginBroker(SpotBroker):
    """A spot broker that lends coins and money against a margin.

    What opens a position is judged when it fills: the equity after it has to be the initial
    margin's share of all positions at least. An account that at a close has less equity than the
    maintenance margin's share is closed out at the next opens.
    """

    def __init__(self, settings: Settings, interval: pd.Timedelta) -> None:
        super().__init__(settings, interval)
        self.initial = settings.account.initial_margin
        self.maintenance = settings.account.maintenance_margin
        self._called = False
        self._closing: dict[Any, Any] = {}

    def check_submitted(self) -> None:
        """Accept everything: margin is judged when an order fills."""
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is not None:
                self.submit_accept(order)

    def next(self) -> None:
        """Fill, charge funding, then look whether the margin still holds."""
        super().next()
        self._closing = {data: order for data, order in self._closing.items() if order.alive()}
        held = [data for data in self.cerebro.datas if self._size(data)]
        gross = sum(abs(self._size(data)) * data.close[0] for data in held)
        left = [data for data in held if data not in self._closing]
        self._called = bool(left) and self._value < self.maintenance * gross
        if self._called:
            self._close_out(left)

    def _close_out(self, held: list[Any]) -> None:
        """Cancel what waits and close every position at its next open."""
        for order in [one for one in self.pending if one not in self._closing.values()]:
            order.addinfo(reason=MARGIN_CALL)
            self._cancel_now(order)
        for data in held:
            size = self._size(data)
            ask = self.sell if size > 0 else self.buy
            self._closing[data] = ask(None, data, size=abs(size), reason=MARGIN_CALL)

    def _size(self, data: Any) -> float:
        return float(self.positions[data].size) if len(data) else 0.0

    def _oversells(self, _order: Any) -> bool:
        return False

    def _refusal(self, order: Any) -> str | None:
        if order.owner is None:  # a position that is being closed out
            return None
        called = self._called or order.data in self._closing
        return MARGIN_CALL if called else super()._refusal(order)

    def _refusal_at(self, order: Any, price: float) -> str | None:
        held, size = self.positions[order.data].size, order.executed.remsize
        after = held + size
        if abs(after) <= max(abs(held), DUST):
            return None
        others = {
            data: position.size * (data.open[0] if self._has_bar(data) else data.close[0])
            for data, position in self.positions.items()
            if position.size and data is not order.data
        }
        rate = self.getcommissioninfo(order.data).p.commission
        cash = self.cash - size * price - abs(size) * price * rate
        equity = cash + after * price + sum(others.values())
        gross = abs(after) * price + sum(abs(value) for value in others.values())
        return _SHORT_OF_MARGIN if equity < self.initial * gross else None

    def _settle(self, order: Any, *args: Any, **options: Any) -> Any:
        # backtrader refuses what takes cash below zero; here the margin has been judged instead.
        loan = abs(self.cash) + 4 * abs(order.executed.remsize) * order.data.high[0]
        self.cash += loan
        try:
            return super()._settle(order, *args, **options)
        finally:
            self.cash -= loan
