"""An account kept in plain Python, from the documents and not from the code it checks.

Which document each part follows:

- ``rules.py``: what depends on the terms alone.
- :meth:`Ledger._open`: docs/architecture.md "Time", "Gaps" and "Several symbols" (the next bar
  there is, in the order of sending), docs/strategies.md "Orders" (validity).
- :meth:`Ledger._unfit`: docs/strategies.md "What is refused" (cash, coins held) and
  docs/architecture.md "Short positions and margin" (what opens).
- :meth:`Ledger._charge`, :meth:`Ledger._call`: docs/architecture.md "Short positions and margin"
  and "Gaps" (funding on the value held, the margin call).
- :meth:`Ledger.send`: docs/strategies.md "What is refused" and "Sizes" (an order without a size).
- :meth:`Ledger.targets`, :meth:`Ledger.aim`: docs/architecture.md "Sizing", rules 1 to 6.
- :meth:`Ledger.decided`, :meth:`Ledger.too_early`, :meth:`Ledger.cancel`: docs/architecture.md
  "Late decisions".
- :meth:`Ledger.trades`: docs/contract.md, trades.csv.

What the documents leave open is marked "open:" beside the line that had to choose.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .records import (
    BUY,
    CALLED,
    LIMIT,
    MARKET,
    NO_CASH,
    NO_MARGIN,
    NOT_HELD,
    NOT_LISTED,
    REPLACED,
    SELL,
    STOP,
    Bar,
    Cancel,
    Fill,
    Holding,
    Order,
    Part,
    Plan,
    Request,
    Row,
    Terms,
    Trade,
)
from .rules import DUST, Rules, fitting

Script = Mapping[int, Sequence[Request | Cancel]]
Weights = Sequence[Sequence[float | None]]
# Hours between the close of the bar in a slot and the instant at which it was decided.
Delays = Mapping[int, float]


class Ledger(Rules):
    """The account: bars in, rows out. Each rule is a method, so that a test can break one."""

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
        self.rows: list[Row] = []
        self.holdings: list[Holding] = []
        self.waiting: list[Order] = []
        self.sent: list[Order] = []
        self.taken_back: list[tuple[float, Order]] = []

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
            self.aim(targets)
        return self

    # Single rules

    def expires(self, order: Order) -> bool:
        late = order.last_slot is not None and self.slots[self.now] > order.last_slot
        return late and order.kind != MARKET

    def opening(self, slot: int) -> float:
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

    def inside_band(self, target: float, weight: float) -> bool:
        listed = sum(count > 0 for count in self.seen)
        return abs(target - weight) < self.terms.rebalance_band / listed

    def cap(self, resting: float, asked: float) -> float:
        """The factor that makes the weights asked for fit beside those that rest."""
        return fitting(self.terms.max_gross - resting, asked)

    # The state of the account

    def values(self) -> list[float]:
        """What is held of each symbol at its last close; below 0 where it is short."""
        return [
            held * bar.close if bar else 0.0
            for held, bar in zip(self.held, self.last, strict=True)
        ]  # fmt: skip

    def equity(self) -> float:
        return self.cash + sum(self.values())

    def weights(self) -> list[float]:
        equity = self.equity()
        return [value / equity if equity > 0 else 0.0 for value in self.values()]

    def closing(self) -> list[int]:
        """Symbols that a margin call has still to close."""
        return [order.symbol for order in self.waiting if order.reason == CALLED]

    # A time of the run

    def _live(self, number: int) -> None:
        """One time up to its close: fills, funding, margin."""
        self.now = number
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
        return list(self.waiting)

    def bar_for(self, order: Order) -> Bar | None:
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
        for order in self.sent:
            last = self.last[order.symbol]
            if self.terms.allow_short or order.status != "pending" or last is None:
                continue
            if not self.judged_when_sent(order):
                continue
            value = order.size * (order.stop or order.limit or last.close)
            if order.side == SELL:
                cash += value - self.fee(SELL, value)
            elif self.pays(cash - value - self.fee(BUY, value)):
                cash -= value + self.fee(BUY, value)
            else:
                self._end(order, "rejected", NO_CASH)
        self.sent = []

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

    def to_close(self) -> list[int]:
        """Symbols held that no margin call is closing, in the order in which they were named."""
        closing = self.closing()
        held = [symbol for symbol in self.symbols if abs(self.held[symbol]) > DUST]
        return [symbol for symbol in held if symbol not in closing]

    def breached(self, equity: float, gross: float) -> bool:
        return equity < self.terms.maintenance_margin * gross

    def _write(self, targets: Sequence[float | None]) -> None:
        """The rows of this close."""
        weights, equity = self.weights(), self.equity()
        for symbol, bar in enumerate(self.last):
            if bar is not None:
                self.holdings.append(
                    Holding(self.now, symbol, targets[symbol], weights[symbol],
                            self.held[symbol], bar.close)
                )  # fmt: skip
        before = [row.equity for row in self.rows] or [equity]
        gain = equity / before[-1] - 1 if before[-1] > 0 else 0.0
        fills = [fill for fill in self.fills if fill.time == self.now]
        self.rows.append(
            Row(
                self.now, self.cash, equity, gain, equity / max(*before, equity) - 1,
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

    def _take(self, order: Order) -> None:
        order.order_id = len(self.orders) + 1
        self.orders.append(order)
        self.waiting.append(order)

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
        if order.size * last.close < least:
            return f"below the minimum notional of {least:g}"
        # open: what comes before a late sale may bring its coins; then only its fill tells.
        comes = any(self.comes_first(one) for one in self.waiting if one.symbol == order.symbol)
        judged = not (order.bracket or comes) and not self.terms.allow_short
        return NOT_HELD if judged and self._oversells(order) else ""

    def _oversells(self, order: Order) -> bool:
        """Whether a sale is of more than is held now, by more than the dust of floating point."""
        return order.side == SELL and order.size > self.held[order.symbol] + DUST

    def cancel(self, cancel: Cancel) -> None:
        for order in self.own[cancel.number - 1 : cancel.number]:
            if order not in self.waiting:
                continue
            instant = self.undone_at(order)
            if instant is None:
                self._end(order, "cancelled")
            else:
                self.taken_back.append((instant, order))

    # Target weights

    def targets(self, wanted: Sequence[float | None]) -> list[float | None]:
        """Cut to the largest weight each, and to the largest sum together."""
        most = self.terms.max_weight
        least = -most if self.terms.allow_short else 0.0
        cut = [None if weight is None else min(max(weight, least), most) for weight in wanted]
        resting = sum(
            abs(weight) for weight, target in zip(self.weights(), cut, strict=True)
            if target is None
        )  # fmt: skip
        factor = self.cap(resting, sum(abs(weight) for weight in cut if weight is not None))
        return [None if weight is None else weight * factor for weight in cut]

    def aim(self, targets: Sequence[float | None]) -> None:
        """Send the orders that bring the weights to their targets, those that close first."""
        plans = [
            self._plan(symbol, target) for symbol, target in enumerate(targets)
            if target is not None and not self._rests(symbol, target)
        ]  # fmt: skip
        if self.equity() <= 0:
            return
        for plan in self.in_turn(plans, self._affordable(plans)):
            request = Request(plan.side, plan.closes + plan.opens, symbol=plan.symbol)
            self.send(request, plan.target)

    def in_turn(self, plans: Sequence[Plan], factor: float) -> list[Plan]:
        """What is sent: first what only closes and is not too small, then what opens."""
        scaled = [self.scaled(plan, factor) for plan in plans]
        closing = [plan for plan in scaled if not plan.opens and not self._small(plan)]
        return closing + [plan for plan in scaled if plan.opens]

    def scaled(self, plan: Plan, factor: float) -> Plan:
        return replace(plan, opens=self.whole_lots(plan.opens * factor))

    def _rests(self, symbol: int, target: float) -> bool:
        """Whether the weight held is left as it is; open: the last bits of a bound do not count."""
        weights, terms = self.weights(), self.terms
        weight, gross = abs(weights[symbol]), sum(abs(weight) for weight in weights)
        leaves = target == 0.0 and abs(self.held[symbol]) > DUST
        over = weight > terms.max_weight * (1 + 1e-9)
        crowded = gross > terms.max_gross * (1 + 1e-9) and weight > abs(target)
        forced = leaves or over or crowded
        return not forced and self.inside_band(target, weights[symbol])

    def _plan(self, symbol: int, target: float) -> Plan:
        held, lot = self.held[symbol], self.terms.lot_step
        change = target * self.equity() / self._close_of(symbol) - held
        side = BUY if change > 0 else SELL
        if held * change >= 0:
            return Plan(symbol, target, side, 0.0, self.whole_lots(abs(change)))
        if abs(change) >= abs(held):
            return Plan(symbol, target, side, abs(held), self.whole_lots(abs(change) - abs(held)))
        closes = self.whole_lots(abs(change))
        exact = abs(held) - closes < lot / 2
        return Plan(symbol, target, side, abs(held) if exact else closes, 0.0)

    def _affordable(self, plans: Sequence[Plan]) -> float:
        """The factor that makes all that is opened fit into the budget."""
        room = self.room()
        freed = sum(
            plan.closes * self._close_of(plan.symbol) for plan in plans
            if plan.opens or not self._small(plan)
        )  # fmt: skip
        cost = sum(plan.opens * self._close_of(plan.symbol) for plan in plans)
        if not self.terms.allow_short:
            return fitting(self.cash + freed / room, cost * room)
        gross = sum(abs(value) for value in self.values())
        return fitting(self.equity() / (self.terms.initial_margin * room) - gross + freed, cost)

    def _small(self, plan: Plan) -> bool:
        return plan.closes * self._close_of(plan.symbol) < self.terms.min_notional_quote

    def _close_of(self, symbol: int) -> float:
        bar = self.last[symbol]
        assert bar is not None
        return bar.close

    # Round trips

    def trades(self) -> list[Trade]:
        """Trades from flat to flat; the last of a symbol may be open."""
        done: list[tuple[int, Trade]] = []
        for symbol in self.symbols:
            parts, begun, position = list[Part](), 0, 0.0
            for number, fill in enumerate(self.fills):
                if fill.symbol != symbol:
                    continue
                for part in self.divided(fill, position):
                    begun = begun if parts else number
                    parts.append(part)
                    position += part.size if part.side == BUY else -part.size
                    if abs(position) <= DUST:
                        done.append((begun, self._trade(symbol, parts, 0.0)))
                        parts = []
                position = fill.position
            if parts:
                done.append((begun, self._trade(symbol, parts, position)))
        # open: sorted by the first fill, in the order of the fills.
        return [trade for _, trade in sorted(done, key=lambda pair: pair[0])]

    def divided(self, fill: Fill, before: float) -> list[Part]:
        """A fill, in two where it turns the position around."""
        whole = Part(fill.time, fill.bar, fill.side, fill.size, fill.price, fill.fee)
        if before * fill.position >= 0 or min(abs(before), abs(fill.position)) <= DUST:
            return [whole]
        sizes = (abs(before), abs(fill.position))
        return [replace(whole, size=size, fee=fill.fee * size / fill.size) for size in sizes]

    def _trade(self, symbol: int, parts: Sequence[Part], position: float) -> Trade:
        """One trade; what is still held of it is valued at the symbol's last close."""
        side = parts[0].side
        entries = [part for part in parts if part.side == side]
        exits = [part for part in parts if part.side != side]
        quantity, left = sum(part.size for part in entries), sum(part.size for part in exits)
        spent = sum(part.size * part.price for part in entries)
        returned = sum(part.size * part.price for part in exits)
        fees = sum(part.fee for part in parts)
        worth = abs(position) * self._close_of(symbol)
        pnl = (1 if side == BUY else -1) * (returned + worth - spent) - fees
        last = parts[-1].bar if not position else len(self.markets[symbol]) - 1
        return Trade(
            symbol, parts[0].time, None if position else parts[-1].time,
            "long" if side == BUY else "short", quantity, spent / quantity,
            returned / left if left else None, pnl, pnl / spent, fees, last - parts[0].bar,
        )  # fmt: skip


def exits(entry: Order, stop: float, limit: float) -> list[Order]:
    """The two orders that leave again what a bracket has entered, whichever comes first."""
    side = SELL if entry.side == BUY else BUY
    both = replace(entry, side=side, limit=None, stop=None, begins=math.inf)
    return [replace(both, kind=STOP, stop=stop), replace(both, kind=LIMIT, limit=limit)]
