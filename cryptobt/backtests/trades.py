"""Round trips: from flat to flat, added up from the fills."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import MarketData

DUST = 1e-12


def round_trips(fills: pd.DataFrame, markets: Sequence[MarketData]) -> pd.DataFrame:
    """Add the fills of each symbol up to trades.

    A trade begins with the fill that leaves flat and ends with the one that returns to it;
    additions and reductions between belong to it. The last of a symbol may be open: it is valued
    at the last close and has no exit time.

    Returns
    -------
    DataFrame
        Columns as in :data:`cryptobt.core.columns.TRADES`, by entry; prices are averages of the
        fills; ``return`` is profit after fees over what was bought.
    """
    rows = [
        _trade(group, market)
        for market in markets
        for group in _from_flat_to_flat(fills[fills["symbol"] == market.symbol])
    ]
    rows.sort(key=lambda row: (row["time"], row["symbol"]))
    numbered = [{"trade_id": number} | row for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(numbered, columns=list(columns.TRADES))


def _from_flat_to_flat(fills: pd.DataFrame) -> list[list[dict[str, Any]]]:
    groups: list[list[dict[str, Any]]] = []
    flat = True
    for fill in fills.to_dict("records"):
        if flat:
            groups.append([])
        groups[-1].append({str(k): v for k, v in fill.items()})
        flat = abs(fill["position_base"]) <= DUST
    return groups


def _trade(fills: list[dict[str, Any]], market: MarketData) -> dict[str, Any]:
    first, last = fills[0], fills[-1]
    held = last["position_base"]
    is_open = abs(held) > DUST
    bought, cost = _total(fills, "buy")
    sold, proceeds = _total(fills, "sell")
    fees = sum(fill["fee_quote"] for fill in fills)
    worth = held * market.bars[columns.CLOSE].iloc[-1] if is_open else 0.0
    profit = proceeds + worth - cost - fees
    end = market.times[-1] if is_open else last["time"]
    begun, ended = market.times.get_indexer(pd.DatetimeIndex([first["time"], end]))
    return {
        "time": first["time"],
        "exit_time": pd.NaT if is_open else last["time"],
        "symbol": first["symbol"],
        "direction": "long",
        "quantity_base": bought,
        "entry_price_quote": cost / bought,
        "exit_price_quote": proceeds / sold if sold else float("nan"),
        "pnl_quote": profit,
        "return": profit / cost,
        "fees_quote": fees,
        "bars_held": int(ended - begun),
        "open": is_open,
    }


def _total(fills: list[dict[str, Any]], side: str) -> tuple[float, float]:
    chosen = [fill for fill in fills if fill["side"] == side]
    quantity = sum(fill["quantity_base"] for fill in chosen)
    value = sum(fill["quantity_base"] * fill["price_quote"] for fill in chosen)
    return quantity, value
