"""From target weights to order sizes: what closes, what opens, and what the account can pay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cryptobt.core.settings import AccountSettings, CostSettings, SizingSettings

DUST = 1e-12
# What rounding may add to a limit that is kept exactly.
_OVER = 1 + 1e-9


class Holding(NamedTuple):
    """A symbol's position at a close: units held (negative is short) and the close."""

    quantity: float
    close: float

    @property
    def value(self) -> float:
        """Value in quote; negative is short."""
        return self.quantity * self.close


@dataclass(frozen=True)
class Change:
    """What brings one symbol to its target.

    Attributes
    ----------
    data : object
        The symbol's feed.
    target : float
        Weight to reach.
    side : int
        1 to buy, −1 to sell.
    closing, opening : float
        Units taken from the position, and units added to it or beyond it; 0 or more.
    """

    data: Any
    target: float
    side: int
    closing: float
    opening: float
    close: float


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
    account: AccountSettings
    start: float

    def room(self) -> float:
        """Price of an opened unit over its close, at worst: fee, slippage, the reserved gap."""
        fee, slip = self.costs.fee_bps / 1e4, self.costs.slippage_bps / 1e4
        return (1 + fee) * (1 + slip) * (1 + self.sizing.gap_reserve)

    def round_down(self, quantity: float) -> float:
        """Round a quantity down to whole lots."""
        lots = quantity / self.sizing.lot_step
        # The last digits of a quotient are rounding, not a part of a lot.
        lots = math.floor(lots + 4e-15 * lots + 1e-9)
        return lots * self.sizing.lot_step

    def under_cap(self, wanted: Mapping[Any, float], gross_besides: float) -> dict[Any, float]:
        """Scale targets down by one factor until the gross weight fits under the cap.

        Parameters
        ----------
        wanted : mapping
            Target weight of each symbol with an opinion.
        gross_besides : float
            Absolute weight held of all others, which stays as it is.
        """
        gross = sum(abs(weight) for weight in wanted.values())
        left = max(self.sizing.max_gross - gross_besides, 0.0)
        factor = 1.0 if gross <= left else left / gross
        return {data: weight * factor for data, weight in wanted.items()}

    def change(
        self, data: Any, target: float, holding: Holding, equity: float, *, band: float, over: bool
    ) -> Change | None:
        """Find what brings a symbol to its target; None where it is near enough.

        Parameters
        ----------
        band : float
            Distance of weights that is left alone.
        over : bool
            Whether the account's gross weight is above its cap.
        """
        held, close = holding
        weight = held * close / equity
        leaves = target == 0.0 and abs(held) > DUST
        too_much = abs(weight) > self.sizing.max_weight * _OVER
        too_much = too_much or (over and abs(target) < abs(weight))
        if not leaves and not too_much and abs(target - weight) < band:
            return None
        quantity = target * equity / close - held
        side = 1 if quantity > 0 else -1
        against = held * side < 0
        closing = min(abs(quantity), abs(held)) if against else 0.0
        opening = self.round_down(abs(quantity) - closing)
        if against and not opening:
            closing = self._closed(closing, abs(held))
        return Change(data, target, side, closing, opening, close)

    def affordable(
        self, changes: Sequence[Change], cash: float, equity: float, gross_value: float
    ) -> list[Change]:
        """Cut what is to be opened to what the account can pay; what only closes comes first.

        Parameters
        ----------
        gross_value : float
            Absolute value of all positions before the changes, in quote.

        Returns
        -------
        list of Change
            Without those that only close and are under the minimum notional.
        """
        changes = [change for change in changes if change.opening or not self._small(change)]
        share = self._share(changes, cash, equity, gross_value)
        cut = [replace(each, opening=self.round_down(each.opening * share)) for each in changes]
        closing = [each for each in cut if not each.opening and not self._small(each)]
        return closing + [each for each in cut if each.opening]

    def _share(
        self, changes: Sequence[Change], cash: float, equity: float, gross_value: float
    ) -> float:
        """Share of what is to be opened that the account can pay for, at most 1."""
        room = self.room()
        closed = sum(change.closing * change.close for change in changes)
        cost = sum(change.opening * change.close for change in changes)
        if self.sizing.allow_short:
            # A margin is judged with all positions at the next open: all of them need the room.
            budget = equity / (self.account.initial_margin * room) - gross_value + closed
        else:
            cost, budget = cost * room, cash + closed / room
        return max(budget, 0.0) / cost if cost > max(budget, 0.0) else 1.0

    def _closed(self, quantity: float, held: float) -> float:
        """Whole lots of a reduction, or all."""
        size = self.round_down(quantity)
        # Leaving sells exactly what is held: a sum of lots is not a whole number of lots in
        # floating point, and the remainder would keep the trade open for ever.
        return held if quantity >= held or held - size < self.sizing.lot_step / 2 else size

    def _small(self, change: Change) -> bool:
        least = self.sizing.min_notional_quote
        return change.closing <= DUST or change.closing * change.close < least
