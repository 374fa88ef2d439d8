"""Accounts whose every number is worked out here, held to the code and to the ledger alike."""

from dataclasses import replace

import pandas as pd
import pytest

from cryptobt.core.types import BacktestResult
from cryptobt.oracle.ledger import Script, Weights
from cryptobt.oracle.records import (
    BUY,
    CALLED,
    LIMIT,
    NO_MARGIN,
    NOT_HELD,
    NOT_LISTED,
    SELL,
    STOP,
    Bar,
    Request,
    Terms,
)

from .both import FIRST, SYMBOLS, differences, kept, traded

CASH, FEE, SLIP = 10_000.0, 10 / 10_000, 5 / 10_000
FREE = Terms(fee_bps=0.0, slippage_bps=0.0)
ONE, TWO = SYMBOLS[:2]
CALM = (100.0, 100.0, 100.0, 100.0)
Row = tuple[int, float, float, float, float]


def exactly(*values: float) -> object:
    return pytest.approx(list(values), rel=1e-12, abs=1e-9)


def shared(
    markets: list[list[Row]], script: Script | Weights, terms: Terms | None = None
) -> BacktestResult:
    """The account of ``run_backtest``, once the ledger has agreed to it."""
    terms = terms or Terms()
    bars = [[Bar(*row) for row in rows] for rows in markets]
    result = traded(bars, terms, script)
    assert differences(result, kept(bars, terms, script)) == []
    return result


def account(bars: list[Row], script: Script, terms: Terms | None = None) -> BacktestResult:
    """An account of one symbol."""
    return shared([bars], script, terms)


def cash_of(result: BacktestResult) -> list[float]:
    return result.equity["cash_quote"].tolist()


def column(result: BacktestResult, table: str, name: str) -> list[float]:
    frame: pd.DataFrame = getattr(result, table)
    return list(frame[name])


def statuses(result: BacktestResult) -> list[str]:
    return result.orders["status"].tolist()


def test_a_position_is_held_through_a_gap_and_its_return_spans_it() -> None:
    bars = [(0, *CALM), (1, *CALM), (4, 90.0, 120.0, 90.0, 120.0), (5, 120.0, 120.0, 120.0, 120.0)]
    result = account(bars, {0: [Request(BUY, 50.0)], 1: [Request(SELL, 20.0)]})
    bought = 50 * 100 * (1 + SLIP)
    sold = 20 * 90 * (1 - SLIP)  # at the first open after the gap, not at the last close before
    after = CASH - bought * (1 + FEE) + sold * (1 - FEE)
    assert cash_of(result) == exactly(CASH, CASH - bought * (1 + FEE), after, after)
    assert result.fills["time"].iloc[1] == FIRST + 4 * (FIRST.replace(day=2) - FIRST)
    before = CASH - bought * (1 + FEE) + 50 * 100
    assert result.equity["return"].iloc[2] == pytest.approx((after + 30 * 120) / before - 1)
    assert result.trades["bars_held"].tolist() == [2]  # bars there are: 4 and 5 after bar 1


def test_validity_counts_time_and_not_bars_so_that_a_gap_uses_it_up() -> None:
    bars = [(0, *CALM), (1, *CALM), (4, 100.0, 100.0, 80.0, 100.0)]
    order = Request(BUY, 50.0, LIMIT, limit=90.0, valid_slots=3.0)
    assert statuses(account(bars, {0: [order]})) == ["expired"]
    in_time = Request(BUY, 50.0, LIMIT, limit=90.0, valid_slots=4.0)
    assert statuses(account(bars, {0: [in_time]})) == ["filled"]


def test_funding_is_charged_at_the_closes_there_are_and_not_for_the_missing_bars() -> None:
    terms = Terms(fee_bps=0.0, slippage_bps=0.0, funding_bps_per_day=100.0)
    bars = [(0, *CALM), (1, *CALM), (4, 110.0, 120.0, 110.0, 120.0)]
    result = account(bars, {0: [Request(BUY, 50.0)]}, terms)
    first, second = 50 * 100 * 0.01, 50 * 120 * 0.01  # one day each, though three have passed
    assert result.equity["funding_quote"].tolist() == exactly(0.0, first, second)
    assert cash_of(result) == exactly(CASH, 5000 - first, 5000 - first - second)
    assert result.equity["equity_quote"].iloc[2] == pytest.approx(CASH + 1000 - first - second)


