"""What the exchange does with a bar: fills, refusals, funding, the margin call.

- :meth:`Exchange._open`: docs/architecture.md "Time", "Gaps" and "Several symbols" (the next bar
  there is, in the order of sending), docs/strategies.md "Orders" (validity).
- :meth:`Exchange._unfit`: docs/strategies.md "What is refused" (cash, coins held) and
  docs/architecture.md "Short positions and margin" (what opens).
- :meth:`Exchange._charge`, :meth:`Exchange._call`: docs/architecture.md "Short positions and
  margin" and "Gaps" (funding on the value held, the margin call).

What the documents leave open is marked "open:" beside the line that had to choose.
"""

from cryptobt.oracle.records import (
    BUY,
    CALLED,
    MARKET,
    NO_CASH,
    NO_MARGIN,
    NOT_HELD,
    SELL,
    Bar,
    Fill,
    Order,
)
from cryptobt.oracle.rules import DUST
from cryptobt.oracle.trips import Trips


class Exchange(Trips):
    """An account at an exchange, taken through one bar after another."""

    def _live(self, number: int) -> None:
        """One time up to its close: fills, funding, margin."""
        self.now, self.filled_before = number, len(self.fills)
        self.today = [bars.get(self.slots[number]) for bars in self.at]
        self._open()
        self.last = [new or old for new, old in zip(self.today, self.last, strict=True)]
        self._charge()
        self._call()

    def _open(self) -> None:
        """Meet the bars with all that waits, in the order of sending."""
        self.seen = [
            count + (bar is not None) for count, bar in zip(self.seen, self.today, strict=True)
        ]
        self._undo()
        self._afford()
        for order in self.queue():
            bar = self.bar_for(order)
            if order.status != "pending":
                continue  # another exit of its bracket has filled at this open
            if self.expires(order):
                self._end(order, "expired")
            elif bar is not None and self.now >= order.begins and not self.too_early(order):
                reached = self.reach(order, bar)
                if reached is not None:
                    self._fill(order, bar, *reached)

    def queue(self) -> list[Order]:
        """What waits, in the order in which it meets a bar."""
        return list(self.waiting)

    def bar_for(self, order: Order) -> Bar | None:
        """The bar that an order meets; None where its symbol has none."""
        return self.today[order.symbol]

    def _undo(self) -> None:
        """Take back what late decisions, made before this open, have taken back."""
        for instant, order in list(self.taken_back):
            if instant <= self.opening(self.slots[self.now]):
                self.taken_back.remove((instant, order))
                if order in self.waiting:
                    self._end(order, "cancelled")

    def _afford(self) -> None:
        """Refuse, of what the last time sent, the buys that the cash does not cover."""
        # open: orders of one time are judged in turn, each after those before it, at the last
        # close or at their own price, with the fee and without slippage; this happens at the
        # next time of the run, so that what the last time sends is not judged.
        cash = self.cash
        for order, takes in self._to_afford():
            if order.status != "pending":
                continue  # the refusal of another exit of its bracket has ended it
            if order.side == SELL or self.pays(cash - takes):
                cash -= takes
            else:
                self._end(order, "rejected", NO_CASH)
        self.sent = []

    def _to_afford(self) -> list[tuple[Order, float]]:
        """Orders whose cash is judged before they fill, with what each takes of it."""
        judged = []
        for order in self.sent:
            last = self.last[order.symbol]
            if self.terms.allow_short or order.status != "pending" or last is None:
                continue
            if self.judged_when_sent(order):
                value = order.size * (order.stop or order.limit or last.close)
                sign = 1 if order.side == BUY else -1
                judged.append((order, sign * value + self.fee(order.side, value)))
        return judged

    def _fill(self, order: Order, bar: Bar, reference: float, price: float) -> None:
        change = order.size if order.side == BUY else -order.size
        fee = self.fee(order.side, order.size * price)
        reason = self._unfit(order, change, price, fee)
        if reason:
            self._end(order, "rejected", reason)
            return
        self.cash -= change * price + fee
        self.held[order.symbol] += change
        slippage = self.slippage(order, reference, price)
        self.fills.append(
            Fill(
                order.order_id, self.now, order.symbol, self.seen[order.symbol] - 1, order.side,
                order.size, price, bar.open, fee, slippage, self.held[order.symbol],
                order.earliest is not None,
            )
        )  # fmt: skip
        self._end(order, "filled", order.reason)

    def _unfit(self, order: Order, change: float, price: float, fee: float) -> str:
        """Why an order cannot fill at this price; empty if it can."""
        if self.terms.allow_short:
            return "" if self._covered(order.symbol, change, price, fee) else NO_MARGIN
        if self._oversells(order):
            return NOT_HELD
        short_of_cash = order.side == BUY and not self.pays(self.cash - change * price - fee)
        return NO_CASH if short_of_cash else ""

    def _covered(self, symbol: int, change: float, price: float, fee: float) -> bool:
        """Whether a position grows no larger, or leaves equity enough for what is then held."""
        before, after = self.held[symbol], self.held[symbol] + change
        if abs(after) <= max(abs(before), DUST):
            return True
        gross, equity = abs(after) * price, self.cash - change * price - fee + after * price
        for other in self.symbols:
            if other != symbol:
                gross += abs(self.held[other]) * self.mark(other)
                equity += self.held[other] * self.mark(other)
        return self.secures(equity, gross)

    def _charge(self) -> None:
        """Take the funding of the symbols that have a bar."""
        values = [
            value for value, bar in zip(self.values(), self.today, strict=True) if bar is not None
        ]
        due = sum(self.funding(value) + self.borrowing(value) for value in values)
        # open: the account as a whole pays what it is worth at most, and what owes pays nothing.
        self.funded = min(due, max(self.equity(), 0.0))
        self.cash -= self.funded

    def _call(self) -> None:
        """Close everything where the equity has fallen below the maintenance margin."""
        gross = sum(abs(value) for value in self.values())
        left = self.to_close()
        self.called = self.terms.allow_short and bool(left) and self.breached(self.equity(), gross)
        if not self.called:
            return
        for order in list(self.waiting):
            if order.reason != CALLED:
                self._end(order, "cancelled", CALLED)
        for symbol in left:
            held = self.held[symbol]
            side = SELL if held > 0 else BUY
            self._take(Order(0, self.now, symbol, side, MARKET, abs(held), reason=CALLED))

    def breached(self, equity: float, gross: float) -> bool:
        """Whether less is left than the maintenance margin."""
        return equity < self.terms.maintenance_margin * gross
