"""``run_backtest`` and a ledger written from the documents keep the same account."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .as_built import AsBuilt
from .both import differences, kept, traded
from .ledger import BUY, DUST, LIMIT, SELL, Bar, Order, Request, Terms
from .scripts import ordered, weighted

# How long a market takes to draw says nothing: the machine is shared.
PATIENT = (HealthCheck.too_slow, HealthCheck.data_too_large)
CASES = st.one_of(ordered(), ordered(), weighted())


def check(case: Any) -> None:
    assert differences(traded(*case), kept(*case, ledger=AsBuilt)) == []


@settings(max_examples=200, suppress_health_check=PATIENT)
@given(ordered())
def test_orders_of_every_kind_make_the_account_that_the_ledger_keeps(case: Any) -> None:
    check(case)


@settings(max_examples=100, suppress_health_check=PATIENT)
@given(weighted())
def test_target_weights_make_the_account_that_the_ledger_keeps(case: Any) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=1_500, suppress_health_check=PATIENT)
@given(ordered())
def test_thousands_of_scripts_of_orders_make_the_account_that_the_ledger_keeps(case: Any) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=1_500, suppress_health_check=PATIENT)
@given(weighted())
def test_thousands_of_paths_of_weights_make_the_account_that_the_ledger_keeps(case: Any) -> None:
    check(case)


# Ledgers with one rule changed


class FeeOnPurchasesAlone(AsBuilt):
    def fee(self, side: str, value: float) -> float:
        return super().fee(side, value) if side == BUY else 0.0


class SlippageToTheGood(AsBuilt):
    def slipped(self, side: str, price: float) -> float:
        return super().slipped(SELL if side == BUY else BUY, price)


class MarketOrdersAtTheClose(AsBuilt):
    def market_price(self, bar: Bar) -> float:
        return bar.close


class NoBand(AsBuilt):
    def inside_band(self, target: float, weight: float) -> bool:
        return False


class BuysWithoutCash(AsBuilt):
    def pays(self, left: float) -> bool:
        return True


class NoRoom(AsBuilt):
    def room(self) -> float:
        return 1.0


class AnyFractionOfALot(AsBuilt):
    def whole_lots(self, quantity: float) -> float:
        return quantity


class WaitingSalesKeepTheirCoins(AsBuilt):
    def _oversells(self, order: Order) -> bool:
        others = [one for one in self.waiting if one.side == SELL and one is not order]
        kept_back = sum(other.size for other in others)
        return order.side == SELL and order.size > self.held - kept_back + DUST


class NoOrderExpires(AsBuilt):
    def expires(self, order: Order, bar: Bar) -> bool:
        return False


class NoFunding(AsBuilt):
    def funding(self, value: float) -> float:
        return 0.0


class SlippageIsNotStated(AsBuilt):
    def slippage(self, order: Order, reference: float, price: float) -> float:
        return 0.0


BROKEN = (
    FeeOnPurchasesAlone, SlippageToTheGood, MarketOrdersAtTheClose, NoBand, BuysWithoutCash,
    NoRoom, AnyFractionOfALot, WaitingSalesKeepTheirCoins, NoOrderExpires, NoFunding,
    SlippageIsNotStated,
)  # fmt: skip


# Too rare in the generated ones to be sure of it.
SOLD_WHILE_A_SALE_WAITS = (
    [Bar(number, 100.0, 100.0, 100.0, 100.0) for number in range(5)],
    Terms(),
    {
        0: [Request(BUY, 50.0)],
        1: [Request(SELL, 50.0, LIMIT, limit=1000.0)],
        2: [Request(SELL, 50.0)],
    },
)


def test_every_ledger_with_one_rule_changed_is_found_out_by_the_generated_sequences() -> None:
    caught = dict.fromkeys((broken.__name__ for broken in BROKEN), 0)

    @settings(max_examples=150, suppress_health_check=PATIENT)
    @given(CASES)
    @example(SOLD_WHILE_A_SALE_WAITS)
    def compare(case: Any) -> None:
        result = traded(*case)
        for broken in BROKEN:
            caught[broken.__name__] += bool(differences(result, kept(*case, ledger=broken)))

    compare()
    assert min(caught.values()) >= 1, caught
