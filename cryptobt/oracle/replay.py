"""A recorded account kept again: the orders as they were sent, everything else from the rules.

A record of orders does not say when one of them was cancelled, nor which of them were the exits of
a bracket or cancelled each other. What of it cannot be known is taken as it was recorded, and
counted in :attr:`Replay.unjudged`; nothing else is taken from what became of an order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptobt.oracle.book import Delays
from cryptobt.oracle.ledger import Ledger
from cryptobt.oracle.records import (
    BUY,
    MARKET,
    NO_CASH,
    NOT_HELD,
    REPLACED,
    SELL,
    Bar,
    Order,
    Recorded,
    Request,
    Terms,
)

# What a record leaves open: the keys of Replay.unjudged.
TAKEN_BACK = "taken back"
AFTER_ENTRY = "after an entry"
BEYOND_COINS = "beyond the coins held"
BEYOND_CASH = "beyond the cash"
REPLACED_LATER = "replaced later"
SIZED_LATE = "sized late"
SIZED_MIXED = "sized by the strategy"
SIZED_FREELY = "sized without a target"


class Replay(Ledger):
    """A ledger that repeats what a run recorded.

    Parameters
    ----------
    recorded : mapping
        Number of the deciding time to the orders that were sent then, in their order.
    targets : mapping
        Number of a time to the target weight of each symbol, None where there was no opinion;
        without a time at which there was none at all.
    start : int
        Number of the first deciding time: rows are written from there on.

    Attributes
    ----------
    sources : dict
        Order of the ledger, by its id, to the recorded one that it repeats.
    expected : dict
        Number of a time to the orders that the target weights ask for, where that can be told.
    unjudged : Counter
        What a record leaves open, to how many orders.
    """

    def __init__(
        self,
        markets: Sequence[Sequence[Bar]],
        terms: Terms,
        delays: Delays,
        recorded: Mapping[int, Sequence[Recorded]],
        targets: Mapping[int, Sequence[float | None]],
        start: int,
    ) -> None:
        super().__init__(markets, terms, delays)
        self.recorded, self.targeted, self.start = recorded, targets, start
        self.sources: dict[int, Recorded] = {}
        self.expected: dict[int, list[tuple[Request, float]]] = {}
        self.unjudged: Counter[str] = Counter()
        self._asked: Recorded | None = None
        self._entries: dict[int, Order] = {}
        self._sent_now: list[Order] = []
        self._filled_at: dict[int, int] = {}
        self._awaited: set[int] = set()
        self._touched: set[int] = set()

    def repeat(self) -> "Replay":
        """Keep the account from the first bar to the last."""
        for number in range(len(self.slots)):
            self._live(number)
            if number < self.start:
                continue
            sent = [one for one in self.recorded.get(number, ()) if not one.of_the_exchange]
            targets = self._targets(number)
            self._write(targets)
            self._expect(number, targets, sent)
            for one in sent:
                self._repeat(one)
        self._finish()
        return self

    # Sizes

    def _targets(self, number: int) -> list[float | None]:
        """Recorded targets, cut to the largest weight and the gross cap once more."""
        wanted = self.targeted.get(number)
        if wanted is None:
            return [None for _ in self.symbols]
        return list(wanted) if self._waits_for_earlier() else self.targets(wanted)

    def _waits_for_earlier(self) -> bool:
        """Whether a late decision may have been sized with what is coming.

        The instants of nights that sent no order are not known.
        """
        return bool(self.delays) and bool(self.waiting)

    def _expect(
        self, number: int, targets: Sequence[float | None], sent: Sequence[Recorded]
    ) -> None:
        """Work out the orders that the targets ask for; open: a late one counts what is coming."""
        aimed = bool(self.targeted) and any(one.target is not None for one in sent)
        if number not in self.targeted and not aimed:
            self.unjudged[SIZED_FREELY] += len(sent)
        elif self._waits_for_earlier():
            self.unjudged[SIZED_LATE] += len(sent)
        elif any(one.target is None for one in sent):
            self.unjudged[SIZED_MIXED] += len(sent)
        else:
            # An order of no size is no order.
            asked = [(request, target) for request, target in self.asks(targets) if request.size]
            self.expected[number] = asked

    # Orders

    def _repeat(self, one: Recorded) -> None:
        """Send an order as it was recorded."""
        self._asked, before = one, len(self.orders)
        self.send(one.request, one.target)
        for order in self.orders[before:]:
            self.sources[order.order_id] = one
            self._link(order)
            self._sent_now.append(order)

    def last_slot(self, _request: Request) -> float | None:
        """Where the validity ends, as it was recorded."""
        return self._asked.last_slot if self._asked else None

    def _link(self, order: Order) -> None:
        """Note the order of the same close whose exit this one may be."""
        self._sent_now = [one for one in self._sent_now if one.time == order.time]
        entries = [
            one for one in self._sent_now if one.symbol == order.symbol and one.side != order.side
        ]
        if entries and order.kind != MARKET:
            self._entries[order.order_id] = entries[-1]

    def _refusal(self, order: Order) -> str:
        reason = super()._refusal(order)
        if reason == NOT_HELD and self._asked and self._asked.status != "rejected":
            # Exits of a bracket, and orders that cancel each other, are judged at their fill.
            self.unjudged[BEYOND_COINS] += 1
            return ""
        return reason

    def _afford(self) -> None:
        """Refuse the buys that the cash surely does not cover.

        An order that was taken back may have been so at the close that sent it, and then used no
        cash of those after it: so there is a least and a most that the cash may be.
        """
        least = most = self.cash
        for order, takes in self._to_afford():
            source = self.sources[order.order_id]
            if source.taken_back:
                least, most = least - max(takes, 0.0), most - min(takes, 0.0)
                continue
            paid = order.side == SELL or self.pays(least - takes)
            if not paid and self.pays(most - takes):
                self.unjudged[BEYOND_CASH] += 1
                paid = source.reason != NO_CASH
            if paid:
                least, most = least - takes, most - takes
            else:
                self._end(order, "rejected", NO_CASH)
        self.sent = []
        self._take_back()

    def _take_back(self) -> None:
        for order in list(self.waiting):
            source = self.sources.get(order.order_id)
            if source is not None and source.taken_back:
                self.unjudged[TAKEN_BACK] += 1
                self._end(order, "cancelled")

    def too_early(self, order: Order) -> bool:
        """Whether an order may not fill yet, or is recorded to have waited for what is unknown."""
        source = self.sources.get(order.order_id)
        if super().too_early(order) or source is None:
            return super().too_early(order)
        if source.reason == REPLACED and order.earliest is not None:
            return True
        return self._may_await_entry(order, source)

    def _may_await_entry(self, order: Order, source: Recorded) -> bool:
        """Whether an order that may be the exit of a bracket had its entry still before it."""
        entry, bar = self._entries.get(order.order_id), self.bar_for(order)
        if entry is None or bar is None:
            return False
        reached = self.reach(replace(order), bar)
        if source.filled == self.now:
            # It waited for nothing, and an earlier bar may have touched its stop.
            order.woken = order.woken or (reached is None and order.order_id in self._touched)
            return False
        entered = self._filled_at.get(entry.order_id, self.now) < self.now
        if entered or entry.status not in ("pending", "filled"):
            return False
        self._touch(order, bar)
        if reached is None:
            return True
        if source.status == "rejected" and self._would_refuse(order, reached[1]):
            return False
        self._awaited.add(order.order_id)
        return True

    def _touch(self, order: Order, bar: Bar) -> None:
        """Note that a bar woke an order, if the order was waiting for nothing."""
        copy = replace(order)
        self.reach(copy, bar)
        if copy.woken:
            self._touched.add(order.order_id)

    def _would_refuse(self, order: Order, price: float) -> bool:
        change = order.size if order.side == BUY else -order.size
        return bool(self._unfit(order, change, price, self.fee(order.side, order.size * price)))

    def _end(self, order: Order, status: str, reason: str = "") -> None:
        if status == "filled":
            self._filled_at[order.order_id] = self.now
        super()._end(order, status, reason)

    def _finish(self) -> None:
        """End what is recorded to have ended at a time that is not recorded."""
        self._take_back()
        for order in list(self.waiting):
            source = self.sources.get(order.order_id)
            if source is not None and source.reason == REPLACED and order.earliest is not None:
                self.unjudged[REPLACED_LATER] += 1
                self._end(order, "cancelled", REPLACED)
        self.unjudged[AFTER_ENTRY] += len(self._awaited)
