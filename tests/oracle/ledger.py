"""A spot account kept in plain Python, from the documents and not from the code it checks.

Which document each part follows:

- :func:`reach`: docs/strategies.md "Orders" (market, limit, stop, stop-limit; slippage), and
  docs/contract.md, fills.csv (price, open, slippage).
- :meth:`Ledger._open`: docs/architecture.md "Time" and "Gaps" (the next bar there is),
  docs/strategies.md "Orders" (validity) and "What is refused" (insufficient cash).
- :meth:`Ledger._close`: docs/contract.md, [costs] and equity.csv (funding on the value held).
- :meth:`Ledger.send`: docs/strategies.md "What is refused" (minimum notional, coins held) and
  "Sizes" (an order without a size).
- :meth:`Ledger.aim`: docs/architecture.md "Sizing", rules 1 to 5.
- :meth:`Ledger.trades`: docs/contract.md, trades.csv.

What the documents leave open is marked "open:" beside the line that had to choose.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BUY, SELL = "buy", "sell"
MARKET, LIMIT, STOP, STOP_LIMIT = "market", "limit", "stop", "stop_limit"
NO_CASH = "insufficient cash"
NOT_HELD = "sells more than is held (long/flat account)"
DUST = 1e-12


@dataclass(frozen=True)
class Bar:
    """Prices of one bar; ``slot`` counts intervals, so that a missing bar is a missing slot."""

    slot: int
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True)
class Terms:
    """The settings that an account depends on, under their names in docs/contract.md."""

    cash_quote: float = 10_000.0
    fee_bps: float = 10.0
    slippage_bps: float = 5.0
    funding_bps_per_day: float = 0.0
    lot_step: float = 1e-8
    min_notional_quote: float = 10.0
    gap_reserve: float = 0.01
    rebalance_band: float = 0.1
    max_weight: float = 1.0
    interval_days: float = 1.0


@dataclass(frozen=True)
class Request:
    """An order as a strategy asks for it; a size of None is left to the account.

    ``valid_slots`` counts from the deciding bar: the last slot in which the order may fill.
    """

    side: str
    size: float | None
    kind: str = MARKET
    limit: float | None = None
    stop: float | None = None
    valid_slots: float | None = None


@dataclass(frozen=True)
class Cancel:
    """Take back the order with this number, counted from 1 in the order of sending."""

    order_id: int


@dataclass
class Order:
    """A row of orders.csv; ``bar`` is the number of the deciding bar."""

    order_id: int
    bar: int
    side: str
    kind: str
    size: float
    limit: float | None
    stop: float | None
    last_slot: float | None
    target: float | None
    asked_price: float
    status: str = "pending"
    reason: str = ""
    woken: bool = False


@dataclass(frozen=True)
class Fill:
    """A row of fills.csv."""

    order_id: int
    bar: int
    side: str
    size: float
    price: float
    open: float
    fee: float
    slippage: float
    position: float


@dataclass(frozen=True)
class Row:
    """A row of equity.csv and weights.csv together."""

    bar: int
    cash: float
    equity: float
    quantity: float
    weight: float
    target: float | None
    fees: float
    slippage: float
    funding: float


@dataclass(frozen=True)
class Trade:
    """A row of trades.csv; the exit is None while nothing was sold or the trade is open."""

    entry_bar: int
    exit_bar: int | None
    bought: float
    entry_price: float
    exit_price: float | None
    pnl: float
    gain: float
    fees: float
    bars_held: int


class Ledger:
    """The account: bars in, rows out. Each rule is a method, so that a test can break one."""

    def __init__(self, bars: Sequence[Bar], terms: Terms) -> None:
        self.bars, self.terms = bars, terms
        self.now = 0
        self.cash, self.held = terms.cash_quote, 0.0
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.rows: list[Row] = []
        self.waiting: list[Order] = []
        self.sent: list[Order] = []

    def play(self, script: Mapping[int, Sequence[Request | Cancel]]) -> "Ledger":
        """Send the orders of the script, one list a deciding bar."""
        for number in range(len(self.bars)):
            self.now = number
            self._open()
            self._close(None)
            for action in script.get(self.now, ()):
                if isinstance(action, Cancel):
                    self.cancel(action)
                else:
                    self.send(action)
        return self

    def follow(self, weights: Sequence[float | None]) -> "Ledger":
        """Hold these weights, one a bar; None is no opinion."""
        for number in range(len(self.bars)):
            self.now = number
            self._open()
            wanted = weights[self.now]
            target = None if wanted is None else min(max(wanted, 0.0), self.terms.max_weight)
            self._close(target)
            if target is not None:
                self.aim(target)
        return self

    # Single rules

    def fee(self, _side: str, value: float) -> float:
        return value * self.terms.fee_bps / 10_000

    def slipped(self, side: str, price: float) -> float:
        """A price made worse: higher for a buy, lower for a sale."""
        share = self.terms.slippage_bps / 10_000
        return price * (1 + share) if side == BUY else price * (1 - share)

    def market_price(self, bar: Bar) -> float:
        return bar.open

    def funding(self, value: float) -> float:
        return value * self.terms.funding_bps_per_day / 10_000 * self.terms.interval_days

    def slippage(self, order: Order, reference: float, price: float) -> float:
        return abs(price - reference) * order.size

    def expires(self, order: Order, bar: Bar) -> bool:
        return order.last_slot is not None and bar.slot > order.last_slot

    def came_back(self, order: Order, bar: Bar) -> bool:
        """Whether a bar that touched a stop surely met a limit on the near side of it later."""
        assert order.limit is not None
        return bar.close <= order.limit if order.side == BUY else bar.close >= order.limit

    def pays(self, left: float) -> bool:
        """Whether a buy that leaves this much cash is filled."""
        return left >= 0.0

    def inside_band(self, target: float, weight: float) -> bool:
        return abs(target - weight) < self.terms.rebalance_band

    def room(self) -> float:
        """What a bought unit costs at most, over its close."""
        terms = self.terms
        costs = (1 + terms.fee_bps / 10_000) * (1 + terms.slippage_bps / 10_000)
        return costs * (1 + terms.gap_reserve)

    def whole_lots(self, quantity: float) -> float:
        """Rounded down; open: what rounding took below a whole lot counts as whole."""
        lots = quantity / self.terms.lot_step
        return math.floor(lots + 4e-15 * lots + 1e-9) * self.terms.lot_step

    # A bar

    def _open(self) -> None:
        """Meet the bar with all that waits, in the order of sending."""
        self._afford()
        bar = self.bars[self.now]
        for order in list(self.waiting):
            if self.expires(order, bar):
                self._end(order, "expired")
                continue
            reached = reach(self, order, bar)
            if reached is not None:
                self._fill(order, bar, *reached)

    def _afford(self) -> None:
        """Refuse, of what the last bar sent, the buys that the cash does not cover."""
        # open: orders of one bar are judged in turn, each after those before it, at the last
        # close or at their own price, with the fee and without slippage; this happens as the
        # next bar opens, so that what the last bar sends is not judged.
        cash = self.cash
        for order in self.sent:
            if order.status != "pending":
                continue
            value = order.size * order.asked_price
            if order.side == SELL:
                cash += value - self.fee(SELL, value)
            elif self.pays(cash - value - self.fee(BUY, value)):
                cash -= value + self.fee(BUY, value)
            else:
                self._end(order, "rejected", NO_CASH)
        self.sent = []

    def _fill(self, order: Order, bar: Bar, reference: float, price: float) -> None:
        if self._oversells(order):
            self._end(order, "rejected", NOT_HELD)
            return
        value = order.size * price
        fee = self.fee(order.side, value)
        if order.side == BUY:
            if not self.pays(self.cash - value - fee):
                self._end(order, "rejected", NO_CASH)
                return
            self.cash -= value + fee
            self.held += order.size
        else:
            self.cash += value - fee
            self.held -= order.size
        slippage = self.slippage(order, reference, price)
        self.fills.append(
            Fill(order.order_id, self.now, order.side, order.size, price, bar.open, fee, slippage,
                 self.held)
        )  # fmt: skip
        self._end(order, "filled")

    def _end(self, order: Order, status: str, reason: str = "") -> None:
        order.status, order.reason = status, reason
        if order in self.waiting:
            self.waiting.remove(order)

    def _close(self, target: float | None) -> None:
        """Charge the funding, then value the account."""
        bar = self.bars[self.now]
        value = self.held * bar.close
        funding = self.funding(value)
        self.cash -= funding
        equity = self.cash + value
        fills = [fill for fill in self.fills if fill.bar == self.now]
        self.rows.append(
            Row(
                self.now, self.cash, equity, self.held, value / equity, target,
                sum(fill.fee for fill in fills), sum(fill.slippage for fill in fills), funding,
            )
        )  # fmt: skip

    # Decisions

    def send(self, request: Request, target: float | None = None) -> None:
        """Take an order at the close, or refuse it."""
        bar = self.bars[self.now]
        size = self._size(request)
        if size <= 0:
            return  # open: an order of no size is no order
        prices = [request.stop, request.limit, bar.close]
        order = Order(
            len(self.orders) + 1, self.now, request.side, request.kind, size, request.limit,
            request.stop,
            None if request.valid_slots is None else bar.slot + request.valid_slots,
            target,
            next(price for price in prices if price is not None),
        )  # fmt: skip
        self.orders.append(order)
        reason = self._refusal(order, bar)
        if reason:
            order.status, order.reason = "rejected", reason
        else:
            self.waiting.append(order)
            self.sent.append(order)

    def _size(self, request: Request) -> float:
        if request.size is not None:
            return request.size
        if request.side == SELL:
            return self.held
        return self.whole_lots(self.cash / (self.bars[self.now].close * self.room()))

    def _refusal(self, order: Order, bar: Bar) -> str:
        # open: where both hold, the minimum is the reason.
        least = self.terms.min_notional_quote
        if order.size * bar.close < least:
            return f"below the minimum notional of {least:g}"
        return NOT_HELD if self._oversells(order) else ""

    def _oversells(self, order: Order) -> bool:
        """Whether a sale is of more than is held now, by more than the dust of floating point."""
        return order.side == SELL and order.size > self.held + DUST

    def cancel(self, cancel: Cancel) -> None:
        for order in self.waiting:
            if order.order_id == cancel.order_id:
                self._end(order, "cancelled")
                break

    def aim(self, target: float) -> None:
        """Send the order that brings the weight to its target, if one is needed."""
        close, row, terms = self.bars[self.now].close, self.rows[-1], self.terms
        leaves = target == 0.0 and self.held > DUST
        # open: what is held over the largest weight is sold, band or not; funding that takes cash
        # which is not there, or a rise of the price, brings a weight there.
        over = self.held * close > row.equity * terms.max_weight * (1 + 1e-9)
        if not leaves and not over and self.inside_band(target, row.weight):
            return
        change = target * row.equity / close - self.held
        if change > 0:
            affordable = self.cash / (close * self.room())
            self.send(Request(BUY, self.whole_lots(min(change, affordable))), target)
            return
        size = self.held if leaves else self.whole_lots(-change)
        if size * close >= terms.min_notional_quote:
            self.send(Request(SELL, size), target)

    # Round trips

    def trades(self) -> list[Trade]:
        """Trades from flat to flat; the last may be open and is valued at the last close."""
        done: list[Trade] = []
        part: list[Fill] = []
        for fill in self.fills:
            part.append(fill)
            if fill.position <= DUST:
                done.append(self._trade(part, closed=True))
                part = []
        if part:
            done.append(self._trade(part, closed=False))
        return done

    def _trade(self, fills: Sequence[Fill], closed: bool) -> Trade:
        bought = sum(fill.size for fill in fills if fill.side == BUY)
        sold = sum(fill.size for fill in fills if fill.side == SELL)
        paid = sum(fill.size * fill.price for fill in fills if fill.side == BUY)
        received = sum(fill.size * fill.price for fill in fills if fill.side == SELL)
        fees = sum(fill.fee for fill in fills)
        worth = 0.0 if closed else fills[-1].position * self.bars[-1].close
        pnl = received + worth - paid - fees
        last = fills[-1].bar if closed else len(self.bars) - 1
        return Trade(
            fills[0].bar, last if closed else None, bought, paid / bought,
            received / sold if sold else None, pnl, pnl / paid, fees, last - fills[0].bar,
        )  # fmt: skip


def reach(ledger: Ledger, order: Order, bar: Bar) -> tuple[float, float] | None:
    """Where a bar fills an order: the price it is reached at, and the price with slippage."""
    if order.kind == MARKET:
        price = ledger.market_price(bar)
        return price, ledger.slipped(order.side, price)
    if order.kind == LIMIT or order.woken:
        return _reach_limit(ledger, order, bar)
    assert order.stop is not None
    sign = 1 if order.side == BUY else -1
    opens_beyond = sign * bar.open >= sign * order.stop
    touches = bar.high >= order.stop if order.side == BUY else bar.low <= order.stop
    if not (opens_beyond or touches):
        return None
    order.woken = True
    reference = bar.open if opens_beyond else order.stop
    worse = ledger.slipped(order.side, reference)
    if order.kind == STOP:
        return reference, worse
    if opens_beyond:
        return _reach_limit(ledger, order, bar)
    assert order.limit is not None
    if sign * order.limit >= sign * order.stop:
        return reference, sign * min(sign * worse, sign * order.limit)
    # open: a limit on the near side of the stop. The bar tells no path, so it fills only where
    # the close lies beyond the limit: the price came back through it after touching the stop.
    if ledger.came_back(order, bar):
        return order.limit, order.limit
    return None


def _reach_limit(ledger: Ledger, order: Order, bar: Bar) -> tuple[float, float] | None:
    assert order.limit is not None
    sign = 1 if order.side == BUY else -1
    if sign * bar.open <= sign * order.limit:
        worse = ledger.slipped(order.side, bar.open)
        return bar.open, sign * min(sign * worse, sign * order.limit)
    inside = bar.low <= order.limit if order.side == BUY else bar.high >= order.limit
    return (order.limit, order.limit) if inside else None
