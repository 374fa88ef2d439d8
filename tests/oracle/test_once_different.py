"""Where the code once left the documents: each alone, in the fewest bars that show it."""

from collections.abc import Sequence
from dataclasses import replace

from cryptobt.oracle.ledger import Delays, Script, Weights
from cryptobt.oracle.records import BUY, LIMIT, SELL, STOP_LIMIT, Bar, Cancel, Request, Terms

from .both import differences, kept, traded

CALM = (100.0, 100.0, 100.0, 100.0)
MARGIN = Terms(fee_bps=0.0, slippage_bps=0.0, allow_short=True)


def bars(*prices: tuple[float, float, float, float], missing: int | None = None) -> list[Bar]:
    """Bars in a row, or with one missing before the bar of that number."""
    late = len(prices) if missing is None else missing
    return [Bar(number + (number >= late), *row) for number, row in enumerate(prices)]


def at(slots: Sequence[int], price: float = 100.0) -> list[Bar]:
    """Bars that do not move, in these slots."""
    return [Bar(slot, price, price, price, price) for slot in slots]


def shared(
    markets: Sequence[list[Bar]],
    script: Script | Weights,
    terms: Terms | None = None,
    delays: Delays | None = None,
) -> None:
    """Hold ``run_backtest`` to the ledger of the documents."""
    terms = terms or Terms()
    case = (markets, terms, script, delays)
    assert differences(traded(*case), kept(*case)) == []


def check(market: list[Bar], script: Script, terms: Terms | None = None) -> None:
    shared([market], script, terms)


def test_a_market_order_whose_validity_ends_in_a_gap_fills_after_it() -> None:
    check(bars(CALM, CALM, missing=1), {0: [Request(BUY, 50.0, valid_slots=1.0)]})


def test_an_order_taken_back_on_the_bar_that_sent_it_is_cancelled() -> None:
    check(bars(CALM, CALM), {0: [Request(BUY, 50.0), Cancel(1)]})


def test_a_buy_that_the_cash_covers_is_filled_after_one_that_it_does_not() -> None:
    check(bars(CALM, CALM), {0: [Request(BUY, 130.0), Request(BUY, 1.0)]})


def test_a_sale_of_what_is_held_is_filled_after_a_buy_that_the_cash_does_not_cover() -> None:
    script: Script = {0: [Request(BUY, 50.0)], 1: [Request(BUY, 130.0), Request(SELL, 1.0)]}
    check(bars(CALM, CALM, CALM), script)


def test_a_sale_of_what_is_held_is_filled_where_funding_has_used_up_the_cash() -> None:
    terms = Terms(fee_bps=0.0, slippage_bps=0.0, funding_bps_per_day=100.0)
    script: Script = {0: [Request(BUY, 99.9)], 1: [Request(SELL, 0.5)]}
    check(bars(CALM, CALM, CALM), script, terms)


def test_a_buy_of_all_the_cash_is_no_order_where_there_is_none() -> None:
    terms = Terms(fee_bps=0.0, slippage_bps=0.0, funding_bps_per_day=100.0)
    check(bars(CALM, CALM, CALM), {0: [Request(BUY, 99.9)], 1: [Request(BUY, None)]}, terms)


def test_a_stop_limit_woken_by_a_bar_that_rose_waits_for_the_limit_below_its_stop() -> None:
    # From 100 up to the stop at 105, then down to 102: but a bar that rose has not turned.
    order = Request(BUY, 50.0, STOP_LIMIT, limit=103.0, stop=105.0)
    check(bars(CALM, (100.0, 106.0, 100.0, 102.0)), {0: [order]})


def test_a_stop_limit_that_is_woken_and_closes_short_of_its_limit_waits() -> None:
    order = Request(BUY, 50.0, STOP_LIMIT, limit=103.0, stop=105.0)
    check(bars(CALM, (100.0, 106.0, 99.0, 104.0)), {0: [order]})


def test_an_order_waits_across_a_gap_that_ends_before_its_validity() -> None:
    order = Request(BUY, 50.0, LIMIT, limit=101.0, valid_slots=2.0)
    check(bars(CALM, CALM, missing=1), {0: [order]})


def test_a_buy_of_all_the_cash_asks_for_no_lot_that_it_does_not_cover() -> None:
    # 99.9999995 lots can be paid: 99 whole ones. A lot's millionth is taken for rounding.
    terms = Terms(9_999.99995, fee_bps=0.0, slippage_bps=0.0, gap_reserve=0.0, lot_step=1.0)
    result = traded([bars(CALM, CALM)], terms, {0: [Request(BUY, None)]})
    assert result.fills["quantity_base"].tolist() == [99.0]


