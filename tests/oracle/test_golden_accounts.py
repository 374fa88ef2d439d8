"""Accounts whose every number is worked out here, held to the code and to the ledger alike."""

import pytest

from cryptobt.core.types import BacktestResult

from .as_built import AsBuilt
from .both import FIRST, Script, differences, kept, traded
from .ledger import BUY, LIMIT, NOT_HELD, SELL, STOP, Bar, Request, Terms

CASH, FEE, SLIP = 10_000.0, 10 / 10_000, 5 / 10_000
FREE = Terms(fee_bps=0.0, slippage_bps=0.0)
CALM = (100.0, 100.0, 100.0, 100.0)


def exactly(*values: float) -> object:
    return pytest.approx(list(values), rel=1e-12, abs=1e-9)


def account(
    bars: list[tuple[int, float, float, float, float]], script: Script, terms: Terms | None = None
) -> BacktestResult:
    """The account of ``run_backtest``, once the ledger has agreed to it."""
    terms = terms or Terms()
    market = [Bar(*row) for row in bars]
    result = traded(market, terms, script)
    assert differences(result, kept(market, terms, script, ledger=AsBuilt)) == []
    return result


def cash_of(result: BacktestResult) -> list[float]:
    return result.equity["cash_quote"].tolist()


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
