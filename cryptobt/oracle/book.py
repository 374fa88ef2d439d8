"""What an account holds and what waits in it, and the rules about single orders.

- :meth:`Book.decided`, :meth:`Book.too_early`, :meth:`Book.comes_first`, :meth:`Book.replaces`:
  docs/architecture.md "Late decisions".
- :meth:`Book._refusal`, :meth:`Book._oversells`: docs/strategies.md "What is refused".
- :meth:`Book._share`: docs/strategies.md "Sizes" (an order without a size).
- :meth:`Book._end`: docs/strategies.md "Orders" (brackets).

What the documents leave open is marked "open:" beside the line that had to choose.
"""

import math
from collections.abc import Mapping, Sequence

from cryptobt.oracle.records import (
    CALLED,
    KINDS,
    MARKET,
    NOT_HELD,
    NOT_LISTED,
    OUTLIVED,
    SELL,
    Bar,
    Fill,
    Holding,
    Order,
    Request,
    Row,
    Terms,
)
from cryptobt.oracle.rules import DUST, Rules

# Hours between the close of the bar in a slot and the instant at which it was decided.
Delays = Mapping[float, float]


class Book(Rules):
    """Cash, coins, and orders: what they are worth, and what each order may do."""

    def __init__(
        self, markets: Sequence[Sequence[Bar]], terms: Terms, delays: Delays | None = None
    ) -> None:
        super().__init__(terms)
        self.markets, self.delays = markets, delays or {}
        self.slots = sorted({bar.slot for bars in markets for bar in bars})
        self.now = 0
        self.symbols = range(len(markets))
        self.at = [{bar.slot: bar for bar in bars} for bars in markets]
        self.today: list[Bar | None] = [None for _ in markets]
        self.last: list[Bar | None] = [None for _ in markets]
        self.seen = [0 for _ in markets]
        self.cash, self.held = terms.cash_quote, [0.0 for _ in markets]
        self.funded = 0.0
        self.called = False
        self.orders: list[Order] = []
        self.own: list[Order] = []
        self.fills: list[Fill] = []
        self.filled_before = 0
        self.peak = terms.cash_quote
        self.rows: list[Row] = []
        self.holdings: list[Holding] = []
        self.waiting: list[Order] = []
        self.sent: list[Order] = []
        self.taken_back: list[tuple[float, Order]] = []

    # Single rules

    def expires(self, order: Order) -> bool:
        """Whether the validity of an order is over by the bar at hand."""
        late = order.last_slot is not None and self.slots[self.now] > order.last_slot
        return late and order.kind != MARKET

    def opening(self, slot: float) -> float:
        """When the bar of a slot opens, in hours from slot 0, none of them rounded."""
        return slot * (24 * self.terms.interval_days)

    def decided(self) -> float | None:
        """When the bar at hand is decided, if that is too late for the next open."""
        slot = self.slots[self.now]
        hours = self.delays.get(slot, 0.0)
        if hours <= self.terms.decision_deadline_hours:
            return None
        return self.opening(slot + 1) + hours

    def too_early(self, order: Order) -> bool:
        """Whether the bar at hand opens before the decision that sent the order."""
        return order.earliest is not None and self.opening(self.slots[self.now]) < order.earliest

    def undone_at(self, order: Order) -> float | None:
        """When what is taken back at this close is gone; None where it is at once."""
        # open: what meets no open before the instant is taken back at the close.
        return self.decided() if self.comes_first(order) else None

    def comes_first(self, order: Order) -> bool:
        """Whether an open that may fill a waiting order precedes the decision at hand."""
        # open: an open is expected in every slot, since what will be missing is not known.
        instant = self.decided()
        first = max(self.slots[self.now] + 1, math.ceil((order.earliest or 0.0) / self.opening(1)))
        return instant is not None and self.opening(first) < instant

    def replaces(self, order: Order, older: Order) -> bool:
        """Whether a market order takes the place of one of an earlier close, not yet decided."""
        # open: of two of one instant the newer counts; one on time has that of the next open.
        if (order.kind, order.symbol) != (older.kind, older.symbol) or order.kind != MARKET:
            return False
        opens = order.earliest or self.opening(self.slots[self.now] + 1)
        return older.time < self.now and older.earliest is not None and older.earliest >= opens

    def judged_when_sent(self, order: Order) -> bool:
        """Whether the cash for an order is looked at before it fills."""
        return order.earliest is None

    def mark(self, symbol: int) -> float:
        """What a symbol is worth when another one's fill is judged."""
        bar, last = self.today[symbol], self.last[symbol]
        if bar is not None:
            return bar.open
        return last.close if last else 0.0

    # The state of the account

    def values(self) -> list[float]:
        """What is held of each symbol at its last close; below 0 where it is short."""
        return [
            held * bar.close if bar else 0.0
            for held, bar in zip(self.held, self.last, strict=True)
        ]  # fmt: skip

    def equity(self) -> float:
        """What the account is worth at the last closes."""
        return self.cash + sum(self.values())

    def weights(self) -> list[float]:
        """Share of equity that each symbol has at its last close; 0 where nothing is left."""
        equity = self.equity()
        return [value / equity if equity > 0 else 0.0 for value in self.values()]

    def closing(self) -> list[int]:
        """Symbols that a margin call has still to close."""
        return [order.symbol for order in self.waiting if order.reason == CALLED]

    def to_close(self) -> list[int]:
        """Symbols held that no margin call is closing, in the order in which they were named."""
        closing = self.closing()
        held = [symbol for symbol in self.symbols if abs(self.held[symbol]) > DUST]
        return [symbol for symbol in held if symbol not in closing]

    def _close_of(self, symbol: int) -> float:
        bar = self.last[symbol]
        assert bar is not None
        return bar.close

    # Orders

    def _take(self, order: Order) -> None:
        order.order_id = len(self.orders) + 1
        self.orders.append(order)
        self.waiting.append(order)

    def _end(self, order: Order, status: str, reason: str = "") -> None:
        order.status, order.reason = status, reason
        if order in self.waiting:
            self.waiting.remove(order)
        if order.bracket:
            self._go_on(order)

    def _go_on(self, order: Order) -> None:
        """The rest of a bracket, once one of its orders has ended."""
        others = [one for one in self.waiting if one.bracket == order.bracket]
        entered = order.status == "filled" and order.order_id == order.bracket
        for one in others:
            if entered:
                one.begins = self.now + 1
            else:  # open: an exit that ends before its entry ends the whole bracket
                self._end(one, "cancelled")

    def _size(self, request: Request) -> float:
        held, last = self.held[request.symbol], self.last[request.symbol]
        if request.size is not None:
            return request.size
        if last is None:
            return math.nan  # without a price no size can be worked out; it is rejected
        if held > 0 if request.side == SELL else held < 0:
            return abs(held)
        return self.whole_lots(self._share(request.symbol) / (last.close * self.room()))

    def _share(self, symbol: int) -> float:
        """What an order without a size may spend."""
        share = self.equity() * self.terms.max_gross / len(self.markets)
        left = share - abs(self.values()[symbol])
        return max(0.0, left if self.terms.allow_short else min(self.cash, left))

    def _refusal(self, order: Order) -> str:
        last, least = self.last[order.symbol], self.terms.min_notional_quote
        if self.called or order.symbol in self.closing():
            return CALLED
        if last is None:
            return NOT_LISTED
        if order.kind not in KINDS:
            return f"only {', '.join(KINDS)} orders are simulated"
        if order.last_slot is not None and order.last_slot < self.slots[self.now]:
            return OUTLIVED
        if order.size * last.close < least:
            return f"below the minimum notional of {least:g}"
        # open: what comes before a late sale may bring its coins; then only its fill tells.
        comes = any(self.comes_first(one) for one in self.waiting if one.symbol == order.symbol)
        judged = not (order.bracket or comes) and not self.terms.allow_short
        return NOT_HELD if judged and self._oversells(order) else ""

    def _oversells(self, order: Order) -> bool:
        """Whether a sale is of more than is held now, by more than the dust of floating point."""
        return order.side == SELL and order.size > self.held[order.symbol] + DUST