def test_funding_counts_the_position_after_the_fills_of_its_bar() -> None:
    terms = Terms(fee_bps=0.0, slippage_bps=0.0, funding_bps_per_day=100.0)
    result = account(
        [(0, *CALM), (1, *CALM), (2, *CALM)],
        {0: [Request(BUY, 50.0)], 1: [Request(SELL, 50.0)]}, terms,
    )  # fmt: skip
    assert result.equity["funding_quote"].tolist() == exactly(0.0, 50.0, 0.0)
    assert result.trades["pnl_quote"].tolist() == exactly(0.0)  # a trade's profit has no funding


def test_a_buy_at_an_open_that_is_the_high_pays_slippage_above_the_high() -> None:
    bars = [(0, *CALM), (1, 110.0, 110.0, 90.0, 95.0)]
    result = account(bars, {0: [Request(BUY, 50.0)]})
    assert result.fills["price_quote"].tolist() == exactly(110 * (1 + SLIP))
    assert cash_of(result)[1] == pytest.approx(CASH - 50 * 110 * (1 + SLIP) * (1 + FEE))


def test_a_sale_at_an_open_that_is_the_low_gets_slippage_below_the_low() -> None:
    bars = [(0, *CALM), (1, *CALM), (2, 90.0, 110.0, 90.0, 95.0)]
    result = account(bars, {0: [Request(BUY, 50.0)], 1: [Request(SELL, 50.0)]})
    assert result.fills["price_quote"].tolist() == exactly(100 * (1 + SLIP), 90 * (1 - SLIP))


def test_a_stop_at_the_open_that_is_the_high_is_touched_and_so_is_a_limit_there() -> None:
    bars = [(0, *CALM), (1, 110.0, 110.0, 90.0, 95.0), (2, 110.0, 110.0, 90.0, 95.0)]
    script: Script = {
        0: [Request(BUY, 50.0, STOP, stop=110.0)],
        1: [Request(SELL, 50.0, LIMIT, limit=110.0)],
    }
    result = account(bars, script)
    # The limit binds where slippage would go below it.
    assert result.fills["price_quote"].tolist() == exactly(110 * (1 + SLIP), 110.0)
    assert result.fills["slippage_quote"].tolist() == exactly(50 * 110 * SLIP, 0.0)


def test_of_a_limit_and_a_stop_for_the_same_coins_in_one_bar_the_one_sent_first_sells() -> None:
    bars = [(0, *CALM), (1, *CALM), (2, 100.0, 106.0, 94.0, 100.0)]
    limit = Request(SELL, 50.0, LIMIT, limit=105.0)
    stop = Request(SELL, 50.0, STOP, stop=95.0)
    for exits, price in (((limit, stop), 105.0), ((stop, limit), 95.0)):
        result = account(bars, {0: [Request(BUY, 50.0)], 1: list(exits)}, FREE)
        assert statuses(result) == ["filled", "filled", "rejected"]
        assert result.orders["reason"].iloc[2] == NOT_HELD
        assert cash_of(result)[2] == pytest.approx(CASH - 5000 + 50 * price)


def test_of_a_limit_and_a_stop_buy_in_one_bar_the_second_is_refused_where_cash_runs_out() -> None:
    bars = [(0, *CALM), (1, 100.0, 106.0, 94.0, 100.0)]
    dip = Request(BUY, 50.0, LIMIT, limit=95.0)
    rise = Request(BUY, 49.9, STOP, stop=105.0)
    result = account(bars, {0: [dip, rise]}, Terms(fee_bps=0.0, slippage_bps=80.0))
    left = CASH - 50 * 95  # 5250 cover 49.9 at 105, as sent, but not at 105 * 1.008
    assert 49.9 * 105 < left < 49.9 * 105 * 1.008
    assert statuses(result) == ["filled", "rejected"]
    assert cash_of(result)[1] == pytest.approx(left)


# Short positions


MARGIN = Terms(allow_short=True)
FREE_MARGIN = replace(FREE, allow_short=True)
HALF = replace(FREE_MARGIN, initial_margin=0.5, maintenance_margin=0.25)


def flat_at(*prices: float) -> list[Row]:
    """Bars that do not move, one a slot."""
    return [(slot, price, price, price, price) for slot, price in enumerate(prices)]


