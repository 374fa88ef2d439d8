"""The base of built-in strategies: a target weight at each close, turned into orders."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pandas as pd

from cryptobt.core.settings import CostSettings, SizingSettings
from cryptobt.core.time import DAY, epoch_ns

DUST = 1e-12
_EPOCH_DAY = 719163  # proleptic Gregorian ordinal of 1970-01-01


@dataclass(frozen=True)
class TradingRules:
    """How target weights become order sizes, and when trading begins.

    Attributes
    ----------
    start : float
        First deciding bar, as backtrader counts days; earlier bars only warm indicators up.
    """

    sizing: SizingSettings
    costs: CostSettings
    start: float

    def room(self) -> float:
        """Price of a bought unit over its close, at worst: fee, slippage and the reserved gap."""
        fee, slip = self.costs.fee_bps / 1e4, self.costs.slippage_bps / 1e4
        return (1 + fee) * (1 + slip) * (1 + self.sizing.gap_reserve)

    def round_down(self, quantity: float) -> float:
        """Round a quantity down to whole lots."""
        lots = quantity / self.sizing.lot_step
        # The last digits of a quotient are rounding, not a part of a lot.
        lots = math.floor(lots + 4e-15 * lots + 1e-9)
        return lots * self.sizing.lot_step


class SignalStrategy(bt.Strategy):
    """A strategy that names a target weight at every close.

    A subclass defines :meth:`score` and, where the weight is not simply "long while the score is
    positive", :meth:`target_weight`. Orders are sized at the close and fill at the next open;
    reductions go before increases, so that what they free can be spent.

    Attributes
    ----------
    calls_direction : bool
        Whether the sign of the score is a call of the next bar's direction.

    Causality: ``self.data.<line>[0]`` is the bar that has just closed; nothing later exists.
    """

    params: ClassVar[Any] = (("rules", None),)
    calls_direction: ClassVar[bool] = True

    def __init__(self) -> None:
        self.rules: TradingRules = self.p.rules
        self.targets: dict[Any, float] = {}
        self.scores: dict[Any, float] = {}

    def score(self, data: Any) -> float:
        """Opinion about the next bar: positive for up, NaN for none."""
        raise NotImplementedError

    def target_weight(self, _data: Any, score: float) -> float:
        """Share of equity to hold in this symbol, in [0, 1], given a score that is not NaN."""
        return 1.0 if score > 0 else 0.0

    def next(self) -> None:
        """Decide at the close of a bar."""
        if self.data.datetime[0] < self.rules.start:
            return
        for data in self.datas:
            score = self.score(data)
            self.scores[data] = score
            weight = math.nan if math.isnan(score) else self.target_weight(data, score)
            self.targets[data] = min(max(weight, 0.0), self.rules.sizing.max_weight)
        self._rebalance()

    def _rebalance(self) -> None:
        """Send the orders that bring weights outside the band to their targets."""
        equity, cash = self.broker.getvalue(), self.broker.getcash()
        increases = []
        for data, target in self.targets.items():
            change = self._change(data, target, equity)
            if change < 0:
                quantity = self._reduction(data, -change, target)
                cash += quantity * data.close[0] / self.rules.room()
            elif change > 0:
                increases.append((data, change, target))
        for data, change, target in increases:
            affordable = cash / (data.close[0] * self.rules.room())
            quantity = self.rules.round_down(min(change, affordable))
            if quantity > 0:
                self.buy(data=data, size=quantity, target_weight=target)
                cash -= quantity * data.close[0] * self.rules.room()

    def _change(self, data: Any, target: float, equity: float) -> float:
        """Quantity to add (or, negative, to take away) at this close; 0 inside the band."""
        if math.isnan(target) or equity <= 0:
            return 0.0
        price, held = data.close[0], self.getposition(data).size
        leaves = target == 0.0 and held > DUST
        # Funding takes cash that is not there: what is over the limit goes, band or not.
        borrows = held * price > equity * self.rules.sizing.max_weight * (1 + 1e-9)
        if (
            not leaves
            and not borrows
            and abs(target - held * price / equity) < self.rules.sizing.rebalance_band
        ):
            return 0.0
        return target * equity / price - held

    def _reduction(self, data: Any, quantity: float, target: float) -> float:
        held = self.getposition(data).size
        # Leaving sells exactly what is held: a sum of lots is not a whole number of lots in
        # floating point, and the remainder would keep the trade open for ever.
        size = self.rules.round_down(quantity)
        if target == 0.0 or held - size < self.rules.sizing.lot_step / 2:
            size = held
        if size <= DUST or size * data.close[0] < self.rules.sizing.min_notional_quote:
            return 0.0
        self.sell(data=data, size=size, target_weight=target)
        return size


def day_numbers(times: pd.DatetimeIndex) -> np.ndarray:
    """Days since year 0, as backtrader's datetime line counts them, of aware instants."""
    # An array at once: backtrader's own date2num takes one datetime at a time.
    return epoch_ns(times) / DAY.value + _EPOCH_DAY


def instants(numbers: pd.Series) -> pd.Series:
    """Instants in UTC of backtrader's day numbers, to the second; NaT where there is none."""
    seconds = ((numbers - _EPOCH_DAY) * DAY.total_seconds()).round()
    return pd.to_datetime(seconds, unit="s", utc=True)
