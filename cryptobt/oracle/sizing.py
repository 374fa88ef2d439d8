"""Target weights and the orders that bring an account to them.

docs/architecture.md "Sizing", rules 1 to 6. What it leaves open is marked "open:".
"""

from collections.abc import Sequence
from dataclasses import replace

from cryptobt.oracle.book import Book
from cryptobt.oracle.records import BUY, SELL, Plan, Request
from cryptobt.oracle.rules import DUST, fitting


class Sizing(Book):
    """An account that can be asked to hold weights."""

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

    def asks(self, targets: Sequence[float | None]) -> list[tuple[Request, float]]:
        """Find the orders that bring the weights to their targets, those that close first.

        Returns
        -------
        list of (Request, float)
            Each order with the weight that it is to reach.
        """
        plans = [
            self._plan(symbol, target) for symbol, target in enumerate(targets)
            if target is not None and not self._rests(symbol, target)
        ]  # fmt: skip
        if self.equity() <= 0:
            return []
        return [
            (Request(plan.side, plan.closes + plan.opens, symbol=plan.symbol), plan.target)
            for plan in self.in_turn(plans, self._affordable(plans))
        ]

    def in_turn(self, plans: Sequence[Plan], factor: float) -> list[Plan]:
        """What is sent: first what only closes and is not too small, then what opens."""
        scaled = [self.scaled(plan, factor) for plan in plans]
        closing = [plan for plan in scaled if not plan.opens and not self._small(plan)]
        return closing + [plan for plan in scaled if plan.opens]

    def scaled(self, plan: Plan, factor: float) -> Plan:
        """A plan whose opened part is cut by a factor, to whole lots."""
        return replace(plan, opens=self.whole_lots(plan.opens * factor))

    def inside_band(self, target: float, weight: float) -> bool:
        """Whether a weight is near enough to its target to be left alone."""
        listed = sum(count > 0 for count in self.seen)
        return abs(target - weight) < self.terms.rebalance_band / listed

    def cap(self, resting: float, asked: float) -> float:
        """The factor that makes the weights asked for fit beside those that rest."""
        return fitting(self.terms.max_gross - resting, asked)

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
