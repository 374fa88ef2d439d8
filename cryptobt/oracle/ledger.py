"""An account kept in plain Python, from the documents and not from the code it checks.

Which document each part follows:

- ``rules.py``: what depends on the terms alone; ``book.py``: single orders; ``sizing.py``: target
  weights; ``exchange.py``: what a bar does; ``trips.py``: trades.
- :meth:`Ledger.send`: docs/strategies.md "What is refused" and "Sizes" (an order without a size).
- :meth:`Ledger.cancel`: docs/architecture.md "Late decisions".
- :meth:`Ledger._write`: docs/contract.md, equity.csv and weights.csv.

What the documents leave open is marked "open:" beside the line that had to choose.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptobt.oracle.book import Delays
from cryptobt.oracle.exchange import Exchange
from cryptobt.oracle.records import (
    BUY,
    LIMIT,
    REPLACED,
    SELL,
    STOP,
    Cancel,
    Holding,
    Order,
    Request,
    Row,
)

__all__ = ["Delays", "Ledger", "Script", "Weights"]

Script = Mapping[int, Sequence[Request | Cancel]]
Weights = Sequence[Sequence[float | None]]


class Ledger(Exchange):
    """The account: bars in, rows out. Each rule is a method, so that a test can break one."""

    def play(self, script: Script) -> "Ledger":
        """Send the orders of the script, one list a time of the run."""
        for number in range(len(self.slots)):
            self._live(number)
            self._write([None for _ in self.symbols])
            for action in script.get(number, ()):
                if isinstance(action, Cancel):
                    self.cancel(action)
                else:
                    self.send(action)
        return self

    def follow(self, weights: Weights) -> "Ledger":
        """Hold these weights, one for each bar of each symbol; None is no opinion."""
        for number in range(len(self.slots)):
            self._live(number)
            wanted = [
                weights[symbol][self.seen[symbol] - 1] if self.today[symbol] else None
                for symbol in self.symbols
            ]
            targets = self.targets(wanted)
            self._write(targets)
            for request, target in self.asks(targets):
                self.send(request, target)
        return self

    def _write(self, targets: Sequence[float | None]) -> None:
        """The rows of this close."""
        weights, equity = self.weights(), self.equity()
        for symbol, bar in enumerate(self.last):
            if bar is not None:
                self.holdings.append(
                    Holding(self.now, symbol, targets[symbol], weights[symbol],
                            self.held[symbol], bar.close)
                )  # fmt: skip
        before = self.rows[-1].equity if self.rows else equity
        gain = equity / before - 1 if before > 0 else 0.0
        self.peak = max(self.peak, equity) if self.rows else equity
        fills = self.fills[self.filled_before :]
        self.rows.append(
            Row(
                self.now, self.cash, equity, gain, equity / self.peak - 1,
                sum(abs(weight) for weight in weights), sum(weights),
                sum(fill.fee for fill in fills), sum(fill.slippage for fill in fills),
                self.funded,
            )
        )  # fmt: skip

    # Orders of the strategy

    def send(self, request: Request, target: float | None = None) -> None:
        """Take an order at the close, or refuse it."""
        size = self._size(request)
        if size <= 0:
            return  # open: an order of no size is no order
        order = Order(
            0, self.now, request.symbol, request.side, request.kind, size, request.limit,
            request.stop, self.last_slot(request), target, earliest=self.decided(),
        )  # fmt: skip
        orders = [order]
        if request.exits is not None:
            order.bracket = len(self.orders) + 1
            orders += exits(order, *request.exits)
        reasons = [self._refusal(one) for one in orders]
        for older in list(self.waiting):
            if not reasons[0] and self.replaces(order, older):
                self._end(older, "cancelled", REPLACED)
        for one in orders:
            self.own.append(one)
            self._take(one)
        for one, reason in zip(orders, reasons, strict=True):
            if reason:
                self._end(one, "rejected", reason)
            else:
                self.sent.append(one)

    def last_slot(self, request: Request) -> float | None:
        """Where the validity ends; a symbol that is not listed has none to count from."""
        valid = request.valid_slots
        listed = self.last[request.symbol] is not None
        return self.slots[self.now] + valid if listed and valid is not None else None

    def cancel(self, cancel: Cancel) -> None:
        """Take one of the strategy's orders back, once the decision to do so is made."""
        for order in self.own[cancel.number - 1 : cancel.number]:
            if order not in self.waiting:
                continue
            instant = self.undone_at(order)
            if instant is None:
                self._end(order, "cancelled")
            else:
                self.taken_back.append((instant, order))


def exits(entry: Order, stop: float, limit: float) -> list[Order]:
    """The two orders that leave again what a bracket has entered, whichever comes first."""
    side = SELL if entry.side == BUY else BUY
    both = replace(entry, side=side, limit=None, stop=None, begins=math.inf)
    return [replace(both, kind=STOP, stop=stop), replace(both, kind=LIMIT, limit=limit)]
