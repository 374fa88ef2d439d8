"""What a record of orders tells is kept again; what it leaves open is counted, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from cryptobt.oracle.records import (
    BUY,
    LIMIT,
    MARKET,
    NO_CASH,
    NOT_HELD,
    SELL,
    STOP,
    Bar,
    Recorded,
    Request,
    Terms,
)
from cryptobt.oracle.replay import AFTER_ENTRY, BEYOND_CASH, BEYOND_COINS, TAKEN_BACK, Replay

FREE = Terms(fee_bps=0.0, slippage_bps=0.0)
CALM = [Bar(slot, 100.0, 100.0, 100.0, 100.0) for slot in range(4)]
WIDE = Bar(1, 100.0, 110.0, 90.0, 100.0)


def order(
    number: int, side: str, size: float, status: str = "filled", *, kind: str = MARKET,
    price: float | None = None, time: int = 0, filled: int | None = None, reason: str = "",
) -> Recorded:  # fmt: skip
    limit, stop = (price, None) if kind == LIMIT else (None, price)
    request = Request(side, size, kind, limit, stop)
    return Recorded(number, time, request, None, None, status, reason, filled)


def kept(
    bars: Sequence[Bar],
    orders: Sequence[Recorded],
    targets: Mapping[int, Sequence[float | None]] | None = None,
) -> Replay:
    sent: dict[int, list[Recorded]] = {}
    for one in orders:
        sent.setdefault(one.time, []).append(one)
    return Replay([bars], FREE, {}, sent, targets or {}, 0).repeat()


def statuses(account: Replay) -> list[str]:
    return [one.status for one in account.orders]


def test_an_order_is_filled_by_the_rules_whatever_is_recorded_of_it() -> None:
    account = kept(CALM, [order(1, BUY, 50.0, "rejected", reason=NO_CASH)])
    assert statuses(account) == ["filled"]
    assert account.cash == pytest.approx(10_000 - 50 * 100)


def test_a_cancelled_order_never_fills_and_is_counted() -> None:
    account = kept(CALM, [order(1, BUY, 5.0, "cancelled", kind=LIMIT, price=101.0)])
    assert statuses(account) == ["cancelled"]
    assert account.unjudged[TAKEN_BACK] == 1


def test_a_cancelled_buy_may_have_used_the_cash_of_the_next_or_not() -> None:
    first = order(1, BUY, 90.0, "cancelled", kind=LIMIT, price=100.0)
    for status, reason in (("filled", ""), ("rejected", NO_CASH)):
        account = kept(CALM, [first, order(2, BUY, 50.0, status, reason=reason, filled=1)])
        assert statuses(account) == ["cancelled", status]
        assert account.unjudged[BEYOND_CASH] == 1
    beyond = kept(CALM, [first, order(2, BUY, 101.0)])
    assert statuses(beyond)[1] == "rejected"
    assert beyond.unjudged[BEYOND_CASH] == 0


def test_the_exit_of_a_bracket_waits_for_its_entry() -> None:
    bracket = [
        order(1, BUY, 50.0, filled=1),
        order(2, SELL, 50.0, "filled", kind=STOP, price=95.0, filled=2),
        order(3, SELL, 50.0, "cancelled", kind=LIMIT, price=120.0),
    ]
    account = kept([CALM[0], WIDE, replace(WIDE, slot=2)], bracket)
    assert [(fill.order_id, fill.time) for fill in account.fills] == [(1, 1), (2, 2)]
    assert account.cash == pytest.approx(10_000 - 50 * 5)
    assert account.unjudged[AFTER_ENTRY] == 1
    assert account.unjudged[BEYOND_COINS] == 2


def test_a_sale_of_coins_that_are_not_there_is_refused_at_its_fill_at_the_latest() -> None:
    account = kept([CALM[0], WIDE], [order(1, SELL, 50.0, kind=STOP, price=95.0, filled=1)])
    assert statuses(account) == ["rejected"]
    assert account.orders[0].reason == NOT_HELD


def test_target_weights_ask_for_orders_with_the_account_as_it_is() -> None:
    buy = order(1, BUY, 49.5)
    account = kept(CALM, [replace(buy, target=0.5)], {0: [0.5], 2: [0.0]})
    assert [(one.side, one.size) for one, _ in account.expected[0]] == [(BUY, 50.0)]
    assert [(one.side, one.size) for one, _ in account.expected[2]] == [(SELL, 49.5)]
    assert account.holdings[0].target == 0.5
    assert account.holdings[1].quantity == 49.5