def test_one_order_turns_a_long_position_short_and_one_turns_it_back() -> None:
    script: Script = {0: [Request(BUY, 50.0)], 1: [Request(SELL, 80.0)], 2: [Request(BUY, 60.0)]}
    result = account(flat_at(100, 100, 100, 100), script, MARGIN)
    dear, cheap = 100 * (1 + SLIP), 100 * (1 - SLIP)
    long = CASH - 50 * dear * (1 + FEE)
    short = long + 80 * cheap * (1 - FEE)
    again = short - 60 * dear * (1 + FEE)
    assert cash_of(result) == exactly(CASH, long, short, again)
    assert column(result, "fills", "position_base") == exactly(50, -30, 30)
    assert column(result, "equity", "equity_quote") == exactly(
        CASH, long + 5000, short - 3000, again + 3000
    )
    assert column(result, "weights", "weight")[2] == pytest.approx(-3000 / (short - 3000))


def test_a_fill_that_turns_a_position_is_divided_between_two_trades() -> None:
    script: Script = {0: [Request(BUY, 50.0)], 1: [Request(SELL, 80.0)], 2: [Request(BUY, 30.0)]}
    terms = replace(FREE_MARGIN, fee_bps=10.0)
    result = account(flat_at(100, 100, 110, 90), script, terms)
    fees = [50 * 100 * FEE, 80 * 110 * FEE, 30 * 90 * FEE]
    of_long = fees[0] + fees[1] * 50 / 80
    of_short = fees[1] * 30 / 80 + fees[2]
    assert result.trades["direction"].tolist() == ["long", "short"]
    assert column(result, "trades", "quantity_base") == exactly(50, 30)
    assert column(result, "trades", "entry_price_quote") == exactly(100, 110)
    assert column(result, "trades", "exit_price_quote") == exactly(110, 90)
    assert column(result, "trades", "fees_quote") == exactly(of_long, of_short)
    assert column(result, "trades", "pnl_quote") == exactly(50 * 10 - of_long, 30 * 20 - of_short)
    assert column(result, "trades", "return")[1] == pytest.approx((600 - of_short) / (30 * 110))
    assert column(result, "trades", "bars_held") == [1, 1]


def test_a_short_position_receives_funding_and_pays_for_the_loan() -> None:
    terms = replace(FREE_MARGIN, funding_bps_per_day=100.0, borrow_bps_per_day=30.0)
    result = account(flat_at(100, 100, 120), {0: [Request(SELL, 50.0)]}, terms)
    first = -50 * 100 * 0.01 + 50 * 100 * 0.003  # received and paid
    second = -50 * 120 * 0.01 + 50 * 120 * 0.003
    assert column(result, "equity", "funding_quote") == exactly(0, first, second)
    assert cash_of(result) == exactly(CASH, CASH + 5000 - first, CASH + 5000 - first - second)
    assert column(result, "trades", "pnl_quote") == exactly(-50 * 20)  # without the funding


def test_a_long_position_pays_funding_and_for_no_loan_in_a_margin_account() -> None:
    terms = replace(FREE_MARGIN, funding_bps_per_day=100.0, borrow_bps_per_day=30.0)
    result = account(flat_at(100, 100), {0: [Request(BUY, 50.0)]}, terms)
    assert column(result, "equity", "funding_quote") == exactly(0, 50 * 100 * 0.01)


# Margin


def test_an_order_opens_what_the_margin_allows_after_its_fee_and_is_rejected_above() -> None:
    # 200 coins are twice the equity, of which the fee has taken 20.
    terms = replace(HALF, fee_bps=10.0)
    for size, status in ((200.0, "rejected"), (199.0, "filled")):
        for side in (BUY, SELL):
            result = account(flat_at(100, 100), {0: [Request(side, size)]}, terms)
            margin = 0.5 * size * 100
            assert (CASH - size * 100 * FEE >= margin) == (status == "filled")
            assert statuses(result) == [status]
            assert result.orders["reason"].tolist() == [NO_MARGIN * (status == "rejected")]


def test_an_order_that_only_closes_fills_where_the_margin_is_used_up() -> None:
    # At the open of 60 the equity is 2000 and half of what is held 6000.
    bars = [(0, *CALM), (1, *CALM), (2, 60.0, 60.0, 60.0, 60.0)]
    script: Script = {
        0: [Request(BUY, 200.0)],
        1: [Request(SELL, 10.0), Request(BUY, 1.0), Request(SELL, 191.0)],
    }
    result = account(bars, script, replace(HALF, maintenance_margin=0.0))
    # The last one is one more than is held.
    assert statuses(result) == ["filled", "filled", "rejected", "filled"]
    assert column(result, "fills", "position_base") == exactly(200, 190, -1)


