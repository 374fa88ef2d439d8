"""From recorded rows to the documented frames of a result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.recorder import Recorder
from cryptobt.backtests.trades import round_trips
from cryptobt.core import columns
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.strategies.base import day_numbers, instants


def build_result(
    recorder: Recorder,
    markets: Sequence[MarketData],
    decided_at: Mapping[pd.Timestamp, pd.Timestamp],
) -> BacktestResult:
    """Assemble equity, weights, orders, fills, trades and pending orders of a run."""
    clock = _Clock(markets)
    weights = pd.DataFrame(
        recorder.weights,
        columns=["day", "symbol", "target_weight", "weight", "quantity_base", "close", "score"],
    )
    # backtrader counts from a whole 0: without fills a column would be one of integers
    weights = weights.astype({name: float for name in weights if name != "symbol"})
    weights["time"] = clock.times(weights["day"])
    weights = weights.sort_values(["time", "symbol"], kind="stable", ignore_index=True)
    fills = _fills(recorder, markets, clock)
    orders = _orders(recorder, clock, decided_at)
    pending = orders[orders["status"] == "pending"]
    return BacktestResult(
        equity=_equity(recorder, clock, weights, fills),
        weights=weights[list(columns.WEIGHTS)],
        orders=orders,
        fills=fills,
        trades=round_trips(fills, markets),
        scores=weights[[columns.TIME, "symbol", "score"]],
        pending=[_plain(row) for row in pending.to_dict("records")],
    )


class _Clock:
    """Instants of backtrader's day numbers, exact, at every bar that some market has."""

    def __init__(self, markets: Sequence[MarketData]) -> None:
        every = markets[0].times
        for market in markets[1:]:
            every = every.union(market.times)
        self.every, self.days = every, day_numbers(every)

    def times(self, days: pd.Series) -> pd.Series:
        rows = self.days.searchsorted(days.to_numpy(float))
        return pd.Series(self.every[rows], index=days.index)


def _equity(
    recorder: Recorder, clock: _Clock, weights: pd.DataFrame, fills: pd.DataFrame
) -> pd.DataFrame:
    frame = pd.DataFrame(
        recorder.equity, columns=["day", "equity_quote", "cash_quote", "funding_quote"]
    )
    times = clock.times(frame["day"])
    frame["time"] = times
    # An account that was lost earns nothing on nothing.
    before = frame["equity_quote"].shift()
    frame["return"] = (frame["equity_quote"] / before - 1).where(before > 0, 0.0)
    frame["drawdown"] = frame["equity_quote"] / frame["equity_quote"].cummax() - 1
    held = weights["weight"]
    frame["gross_weight"] = held.abs().groupby(weights["day"]).sum().to_numpy()
    frame["net_weight"] = held.groupby(weights["day"]).sum().to_numpy()
    paid = fills.groupby("time")[["fee_quote", "slippage_quote"]].sum().astype(float)
    frame["fees_quote"] = paid["fee_quote"].reindex(times, fill_value=0.0).to_numpy()
    frame["slippage_quote"] = paid["slippage_quote"].reindex(times, fill_value=0.0).to_numpy()
    return frame[list(columns.EQUITY)]


def _orders(
    recorder: Recorder, clock: _Clock, decided_at: Mapping[pd.Timestamp, pd.Timestamp]
) -> pd.DataFrame:
    frame = pd.DataFrame(recorder.orders, columns=[*_ORDER_COLUMNS, "day_number", "valid_day"])
    frame["time"] = clock.times(frame["day_number"])
    frame["valid_until"] = instants(frame["valid_day"].astype(float))
    decided = [decided_at.get(time, pd.NaT) for time in frame["time"]] if decided_at else pd.NaT
    frame["decided_at"] = pd.Series(decided, index=frame.index, dtype=clock.every.dtype)
    for price in ("limit_price_quote", "stop_price_quote"):
        frame[price] = frame[price].astype(float)
    return frame[list(columns.ORDERS)]


_ORDER_COLUMNS = [c for c in columns.ORDERS if c not in ("time", "valid_until", "decided_at")]


def _fills(recorder: Recorder, markets: Sequence[MarketData], clock: _Clock) -> pd.DataFrame:
    frame = pd.DataFrame(recorder.fills, columns=_FILL_COLUMNS)
    frame["time"] = clock.times(frame["day_number"])
    # Fills of one bar come in the order of the books: as their orders were sent.
    frame = frame.sort_values(["time", "symbol", "order_id"], ignore_index=True)
    frame["fill_id"] = range(1, len(frame) + 1)
    frame["open_quote"] = np.nan
    for market in markets:
        own = frame["symbol"] == market.symbol
        opens = market.bars[columns.OPEN].reindex(frame.loc[own, "time"])
        frame.loc[own, "open_quote"] = opens.to_numpy()
    worse = (frame["price_quote"] - frame["unslipped_quote"]).abs()
    frame["slippage_quote"] = worse * frame["quantity_base"]
    frame["late"] = frame["late"].astype(bool)
    return frame[list(columns.FILLS)]


_FILL_COLUMNS = [
    "order_id", "symbol", "side", "quantity_base", "price_quote", "fee_quote", "position_base",
    "unslipped_quote", "day_number", "late",
]  # fmt: skip


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(k): None if pd.isna(v) else v for k, v in row.items()}
