"""The ledger with the rules that the code is known to keep otherwise than the documents.

Each method is one difference, shown alone in ``test_known_differences.py``. Once the code is
mended the method goes; with the last of them this file goes.
"""

from .ledger import BUY, MARKET, NO_CASH, SELL, Bar, Cancel, Ledger, Order, Request


class AsBuilt(Ledger):
    """What the code does today."""

    def expires(self, order: Order, bar: Bar) -> bool:
        """A market order outlives its validity (backtrader's Order.expire)."""
        return order.kind != MARKET and super().expires(order, bar)

    def came_back(self, order: Order, bar: Bar) -> bool:
        """Only in a bar that also falls (buy) or rises (sale) from open to close."""
        turned = bar.open > bar.close if order.side == BUY else bar.open <= bar.close
        return turned and super().came_back(order, bar)

    def cancel(self, cancel: Cancel) -> None:
        """An order cannot be taken back on the bar that sent it."""
        if all(order.order_id != cancel.order_id for order in self.sent):
            super().cancel(cancel)

    def _size(self, request: Request) -> float:
        """An all-in buy without cash (funding took it) asks for what the debt would buy."""
        return abs(super()._size(request))

    def _afford(self) -> None:
        """A refused buy is charged to those after it, and a sale needs cash too."""
        cash = self.cash
        for order in self.sent:
            value = order.size * order.asked_price
            sign = 1 if order.side == SELL else -1
            cash += sign * value - self.fee(order.side, value)
            if not self.pays(cash):
                self._end(order, "rejected", NO_CASH)
        self.sent = []
