"""What goes into the ledger and what comes out of it: bars, terms, requests, and rows."""

from dataclasses import dataclass

BUY, SELL = "buy", "sell"
MARKET, LIMIT, STOP, STOP_LIMIT = "market", "limit", "stop", "stop_limit"
NO_CASH = "insufficient cash"
NO_MARGIN = "insufficient margin"
CALLED = "margin call"
REPLACED = "replaced by a later decision"
NOT_LISTED = "not listed yet"
NOT_HELD = "sells more than is held (long/flat account)"
OUTLIVED = "it was valid until a time that had passed"
KINDS = (MARKET, LIMIT, STOP, STOP_LIMIT)


@dataclass(frozen=True)
class Bar:
    """Prices of one bar; ``slot`` counts intervals, so that a missing bar is a missing slot.

    A bar beside the grid of the others has a slot that is not whole.
    """

    slot: float
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
    borrow_bps_per_day: float = 0.0
    lot_step: float = 1e-8
    min_notional_quote: float = 10.0
    gap_reserve: float = 0.01
    rebalance_band: float = 0.1
    max_weight: float = 1.0
    max_gross: float = 1.0
    allow_short: bool = False
    initial_margin: float = 1.0
    maintenance_margin: float = 0.25
    interval_days: float = 1.0
    decision_deadline_hours: float = 4.0


@dataclass(frozen=True)
class Request:
    """An order as a strategy asks for it; a size of None is left to the account.

    ``valid_slots`` counts from the deciding bar: the last slot in which the order may fill.
    ``exits`` makes it a bracket: the stop's price and the limit's of what leaves again.
    """

    side: str
    size: float | None
    kind: str = MARKET
    limit: float | None = None
    stop: float | None = None
    valid_slots: float | None = None
    symbol: int = 0
    exits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Cancel:
    """Take back one of the strategy's orders, by its number from 1 in the order of sending."""

    number: int


@dataclass
class Order:
    """A row of orders.csv; ``time`` is the number of the deciding time.

    ``earliest`` is the instant of a late decision, in hours from slot 0, and None of one on time.
    ``bracket`` is the number of the order that a bracket enters with, ``begins`` the time at which
    an order may first fill.
    """

    order_id: int
    time: int
    symbol: int
    side: str
    kind: str
    size: float
    limit: float | None = None
    stop: float | None = None
    last_slot: float | None = None
    target: float | None = None
    status: str = "pending"
    reason: str = ""
    woken: bool = False
    earliest: float | None = None
    bracket: int = 0
    begins: float = 0.0


@dataclass(frozen=True)
class Recorded:
    """An order as a run recorded it.

    ``number`` is its ``order_id``, ``last_slot`` where its validity ends, ``target`` the weight
    that it is to reach, ``filled`` the time at which it was, None where it was not.
    """

    number: int
    time: int
    request: Request
    last_slot: float | None
    target: float | None
    status: str
    reason: str
    filled: int | None

    @property
    def of_the_exchange(self) -> bool:
        """Whether a margin call sent it, and not the strategy."""
        return self.reason == CALLED and self.status in ("filled", "pending")

    @property
    def taken_back(self) -> bool:
        """Whether the strategy, or another order of it, ended it at a time that is not recorded."""
        return self.status == "cancelled" and self.reason not in (CALLED, REPLACED)


@dataclass(frozen=True)
class Fill:
    """A row of fills.csv; ``bar`` is the number of the symbol's own bar."""

    order_id: int
    time: int
    symbol: int
    bar: int
    side: str
    size: float
    price: float
    open: float
    fee: float
    slippage: float
    position: float
    late: bool = False


@dataclass(frozen=True)
class Holding:
    """A row of weights.csv."""

    time: int
    symbol: int
    target: float | None
    weight: float
    quantity: float
    close: float


@dataclass(frozen=True)
class Row:
    """A row of equity.csv."""

    time: int
    cash: float
    equity: float
    gain: float
    drawdown: float
    gross: float
    net: float
    fees: float
    slippage: float
    funding: float


@dataclass(frozen=True)
class Part:
    """A fill, or what one trade has of a fill that turns a position around."""

    time: int
    bar: int
    side: str
    size: float
    price: float
    fee: float


@dataclass(frozen=True)
class Trade:
    """A row of trades.csv; the exit is None while the trade is open."""

    symbol: int
    time: int
    exit_time: int | None
    direction: str
    quantity: float
    entry_price: float
    exit_price: float | None
    pnl: float
    gain: float
    fees: float
    bars_held: int


@dataclass(frozen=True)
class Plan:
    """What brings one symbol to its target: the part that closes and the part that opens."""

    symbol: int
    target: float
    side: str
    closes: float
    opens: float
