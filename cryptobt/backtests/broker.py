"""The simulated exchange: fees, slippage, funding, lot sizes, refusals that stay visible."""

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

import backtrader as bt
import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY

_OVERSELLS = "sells more than is held (long/flat account)"
REPLACED = "replaced by a later decision"
_ROUNDING = 1e-6
"""Of an interval; backtrader's day numbers are exact to a ten-thousandth of a second."""
_ROUNDS = 8
"""How often a size is rounded as a position would round it; one or two are enough."""
EXEC_TYPES = {
    bt.Order.Market: "market",
    bt.Order.Limit: "limit",
    bt.Order.Stop: "stop",
    bt.Order.StopLimit: "stop_limit",
}


def limit_price(order: Any) -> float | None:
    """Worst price that an order accepts; None where it takes any."""
    if order.exectype == bt.Order.Limit:
        return float(order.created.price)
    return float(order.created.pricelimit) if order.exectype == bt.Order.StopLimit else None


def stop_price(order: Any) -> float | None:
    """Price that wakes an order; None where it is awake from the start."""
    waits = order.exectype in (bt.Order.Stop, bt.Order.StopLimit)
    return float(order.created.price) if waits else None


class PercentageFee(bt.CommInfoBase):
    """A fee in percent of an order's value; sizes are fractional."""

    params = (
        ("commtype", bt.CommInfoBase.COMM_PERC),
        ("stocklike", True),
        # Without percabs backtrader divides the commission by 100.
        ("percabs", True),
    )

    def getsize(self, price: float, cash: float) -> float:
        """Units that cash buys; backtrader's own truncates to whole coins."""
        return cash / price


