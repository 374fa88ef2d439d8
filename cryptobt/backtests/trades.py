"""Round trips: from flat to flat, added up from the fills."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import MarketData

DUST = 1e-12

Fill = dict[str, Any]


def round_trips(fills: pd.DataFrame, markets: Sequence[MarketData]) -> pd.DataFrame:
    """Add the fills of each symbol up to trades.

    A trade begins with the fill that leaves flat and ends with the one that returns to it;
    additions and reductions between belong to it. A fill that turns a position around is divided
    between the trade that it ends and the one that it begins. The last of a symbol may be open: it
    is valued at the symbol's last close and has no exit time.

    Returns
    -------
    DataFrame
        Columns as in :data:`cryptobt.core.columns.TRADES`, by entry; prices are averages of the
        fills; ``return`` is profit after fees over entry price times quantity.
    """
    rows = [
        _trade(group, market)
        for market in markets
        for group in _from_flat_to_flat(fills[fills["symbol"] == market.symbol])
    ]
    rows.sort(key=lambda row: (row["time"], row["symbol"]))
    numbered = [{"trade_id": number} | row for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(numbered, columns=list(columns.TRADES))


def _from_flat_to_flat(fills: pd.DataFrame) -> list[list[Fill]]:
    groups: list[list[Fill]] = []
    flat = True
    for fill in _divided(fills):
        if flat:
            groups.append([])
        groups[-1].append(fill)
        flat = abs(fill["position_base"]) <= DUST
    return groups


def _divided(fills: pd.DataFrame) -> Iterator[Fill]:
    """Fills one by one, each that turns a position around as the two that it stands for."""
    held = 0.0
    for row in fills.to_dict("records"):
        fill = {str(k): v for k, v in row.items()}
        before, held = held, float(fill["position_base"])
        if before * held < 0 and min(abs(before), abs(held)) > DUST:
            yield _part(fill, abs(before), 0.0)
            yield _part(fill, abs(held), held)
        else:
            yield fill


def _part(fill: Fill, quantity: float, position: float) -> Fill:
    share = quantity / fill["quantity_base"]
    own = {"quantity_base": quantity, "position_base": position}
    return fill | own | {"fee_quote": fill["fee_quote"] * share}


def _trade(fills: list[Fill], market: MarketData) -> dict[str, Any]:
    first, last = fills[0], fills[-1]
    held = last["position_base"]
    is_open, is_long = abs(held) > DUST, first["side"] == "buy"
    bought, cost = _total(fills, "buy")
    sold, proceeds = _total(fills, "sell")
    fees = sum(fill["fee_quote"] for fill in fills)
    worth = held * market.bars[columns.CLOSE].iloc[-1] if is_open else 0.0
    profit = proceeds + worth - cost - fees
    entered, value = (bought, cost) if is_long else (sold, proceeds)
    left, other = (sold, proceeds) if is_long else (bought, cost)
    end = market.times[-1] if is_open else last["time"]
    begun, ended = (market.times.searchsorted(time) for time in (first["time"], end))
    return {
        "time": first["time"],
        "exit_time": pd.NaT if is_open else last["time"],
        "symbol": first["symbol"],
        "direction": "long" if is_long else "short",
        "quantity_base": entered,
        "entry_price_quote": value / entered,
        "exit_price_quote": other / left if left else float("nan"),
        "pnl_quote": profit,
        "return": profit / value,
        "fees_quote": fees,
        "bars_held": int(ended - begun),
        "open": is_open,
    }


def _total(fills: list[Fill], side: str) -> tuple[float, float]:
    chosen = [fill for fill in fills if fill["side"] == side]
    quantity = sum(fill["quantity_base"] for fill in chosen)
    value = sum(fill["quantity_base"] * fill["price_quote"] for fill in chosen)
    return quantity, value
