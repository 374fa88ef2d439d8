"""``run_backtest`` and a ledger written from the documents keep the same account."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cryptobt.oracle.ledger import Ledger
from cryptobt.oracle.records import (
    BUY,
    CALLED,
    LIMIT,
    SELL,
    Bar,
    Fill,
    Order,
    Part,
    Plan,
    Request,
    Terms,
)
from cryptobt.oracle.rules import DUST

from .both import Case, differences, kept, traded
from .scripts import late_sequence, sequence
from .smaller import smallest

KINDS = {
    "orders of a long/flat account": (False, False),
    "weights of a long/flat account": (False, True),
    "orders of a margin account": (True, False),
    "weights of a margin account": (True, True),
}
# Take it away once the tests of that name in test_once_different.py pass.
LATE = {
    "late orders of a long/flat account": False,
    "late orders of a margin account": True,
}


def of_kind(kind: str, seed: int) -> Case:
    if kind in LATE:
        return late_sequence(seed, margin=LATE[kind])
    margin, weighted = KINDS[kind]
    return sequence(seed, margin=margin, weighted=weighted)


def found(case: Case) -> list[str]:
    """The differences of a case."""
    return differences(traded(*case), kept(*case))


def check(kind: str, seeds: Sequence[int]) -> None:
    for seed in seeds:
        case = of_kind(kind, seed)
        try:
            differs = found(case) != []
        except Exception as error:
            error.add_note(f"in {kind}, seed {seed}: {case}")
            raise
        if differs:
            less = smallest(case, still_differs)
            pytest.fail("\n".join([f"{kind}, seed {seed}", str(less), *found(less)]))


def still_differs(case: Case) -> bool:
    try:
        return found(case) != []
    except Exception:  # made smaller, it is no sequence any more
        return False


@pytest.mark.parametrize("kind", KINDS)
def test_the_account_is_the_one_that_the_ledger_keeps(kind: str) -> None:
    check(kind, range(75))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_accounts_are_those_that_the_ledger_keeps(kind: str) -> None:
    check(kind, range(75, 2_600))


@pytest.mark.parametrize("kind", LATE)
def test_an_account_of_late_decisions_is_the_one_that_the_ledger_keeps(kind: str) -> None:
    # 166: of two exits that the cash does not cover the second ends with the first
    check(kind, [*range(75), 166])


@pytest.mark.slow
@pytest.mark.parametrize("kind", LATE)
def test_thousands_of_late_accounts_are_those_that_the_ledger_keeps(kind: str) -> None:
    check(kind, range(75, 2_600))


# Ledgers with one rule changed


class FeeOnPurchasesAlone(Ledger):
    def fee(self, side: str, value: float) -> float:
        return super().fee(side, value) if side == BUY else 0.0


class SlippageToTheGood(Ledger):
    def slipped(self, side: str, price: float) -> float:
        return super().slipped(SELL if side == BUY else BUY, price)


class MarketOrdersAtTheClose(Ledger):
    def market_price(self, bar: Bar) -> float:
        return bar.close


class NoBand(Ledger):
    def inside_band(self, target: float, weight: float) -> bool:
        return False


class BandNotDivided(Ledger):
    def inside_band(self, target: float, weight: float) -> bool:
        return abs(target - weight) < self.terms.rebalance_band


class BuysWithoutCash(Ledger):
    def pays(self, left: float) -> bool:
        return True


class NoRoom(Ledger):
    def room(self) -> float:
        return 1.0


class AnyFractionOfALot(Ledger):
    def whole_lots(self, quantity: float) -> float:
        return quantity


class WaitingSalesKeepTheirCoins(Ledger):
    def _oversells(self, order: Order) -> bool:
        others = [
            one for one in self.waiting
            if one.side == SELL and one is not order and one.symbol == order.symbol
        ]  # fmt: skip
        kept_back = sum(other.size for other in others)
        return order.side == SELL and order.size > self.held[order.symbol] - kept_back + DUST


class NoOrderExpires(Ledger):
    def expires(self, order: Order) -> bool:
        return False


class NoFunding(Ledger):
    def funding(self, value: float) -> float:
        return 0.0


class ShortsPayFunding(Ledger):
    def funding(self, value: float) -> float:
        return super().funding(abs(value))


class LoansAreFree(Ledger):
    def borrowing(self, value: float) -> float:
        return 0.0


class SlippageIsNotStated(Ledger):
    def slippage(self, order: Order, reference: float, price: float) -> float:
        return 0.0


class NoGrossCap(Ledger):
    def cap(self, resting: float, asked: float) -> float:
        return 1.0


class RestingWeightsAreNotCounted(Ledger):
    def cap(self, resting: float, asked: float) -> float:
        return super().cap(0.0, asked)


class NoBudget(Ledger):
    def _affordable(self, plans: Sequence[Plan]) -> float:
        return 1.0


class OrdersAsTheSymbolsAreNamed(Ledger):
    def in_turn(self, plans: Sequence[Plan], factor: float) -> list[Plan]:
        return [self.scaled(plan, factor) for plan in plans if plan.opens or not self._small(plan)]


class EachSymbolSpendsAllTheCash(Ledger):
    def _share(self, symbol: int) -> float:
        return max(self.cash, 0.0)


class StaleSymbolsFillOnTheirOldBar(Ledger):
    def bar_for(self, order: Order) -> Bar | None:
        return self.today[order.symbol] or self.last[order.symbol]


class StaleSymbolsCountNothing(Ledger):
    def values(self) -> list[float]:
        return [
            value if bar else 0.0 for value, bar in zip(super().values(), self.today, strict=True)
        ]


class FillsInTheOrderOfTheSymbols(Ledger):
    def queue(self) -> list[Order]:
        return sorted(self.waiting, key=lambda order: order.symbol)


class AllWaitForTheLastListing(Ledger):
    def targets(self, wanted: Sequence[float | None]) -> list[float | None]:
        return super().targets(wanted if all(self.seen) else [None for _ in wanted])


class OpensWithoutMargin(Ledger):
    def secures(self, equity: float, gross: float) -> bool:
        return True


class MarginJudgedWithCloses(Ledger):
    def mark(self, symbol: int) -> float:
        last = self.last[symbol]
        return last.close if last else 0.0


class NoMarginCall(Ledger):
    def breached(self, equity: float, gross: float) -> bool:
        return False


class OrdersWhileAMarginCallCloses(Ledger):
    def _refusal(self, order: Order) -> str:
        reason = super()._refusal(order)
        return "" if reason == CALLED else reason


class LateOrdersFillOneOpenEarly(Ledger):
    def too_early(self, order: Order) -> bool:
        following = self.opening(self.slots[self.now] + 1)
        return order.earliest is not None and following < order.earliest


class NothingIsLate(Ledger):
    def decided(self) -> float | None:
        return None


class LateCancelsTakeEffectAtOnce(Ledger):
    def undone_at(self, order: Order) -> float | None:
        return None


class LateOrdersAreJudgedWhenSent(Ledger):
    def judged_when_sent(self, order: Order) -> bool:
        return True


class NoLateOrderIsReplaced(Ledger):
    def replaces(self, order: Order, older: Order) -> bool:
        return False


class FeeOfAFlipUndivided(Ledger):
    def divided(self, fill: Fill, before: float) -> list[Part]:
        first, *rest = super().divided(fill, before)
        return [replace(first, fee=fill.fee), *(replace(part, fee=0.0) for part in rest)]


BROKEN = (
    FeeOnPurchasesAlone, SlippageToTheGood, MarketOrdersAtTheClose, NoBand, BandNotDivided,
    BuysWithoutCash, NoRoom, AnyFractionOfALot, WaitingSalesKeepTheirCoins, NoOrderExpires,
    NoFunding, ShortsPayFunding, LoansAreFree, SlippageIsNotStated, NoGrossCap,
    RestingWeightsAreNotCounted, NoBudget, OrdersAsTheSymbolsAreNamed, EachSymbolSpendsAllTheCash,
    StaleSymbolsFillOnTheirOldBar, StaleSymbolsCountNothing, FillsInTheOrderOfTheSymbols,
    AllWaitForTheLastListing, OpensWithoutMargin, MarginJudgedWithCloses, NoMarginCall,
    OrdersWhileAMarginCallCloses, FeeOfAFlipUndivided,
)  # fmt: skip

BROKEN_LATE = (
    LateOrdersFillOneOpenEarly, NothingIsLate, LateCancelsTakeEffectAtOnce,
    LateOrdersAreJudgedWhenSent, NoLateOrderIsReplaced,
)  # fmt: skip


# Too rare in the generated ones to be sure of it.
SOLD_WHILE_A_SALE_WAITS = Case(
    [[Bar(number, 100.0, 100.0, 100.0, 100.0) for number in range(5)]],
    Terms(),
    {
        0: [Request(BUY, 50.0)],
        1: [Request(SELL, 50.0, LIMIT, limit=1000.0)],
        2: [Request(SELL, 50.0)],
    },
)


def test_every_ledger_with_one_rule_changed_is_found_out_by_the_generated_sequences() -> None:
    cases = [of_kind(kind, seed) for kind in KINDS for seed in range(25)]
    assert unseen(BROKEN, [SOLD_WHILE_A_SALE_WAITS, *cases]) == []


@pytest.mark.slow
def test_every_ledger_with_a_rule_of_late_decisions_changed_is_found_out() -> None:
    cases = [of_kind(kind, seed) for kind in LATE for seed in range(75)]
    assert unseen(BROKEN_LATE, cases) == []


def unseen(changed: Sequence[type[Ledger]], cases: Sequence[Case]) -> list[str]:
    """The ledgers that keep the account of every case on which the whole one agrees."""
    results = [(case, traded(*case)) for case in cases]
    agreed = [pair for pair in results if not differences(pair[1], kept(*pair[0]))]
    return [
        broken.__name__ for broken in changed
        if not any(differences(result, kept(*case, ledger=broken)) for case, result in agreed)
    ]  # fmt: skip