def test_a_margin_call_closes_at_the_next_open_and_refuses_orders_until_then() -> None:
    script: Script = {
        0: [Request(BUY, 150.0), Request(BUY, 1.0, LIMIT, limit=10.0)],
        2: [Request(BUY, 1.0)],
        3: [Request(SELL, 5.0)],
    }
    result = account(flat_at(100, 100, 40, 45, 45), script, HALF)
    borrowed = CASH - 150 * 100
    assert borrowed + 150 * 40 < 0.25 * 150 * 40  # 1000 and 1500, at the close of 40
    assert result.orders["side"].tolist() == ["buy", "buy", "sell", "buy", "sell"]
    assert statuses(result) == ["filled", "cancelled", "filled", "rejected", "filled"]
    assert result.orders["reason"].tolist() == ["", CALLED, CALLED, CALLED, ""]
    left = borrowed + 150 * 45
    assert cash_of(result) == exactly(CASH, borrowed, borrowed, left, left + 5 * 45)


def test_a_gap_beyond_the_margin_leaves_an_account_that_owes() -> None:
    script: Script = {0: [Request(SELL, 150.0)], 3: [Request(BUY, 1.0)]}
    result = account(flat_at(100, 100, 150, 170, 170), script, HALF)
    sold = CASH + 150 * 100
    assert sold - 150 * 150 < 0.25 * 150 * 150  # 2500 and 5625, at the close of 150
    owed = sold - 150 * 170
    assert owed == -500
    assert column(result, "equity", "equity_quote") == exactly(CASH, CASH, 2500, owed, owed)
    assert column(result, "equity", "drawdown")[3] == pytest.approx(owed / CASH - 1)
    assert result.orders["reason"].tolist() == ["", CALLED, NO_MARGIN]


def test_funding_takes_no_more_than_the_account_is_worth() -> None:
    terms = replace(
        FREE_MARGIN, initial_margin=0.1, maintenance_margin=0.0, funding_bps_per_day=100.0
    )
    bars = [(0, *CALM), (1, 100.0, 100.0, 90.0, 90.0), (2, 90.0, 95.0, 90.0, 95.0)]
    result = account(bars, {0: [Request(BUY, 990.0)]}, terms)
    worth = CASH - 990 * 10  # 100 are left, and the funding would be 891
    assert column(result, "equity", "funding_quote") == exactly(0, worth, 990 * 95 * 0.01)
    assert column(result, "equity", "equity_quote")[:2] == exactly(CASH, 0)


# Several symbols


def test_two_symbols_share_the_cash_under_the_gross_cap() -> None:
    weights = [[0.8, None], [0.6, None]]
    result = shared([flat_at(100, 100), flat_at(50, 50)], weights)
    factor = 1 / (0.8 + 0.6)
    targets = [0.8 * factor, 0.6 * factor]
    assert column(result, "orders", "target_weight") == exactly(*targets)
    room = (1 + FEE) * (1 + SLIP) * 1.01  # they want all the cash, so room is left for both
    sizes = column(result, "orders", "quantity_base")
    assert sizes == pytest.approx([CASH * targets[0] / room / 100, CASH * targets[1] / room / 50])
    assert statuses(result) == ["filled", "filled"]
    paid = sum(size * price for size, price in zip(sizes, (100, 50), strict=True))
    assert cash_of(result)[1] == pytest.approx(CASH - paid * (1 + SLIP) * (1 + FEE))


def test_the_band_is_divided_by_the_symbols_that_have_had_a_bar() -> None:
    # 0.04 from its target: inside the band of 0.1 for one symbol, and of 0.05 for two,
    weights = [[0.50, 0.46, 0.46, 0.46], [0.0, 0.0]]
    market = flat_at(100, 100, 100, 100)
    terms = replace(FREE, gap_reserve=0.0)
    assert len(shared([market, market[2:]], weights, terms).orders) == 1
    # and 0.06 is inside the first alone.
    weights = [[0.50, 0.44, 0.44, 0.44], [0.0, 0.0]]
    result = shared([market, market[2:]], weights, terms)
    assert result.orders["time"].tolist() == [FIRST, FIRST + pd.Timedelta(days=2)]


def test_a_purchase_spends_what_a_sale_at_the_same_close_frees() -> None:
    # The second symbol, named later, is sold first.
    weights = [[0.0, 1.0, None], [1.0, 0.0, None]]
    market = flat_at(100, 100, 100)
    result = shared([market, market], weights, replace(FREE, gap_reserve=0.0))
    assert result.orders["symbol"].tolist() == [TWO, TWO, ONE]
    assert column(result, "orders", "quantity_base") == exactly(100, 100, 100)
    assert statuses(result) == ["filled"] * 3