class SpotBroker(bt.brokers.BackBroker):
    """A long/flat spot account.

    A market order fills at the next open, worse by the slippage, also on a bar without range; a
    stop becomes one when its price is touched, at its price or the open beyond it; a limit order
    fills at its limit, or at the open (with slippage) where that is better, never worse than its
    limit. A buy that the cash cannot pay, a sale of more than is held, an order under the minimum
    notional and an order of another type are refused whole, with a reason. A symbol without a bar
    at a time at which others have one fills nothing then, and pays no funding.

    Attributes
    ----------
    now : float
        Open of the bar at hand, as backtrader counts days.
    funding_paid : float
        Funding of the bar at hand, in quote.
    late : mapping
        Bars whose decision was made too late for the next open, to the instant at which it was
        made, both as backtrader counts days: their orders wait for the first bar that opens then,
        and what they take back may fill until then.
    interval : float
        Days between two bars.
    """

    def __init__(self, settings: Settings, interval: pd.Timedelta) -> None:
        super().__init__()
        self.minimum = settings.sizing.min_notional_quote
        days = interval / DAY
        self.funding_rate = settings.costs.funding_bps_per_day / 1e4 * days
        self.borrow_rate = settings.costs.borrow_bps_per_day / 1e4 * days
        self.now, self.funding_paid = 0.0, 0.0
        self.interval = days
        self.late: Mapping[float, float] = {}
        self._cancels: list[tuple[float, Any]] = []
        self._unslipped: float | None = None
        super().set_cash(settings.account.cash_quote)
        super().addcommissioninfo(PercentageFee(commission=settings.costs.fee_bps / 1e4))
        super().set_slippage_perc(
            settings.costs.slippage_bps / 1e4,
            slip_open=True,
            slip_limit=True,
            slip_match=True,
            slip_out=True,
        )

    def buy(self, owner: Any, data: Any, size: float, *args: Any, **options: Any) -> Any:
        """Take an order to buy; a validity counts from now, also for a symbol without a bar."""
        return super().buy(owner, data, size, *args, **self._valid_from_now(data, options))

    def sell(self, owner: Any, data: Any, size: float, *args: Any, **options: Any) -> Any:
        """Take an order to sell; a validity counts from now, also for a symbol without a bar."""
        return super().sell(owner, data, size, *args, **self._valid_from_now(data, options))

    def _valid_from_now(self, data: Any, options: dict[str, Any]) -> dict[str, Any]:
        valid = options.get("valid")
        # backtrader counts from the symbol's newest bar, which here may be an old one.
        if not len(data) or self._has_bar(data):
            return options
        if isinstance(valid, datetime.timedelta) and valid:
            return options | {"valid": bt.num2date(self.now) + valid}
        if isinstance(valid, (int, float)) and valid:
            return options | {"valid": bt.num2date(self.now + valid)}
        return options

    def submit(self, order: Any, check: bool = True) -> Any:
        """Accept an order for the next bar, or refuse it with a reason."""
        # A margin call, which has no owner, is the exchange's and never late.
        waits_until = 0.0 if order.owner is None else self.late.get(self.now, 0.0)
        order.addinfo(decided=self.now, waits_until=waits_until)
        reason = self._refusal(order)
        if reason is None:
            self._replace(order)
            return super().submit(order, check)
        if not len(order.data):
            order.valid = None  # it was counted from a bar that has not been
        order.submit(self)
        self.orders.append(order)
        self._reject(order, reason)
        return order

    def _replace(self, order: Any) -> None:
        """Cancel older market orders that would fill after this one, of nights caught up with."""
        if order.exectype != bt.Order.Market:
            return
        decided = self.late.get(self.now, self.now + self.interval)
        for older in list(self.pending):
            same = older.data is order.data and older.exectype == bt.Order.Market
            if (
                same
                and older.owner is not None
                and older.info["waits_until"] >= decided - _ROUNDING * self.interval
            ):
                older.addinfo(reason=REPLACED)
                self._cancel_now(older)

    def notify(self, order: Any) -> None:
        """Tell of a copy of the order as it is now, made faster than backtrader's own."""
        order.executed.markpending()
        told = _copied(order)
        told.executed = _copied(order.executed)
        self.notifs.append(told)

    def cancel(self, order: Any, bracket: bool = False) -> bool:
        """Take an order back, also on the bar that sent it; a late decision, when it is made."""
        if not bracket and order.alive() and self.fills_first(order):
            self._cancels.append((self.late[self.now], order))
            return True
        return self._cancel_now(order, bracket)

    def fills_first(self, order: Any) -> bool:
        """Whether an order that waits meets an open before the decision at hand is made."""
        decided = self.late.get(self.now)
        if decided is None:
            return False
        waits = (order.info["waits_until"] - self.now) / self.interval
        opens = max(math.ceil(waits - _ROUNDING), 1)
        return opens < (decided - self.now) / self.interval - _ROUNDING

    def _cancel_now(self, order: Any, bracket: bool = False) -> bool:
        if order not in self.submitted:
            return bool(super().cancel(order, bracket))
        self.submitted.remove(order)
        order.cancel()
        self.notify(order)
        self._ococheck(order)
        if not bracket:
            self._bracketize(order, cancel=True)
        return True

    def check_submitted(self) -> None:
        """Accept what the cash covers, in the order of sending; a sale needs none.

        backtrader lets a buy that is refused use up the cash of those after it.
        """
        if not self.submitted:
            return
        cash, positions = self.cash, dict[Any, Any]()
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is None:
                continue
            if order.info["waits_until"]:  # what there is then is not known yet
                self.submit_accept(order)
                continue
            # A flat position is false: `or` would bring back what was sold.
            held = positions.get(order.data, self.positions[order.data])
            after = held.clone()
            left = self._execute(order, cash=cash, position=after)
            if left >= 0.0 or not order.isbuy():
                cash, positions[order.data] = max(left, 0.0), after
                self.submit_accept(order)
                continue
            order.margin()
            self.notify(order)
            self._ococheck(order)
            self._bracketize(order, cancel=True)

    def set_coc(self, coc: bool) -> None:
        """Refuse backtrader's cheat-on-close: it fills at a price that has passed."""
        if coc:
            raise UsageError("set_coc fills at a close that has passed; it is not allowed here")

    def set_coo(self, coo: bool) -> None:
        """Refuse backtrader's cheat-on-open: it decides on a price that is not known yet."""
        if coo:
            raise UsageError("set_coo decides on an open not known yet; it is not allowed here")

    def next(self) -> None:
        """Fill what is waiting, then charge funding on what is held at the close."""
        self.now = max(data.lines.datetime[0] for data in self.cerebro.datas if len(data))
        self._take_back()
        super().next()
        self._expire_without_bar()
        self.funding_paid = 0.0
        if self.funding_rate or self.borrow_rate:
            self._charge_funding()

    def _take_back(self) -> None:
        """Cancel what a late decision took back, once its instant has come."""
        due = [order for instant, order in self._cancels if instant <= self.now]
        self._cancels = [one for one in self._cancels if one[0] > self.now]
        for order in due:
            if order.alive():
                self._cancel_now(order)

    def _expire_without_bar(self) -> None:
        """Let orders expire whose symbol has no bar now: backtrader waits for its next one."""
        for order in [one for one in self.pending if one.valid and one.valid < self.now]:
            if order.exectype == bt.Order.Market or self._has_bar(order.data):
                continue
            if not order.alive():  # its bracket has ended with another of its orders
                continue
            self.pending.remove(order)
            order.status = bt.Order.Expired
            self.notify(order)
            self._ococheck(order)
            self._bracketize(order, cancel=True)

    def _charge_funding(self) -> None:
        for data, position in self.positions.items():
            if position.size and self._has_bar(data):
                value = position.size * data.close[0]
                self.funding_paid += value * self.funding_rate - min(value, 0.0) * self.borrow_rate
        # An account that has nothing left pays nothing: it cannot end in debt by funding.
        self.funding_paid = min(self.funding_paid, max(self._value, 0.0))
        self.cash -= self.funding_paid
        self._get_value()

    def _has_bar(self, data: Any) -> bool:
        return bool(data.lines.datetime[0] == self.now)

    def _try_exec(self, order: Any) -> None:
        # backtrader would try the symbol's old bar again.
        if self._has_bar(order.data) and self.now >= order.info["waits_until"]:
            self._unslipped = None
            super()._try_exec(order)

    def _slip_up(self, pmax: float, price: float, *args: Any, **options: Any) -> Any:
        self._unslipped = price
        return super()._slip_up(pmax, price, *args, **options)

    def _slip_down(self, pmin: float, price: float, *args: Any, **options: Any) -> Any:
        self._unslipped = price
        return super()._slip_down(pmin, price, *args, **options)

    def _execute(
        self, order: Any, ago: Any = None, price: Any = None, *args: Any, **options: Any
    ) -> Any:
        if ago is None:  # what cash would be left
            return super()._execute(order, ago, price, *args, **options)
        if price is None:
            return None
        # With slippage beyond the bar's range, backtrader also slips limits beyond their price.
        limit = limit_price(order)
        if limit is not None:
            price = min(price, limit) if order.isbuy() else max(price, limit)
        reason = self._refusal_at(order, price)
        if reason is not None:
            self._reject(order, reason)
            self._ococheck(order)
            self._bracketize(order, cancel=True)
            return None
        order.addinfo(unslipped=price if self._unslipped is None else self._unslipped)
        return self._settle(order, ago, price, *args, **options)

    def _settle(self, order: Any, ago: Any, price: float, *args: Any, **options: Any) -> Any:
        """Fill the order; a purchase that the cash does not cover is refused by backtrader."""
        # The closed and the opened part of a flip may miss its size by the last bit, for which
        # the order would go on waiting.
        position, size = self.positions[order.data], order.executed.remsize
        for _ in range(_ROUNDS):
            size = sum(position.pseudoupdate(size, price)[2:])
        order.executed.remsize = size
        return super()._execute(order, ago, price, *args, **options)

    def _refusal_at(self, order: Any, _price: float) -> str | None:
        """Why an order that would fill at this price does not."""
        return _OVERSELLS if self._oversells(order) else None

    def _refusal(self, order: Any) -> str | None:
        """Why an order is not accepted when it is sent."""
        if not len(order.data):
            return "not listed yet"
        if order.exectype not in EXEC_TYPES:
            return f"only {', '.join(EXEC_TYPES.values())} orders are simulated"
        if order.valid and order.valid < order.created.dt:
            return "it was valid until a time that had passed"
        if abs(order.created.size) * order.data.close[0] < self.minimum:
            return f"below the minimum notional of {self.minimum:g}"
        # The exits of a bracket, and orders that cancel each other, wait for what they may sell.
        alone = order.parent is None and self._ocos[order.ref] == order.ref and order.transmit
        # What comes before a late decision is made may be sold by it, as is judged at its fill.
        comes = any(one.data is order.data and self.fills_first(one) for one in self.pending)
        return _OVERSELLS if alone and not comes and self._oversells(order) else None

    def _oversells(self, order: Any) -> bool:
        """Whether an order would sell more than is held now."""
        held = self.getposition(order.data).size
        return not order.isbuy() and abs(order.executed.remsize) > held + 1e-12

    def _reject(self, order: Any, reason: str) -> None:
        order.addinfo(reason=reason)
        order.reject(self)
        self.notify(order)


def _copied(thing: Any) -> Any:
    """Copy an object as ``copy.copy`` does one without slots."""
    made = object.__new__(type(thing))
    made.__dict__.update(thing.__dict__)
    return made


def _refused(name: str) -> Callable[..., None]:
    def method(*_: Any, **__: Any) -> None:
        raise UsageError(
            f"broker.{name} would change the rules that every row of the table trades by; "
            "set costs and cash in the settings"
        )

    return method


# What a strategy could call to trade on cheaper terms than the rows beside it.
for _name in (
    "set_cash", "setcash", "add_cash", "setcommission", "addcommissioninfo",
    "set_slippage_perc", "set_slippage_fixed", "set_filler", "set_checksubmit", "set_shortcash",
):  # fmt: skip
    setattr(SpotBroker, _name, _refused(_name))
