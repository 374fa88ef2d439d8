"""Trades added up from fills by hand."""

from typing import Any

import pandas as pd
import pytest

from cryptobt.backtests.trades import round_trips
from cryptobt.core import columns
from cryptobt.core.types import MarketData

from .accounts import make_market

MARKET = make_market([(10, 10), (11, 11), (12, 12), (13, 13), (14, 14), (15, 16)])


def fills_of(*rows: tuple[int, str, float, float, float, float]) -> pd.DataFrame:
    """Fills from (bar, side, quantity, price, fee, position after)."""
    names = ("side", "quantity_base", "price_quote", "fee_quote", "position_base")
    records: list[dict[str, Any]] = [
        {"time": MARKET.times[bar], "symbol": "COIN", **dict(zip(names, rest, strict=True))}
        for bar, *rest in rows
    ]
    return pd.DataFrame(records, columns=["time", "symbol", *names])


def trades_of(
    *rows: tuple[int, str, float, float, float, float], market: MarketData = MARKET
) -> list[dict[str, Any]]:
    frame = round_trips(fills_of(*rows), [market])
    assert tuple(frame.columns) == columns.TRADES
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def test_one_buy_and_one_sale_are_one_trade() -> None:
    (trade,) = trades_of((1, "buy", 2, 11, 0.1, 2), (4, "sell", 2, 14, 0.2, 0))
    profit = 2 * 14 - 2 * 11 - (0.1 + 0.2)
    assert (trade["time"], trade["exit_time"]) == (MARKET.times[1], MARKET.times[4])
    assert (trade["direction"], trade["open"]) == ("long", False)
    assert (trade["quantity_base"], trade["bars_held"]) == (2, 4 - 1)
    assert (trade["entry_price_quote"], trade["exit_price_quote"]) == (11, 14)
    assert trade["pnl_quote"] == pytest.approx(profit)
    assert trade["return"] == pytest.approx(profit / (2 * 11))
    assert trade["fees_quote"] == pytest.approx(0.1 + 0.2)


def test_additions_and_partial_reductions_belong_to_the_trade_that_holds_them() -> None:
    (trade,) = trades_of(
        (0, "buy", 2, 10, 0.1, 2),
        (1, "buy", 4, 11, 0.1, 6),
        (2, "sell", 3, 12, 0.1, 3),
        (3, "buy", 1, 13, 0.1, 4),
        (5, "sell", 4, 15, 0.1, 0),
    )
    cost = 2 * 10 + 4 * 11 + 1 * 13
    proceeds = 3 * 12 + 4 * 15
    assert trade["quantity_base"] == 2 + 4 + 1
    assert trade["entry_price_quote"] == pytest.approx(cost / 7)
    assert trade["exit_price_quote"] == pytest.approx(proceeds / 7)
    assert trade["pnl_quote"] == pytest.approx(proceeds - cost - 5 * 0.1)
    assert trade["return"] == pytest.approx((proceeds - cost - 5 * 0.1) / cost)
    assert trade["bars_held"] == 5


def test_an_open_trade_is_valued_at_the_last_close_and_has_no_exit() -> None:
    (trade,) = trades_of((1, "buy", 2, 11, 0.1, 2))
    assert trade["open"] is True
    assert pd.isna(trade["exit_time"])
    assert pd.isna(trade["exit_price_quote"])
    assert trade["pnl_quote"] == pytest.approx(2 * 16 - 2 * 11 - 0.1)
    assert trade["bars_held"] == 5 - 1


def test_an_open_trade_that_was_reduced_counts_what_was_sold_and_what_is_held() -> None:
    (trade,) = trades_of((1, "buy", 2, 11, 0.1, 2), (3, "sell", 0.5, 13, 0.1, 1.5))
    assert trade["pnl_quote"] == pytest.approx(0.5 * 13 + 1.5 * 16 - 2 * 11 - 0.2)
    assert trade["exit_price_quote"] == 13


def test_a_new_trade_begins_after_each_return_to_flat() -> None:
    trades = trades_of(
        (0, "buy", 1, 10, 0, 1),
        (1, "sell", 1, 11, 0, 0),
        (2, "buy", 1, 12, 0, 1),
        (3, "sell", 1, 13, 0, 0),
        (4, "buy", 1, 14, 0, 1),
    )
    assert [trade["trade_id"] for trade in trades] == [1, 2, 3]
    assert [trade["open"] for trade in trades] == [False, False, True]
    assert [trade["pnl_quote"] for trade in trades] == [11 - 10, 13 - 12, 16 - 14]


def test_no_fills_make_no_trades() -> None:
    assert trades_of() == []
