"""The rules that depend on the terms alone, and not on the state of the account.

- :meth:`Rules.reach`: docs/strategies.md "Orders" (market, limit, stop, stop-limit; slippage), and
  docs/contract.md, fills.csv (price, open, slippage).
- The rest: docs/contract.md, [costs], [account] and [sizing]; docs/architecture.md "Sizing" and
  "Short positions and margin".
"""

import math

from cryptobt.oracle.records import BUY, LIMIT, MARKET, STOP, Bar, Order, Terms

DUST = 1e-12


class Rules:
    """Costs, rounding, margin, and where a bar fills an order."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def fee(self, _side: str, value: float) -> float:
        """What the exchange takes of a fill of this value."""
        return value * self.terms.fee_bps / 10_000

    def slipped(self, side: str, price: float) -> float:
        """A price made worse: higher for a buy, lower for a sale."""
        share = self.terms.slippage_bps / 10_000
        return price * (1 + share) if side == BUY else price * (1 - share)

    def market_price(self, bar: Bar) -> float:
        """The price that a market order meets."""
        return bar.open

    def funding(self, value: float) -> float:
        """What a position of this value pays; a short one has a value below 0."""
        return value * self.terms.funding_bps_per_day / 10_000 * self.terms.interval_days

    def borrowing(self, value: float) -> float:
        """What the loan of a short position of this value costs; 0 for a long one."""
        return max(-value, 0.0) * self.terms.borrow_bps_per_day / 10_000 * self.terms.interval_days

    def slippage(self, order: Order, reference: float, price: float) -> float:
        """What slippage cost: the fill against the price at which the order was reached."""
        return abs(price - reference) * order.size

    def pays(self, left: float) -> bool:
        """Whether a buy that leaves this much cash is filled."""
        return left >= 0.0

    def secures(self, equity: float, gross: float) -> bool:
        """Whether an order that leaves this is filled; open: the last bits are not judged."""
        return equity >= self.terms.initial_margin * gross - DUST * abs(equity)

    def came_back(self, order: Order, bar: Bar) -> bool:
        """Whether a bar that touched a stop surely met a limit on the near side of it later."""
        # open: the close has to lie beyond the limit too; a bar that ends where it opened has
        # turned for a sale, and not for a buy.
        assert order.limit is not None
        if order.side == BUY:
            return bar.open > bar.close and bar.close <= order.limit
        return bar.open <= bar.close and bar.close >= order.limit

    def room(self) -> float:
        """What an opened unit costs at most, over its close."""
        terms = self.terms
        costs = (1 + terms.fee_bps / 10_000) * (1 + terms.slippage_bps / 10_000)
        return costs * (1 + terms.gap_reserve)

    def whole_lots(self, quantity: float) -> float:
        """Rounded down; open: what rounding took below a whole lot counts as whole."""
        lots = quantity / self.terms.lot_step
        return math.floor(lots + 4e-15 * lots + 1e-9) * self.terms.lot_step

    def reach(self, order: Order, bar: Bar) -> tuple[float, float] | None:
        """Where a bar fills an order: the price it is reached at, and the price with slippage."""
        if order.kind == MARKET:
            price = self.market_price(bar)
            return price, self.slipped(order.side, price)
        if order.kind == LIMIT or order.woken:
            return self._reach_limit(order, bar)
        assert order.stop is not None
        sign = 1 if order.side == BUY else -1
        opens_beyond = sign * bar.open >= sign * order.stop
        touches = bar.high >= order.stop if order.side == BUY else bar.low <= order.stop
        if not (opens_beyond or touches):
            return None
        order.woken = True
        reference = bar.open if opens_beyond else order.stop
        worse = self.slipped(order.side, reference)
        if order.kind == STOP:
            return reference, worse
        if opens_beyond:
            return self._reach_limit(order, bar)
        assert order.limit is not None
        if sign * order.limit >= sign * order.stop:
            return reference, sign * min(sign * worse, sign * order.limit)
        return (order.limit, order.limit) if self.came_back(order, bar) else None

    def _reach_limit(self, order: Order, bar: Bar) -> tuple[float, float] | None:
        assert order.limit is not None
        sign = 1 if order.side == BUY else -1
        if sign * bar.open <= sign * order.limit:
            worse = self.slipped(order.side, bar.open)
            return bar.open, sign * min(sign * worse, sign * order.limit)
        inside = bar.low <= order.limit if order.side == BUY else bar.high >= order.limit
        return (order.limit, order.limit) if inside else None


def fitting(budget: float, cost: float) -> float:
    """The factor, 0 to 1, that brings a cost down to a budget."""
    if cost <= max(budget, 0.0):
        return 1.0
    return max(budget, 0.0) / cost
