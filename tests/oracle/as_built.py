"""The ledger with the rules that the code is known to keep otherwise than the documents.

Each method is one difference, shown alone in ``test_known_differences.py``. Once the code is
mended the method goes; with the last of them this file goes.
"""

from .ledger import BUY, MARKET, Bar, Ledger, Order


class AsBuilt(Ledger):
    """What the code does today."""

    def expires(self, order: Order, bar: Bar) -> bool:
        """A market order outlives its validity (backtrader's Order.expire)."""
        return order.kind != MARKET and super().expires(order, bar)

    def came_back(self, order: Order, bar: Bar) -> bool:
        """Only in a bar that also falls (buy) or rises (sale) from open to close."""
        turned = bar.open > bar.close if order.side == BUY else bar.open <= bar.close
        return turned and super().came_back(order, bar)