def test_a_flip_whose_parts_do_not_add_up_in_floating_point_is_one_fill() -> None:
    # 7.406999999999999 less the 2.469 that it closes, and the 4.938 that it opens, is 9e-16.
    script: Script = {0: [Request(SELL, 2.469)], 1: [Request(BUY, 7.406999999999999)]}
    check(at(range(4)), script, MARGIN)


def test_a_margin_call_closes_the_symbols_in_the_order_in_which_they_are_named() -> None:
    # 49.5 short coins that rise by 200 leave an equity of 100.
    script: Script = {0: [Request(BUY, 50.0), Request(SELL, None, symbol=1)]}
    shared([at(range(4)), [*at([0, 1]), *at([2, 3], 300.0)]], script, MARGIN)


def test_the_validity_of_an_order_for_a_stale_symbol_counts_from_the_deciding_bar() -> None:
    # Sent at the close of slot 2: one slot later it may still fill.
    order = Request(BUY, 5.0, LIMIT, limit=100.0, valid_slots=1.0, symbol=1)
    shared([at(range(5)), at([0, 1, 3])], {2: [order]})


def test_a_market_order_for_a_symbol_that_has_ended_is_pending_whatever_its_validity() -> None:
    order = Request(BUY, 5.0, valid_slots=1.0, symbol=1)
    shared([at(range(5)), at([0])], {0: [order]})


def test_an_order_whose_validity_has_passed_is_expired_and_not_cancelled_later() -> None:
    order = Request(BUY, 5.0, LIMIT, limit=90.0, valid_slots=1.0, symbol=1)
    shared([at(range(5)), at([0, 4])], {0: [order], 2: [Cancel(1)]})


def test_a_rejected_order_does_not_tell_the_close_that_a_symbol_will_end_with() -> None:
    late = [*at([2]), *at([3], 200.0)]
    shared([at(range(4)), late], {0: [Request(BUY, None, symbol=1)]})


def test_a_rejected_order_does_not_tell_when_a_symbol_will_end() -> None:
    order = Request(BUY, 5.0, LIMIT, limit=90.0, valid_slots=1.0, symbol=1)
    shared([at(range(4)), at([2, 3])], {0: [order]})


def test_a_flip_left_with_what_it_closes_is_sent_with_the_orders_that_only_close() -> None:
    # 90 are to be opened beside the 30 that are closed, for 130 each, with 10000: the factor 0.85
    # leaves 60 of the first symbol's 80, and none of the second's 10.
    terms = replace(MARGIN, lot_step=10.0, gap_reserve=0.3)
    weights = [[0.0, -0.85, None], [0.3, -0.15, None]]
    shared([at(range(3)), at(range(3))], weights, terms)


def test_a_bracket_that_expires_while_its_symbol_is_stale_ends_no_run() -> None:
    order = Request(BUY, 5.0, LIMIT, limit=90.0, valid_slots=1.0, exits=(80.0, 120.0))
    shared([at([0, 5]), at(range(4))], {0: [order]})


def test_a_bracket_taken_back_on_the_bar_that_sent_it_is_gone_with_its_exits() -> None:
    check(bars(CALM, CALM), {0: [Request(BUY, 5.0, exits=(80.0, 120.0)), Cancel(1)]})


def test_the_cash_for_a_late_order_is_judged_at_its_fill_after_a_gap_too() -> None:
    # The close of 100 asks for more than there is, the open of 50 does not.
    half = Bar(2, 50.0, 50.0, 50.0, 50.0)
    shared([[*at([0]), half]], {0: [Request(BUY, 150.0)]}, delays={0: 5.0})


def test_a_limit_order_replaces_no_late_market_order() -> None:
    script: Script = {0: [Request(BUY, 5.0)], 1: [Request(BUY, 5.0, LIMIT, limit=90.0)]}
    shared([at(range(4))], script, delays={0: 29.0, 1: 5.0})


def test_a_late_cancel_leaves_an_order_the_opens_before_its_instant() -> None:
    dip = (95.0, 100.0, 90.0, 100.0)
    script: Script = {0: [Request(BUY, 5.0, LIMIT, limit=96.0)], 1: [Cancel(1)]}
    shared([bars(CALM, CALM, dip, CALM)], script, delays={1: 5.0})
    shared([bars(CALM, CALM, CALM, dip)], script, delays={1: 5.0})


def test_what_comes_at_the_instant_of_an_hourly_open_may_be_sold_by_a_later_decision() -> None:
    terms = Terms(interval_days=1 / 24, decision_deadline_hours=0.5)
    script: Script = {0: [Request(BUY, None)], 1: [Request(SELL, None)]}
    shared([at([3, 4])], script, terms, delays={3: 4.0, 4: 4.0})
