"""The simulated exchange: fees, slippage, funding, lot sizes, refusals that stay visible."""

from typing import Any

import backtrader as bt
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY


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

    An order fills at the next open, worse by the slippage, also on a bar without range. A buy that
    the cash cannot pay, a sale of more than is held, and an order under the minimum notional are
    refused whole, with a reason.
    """

    def __init__(self, settings: Settings, interval: pd.Timedelta) -> None:
        super().__init__()
        self.minimum = settings.sizing.min_notional_quote
        self.funding_rate = settings.costs.funding_bps_per_day / 1e4 * (interval / DAY)
        self.funding_paid = 0.0
        self.setcash(settings.account.cash_quote)
        self.addcommissioninfo(PercentageFee(commission=settings.costs.fee_bps / 1e4))
        self.set_slippage_perc(
            settings.costs.slippage_bps / 1e4,
            slip_open=True,
            slip_limit=True,
            slip_match=True,
            slip_out=True,
        )

    def submit(self, order: Any, check: bool = True) -> Any:
        """Accept an order for the next bar, or refuse it with a reason."""
        reason = self._refusal(order)
        if reason is None:
            return super().submit(order, check)
        order.addinfo(reason=reason)
        order.submit(self)
        order.reject(self)
        self.orders.append(order)
        self.notify(order)
        return order

    def next(self) -> None:
        """Fill what is waiting, then charge funding on what is held at the close."""
        super().next()
        self.funding_paid = 0.0
        if self.funding_rate:
            for data, position in self.positions.items():
                self.funding_paid += position.size * data.close[0] * self.funding_rate
            self.cash -= self.funding_paid
            self._get_value()

    def _sellable(self, data: Any) -> float:
        """What is held, less what earlier orders will sell."""
        waiting = [*self.submitted, *(order for order in self.pending if order is not None)]
        sold = sum(abs(o.executed.remsize) for o in waiting if o.data is data and not o.isbuy())
        return float(self.getposition(data).size - sold)

    def _refusal(self, order: Any) -> str | None:
        size, price = abs(order.created.size), order.data.close[0]
        if not order.isbuy() and size > self._sellable(order.data) + 1e-12:
            return "sells more than is held (long/flat account)"
        if size * price < self.minimum:
            return f"below the minimum notional of {self.minimum:g}"
        return None