def test_a_symbol_that_is_listed_late_joins_at_its_first_bar() -> None:
    early, late = flat_at(100, 100, 100, 100), flat_at(50, 50, 50, 50)[2:]
    weights = [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5]]
    result = shared([early, late], weights, replace(FREE, gap_reserve=0.0))
    days = [FIRST + pd.Timedelta(days=day) for day in range(4)]
    assert result.fills["symbol"].tolist() == [ONE, TWO]
    assert result.fills["time"].tolist() == [days[1], days[3]]
    assert column(result, "fills", "quantity_base") == exactly(50, 100)
    assert sorted(result.weights["symbol"]) == sorted([ONE] * 4 + [TWO] * 2)
    assert cash_of(result) == exactly(CASH, 5000, 5000, 0)


def test_an_order_for_a_symbol_without_a_bar_yet_is_rejected() -> None:
    script: Script = {0: [Request(BUY, 10.0, symbol=1)], 2: [Request(BUY, 10.0, symbol=1)]}
    result = shared([flat_at(100, 100, 100, 100), flat_at(50, 50, 50, 50)[2:]], script, FREE)
    assert statuses(result) == ["rejected", "filled"]
    assert result.orders["reason"].tolist() == [NOT_LISTED, ""]


def test_a_stale_symbol_counts_with_its_last_close_and_its_order_waits() -> None:
    steady = flat_at(100, 100, 100, 100)
    holed = [(0, *CALM), (1, 100.0, 110.0, 100.0, 110.0), (3, 90.0, 90.0, 90.0, 90.0)]
    script: Script = {
        0: [Request(BUY, 40.0), Request(BUY, 40.0, symbol=1)],
        1: [Request(SELL, 10.0, symbol=1), Request(SELL, 10.0)],
    }
    terms = replace(FREE, funding_bps_per_day=100.0)
    result = shared([steady, holed], script, terms)
    # The sale of the stale symbol was sent first, and fills a bar after the other.
    assert result.orders["symbol"].tolist() == [ONE, TWO, TWO, ONE]
    fills = result.fills.set_index("order_id")
    assert (fills["time"] - FIRST).dt.days.to_dict() == {1: 1, 2: 1, 3: 3, 4: 2}
    assert fills["price_quote"].to_dict() == {1: 100.0, 2: 100.0, 3: 90.0, 4: 100.0}
    paid = [0.0, (4000 + 4400) * 0.01, 3000 * 0.01, (3000 + 2700) * 0.01]
    assert column(result, "equity", "funding_quote") == exactly(*paid)
    cash = [CASH, 2000 - paid[1], 3000 - paid[1] - paid[2], 3900 - paid[1] - paid[2] - paid[3]]
    assert cash_of(result) == exactly(*cash)
    assert column(result, "equity", "equity_quote")[2] == pytest.approx(cash[2] + 3000 + 4400)
    closes = result.weights.loc[result.weights["symbol"] == TWO, "close"]
    assert closes.tolist() == [100.0, 110.0, 110.0, 90.0]


def test_an_order_without_a_size_spends_the_share_of_its_symbol() -> None:
    market = flat_at(100, 100, 100)
    script: Script = {
        0: [Request(BUY, None)],
        1: [
            Request(BUY, 20.0, symbol=1),
            Request(BUY, None, symbol=1),
            Request(SELL, None, symbol=1),
        ],
    }
    result = shared([market, market], script, replace(FREE, gap_reserve=0.0))
    # A half of the equity each; a sale without coins is of that share too, and rejected.
    assert column(result, "orders", "quantity_base") == exactly(50, 20, 50, 50)
    assert statuses(result) == ["filled", "filled", "rejected", "rejected"]
    assert result.orders["reason"].tolist()[2:] == ["insufficient cash", NOT_HELD]


def test_an_order_without_a_size_opens_short_or_buys_back_in_a_margin_account() -> None:
    script: Script = {0: [Request(SELL, None)], 1: [Request(BUY, None)], 2: [Request(BUY, None)]}
    terms = replace(HALF, max_gross=2.0, gap_reserve=0.0)
    result = account(flat_at(100, 100, 90, 90), script, terms)
    assert column(result, "fills", "position_base") == exactly(-200, 0, 266.66666666)  # 24000 / 90
