"""The rows of the oracle's account as tables with the columns of a run's files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.time import epoch_ns
from cryptobt.jobs.audits.account_tables import TIMES, kind_of
from cryptobt.jobs.audits.recorded_account import RecordedAccount
from cryptobt.oracle.records import CALLED, Order
from cryptobt.oracle.replay import Replay


@dataclass(frozen=True)
class OracleTables:
    """From the oracle's rows to frames.

    ``orders`` holds what became of an order beside what names it: the rest is what was asked.
    """

    account: RecordedAccount
    replay: Replay

    def all(self) -> dict[str, pd.DataFrame]:
        """Give every table of the account."""
        return {
            "orders": self._orders(),
            "fills": self._fills(),
            "weights": self._weights(),
            "equity": self._equity(),
            "trades": self._trades(),
        }

    def _order_ids(self) -> dict[int, int]:
        """Ids as they were recorded; of an order that is not recorded, one below 0."""
        table = self.account.tables["orders"]
        called = table[(table["reason"] == CALLED) & table["status"].isin(["filled", "pending"])]
        keys = zip(self.account.numbers(called["time"]).tolist(), called["symbol"], strict=True)
        ids = dict(zip(keys, called["order_id"].tolist(), strict=True))
        return {
            order.order_id: self._recorded_id(order, ids) for order in self.replay.orders
        }  # fmt: skip

    def _recorded_id(self, order: Order, called: Mapping[tuple[int, str], int]) -> int:
        source = self.replay.sources.get(order.order_id)
        if source is not None:
            return source.number
        return called.get((order.time, self._symbol(order.symbol)), -order.order_id)

    def _symbol(self, number: int) -> str:
        return self.account.markets[number].symbol

    def _orders(self) -> pd.DataFrame:
        ids = self._order_ids()
        rows = [
            {
                "order_id": ids[order.order_id], "time": order.time,
                "symbol": self._symbol(order.symbol), "side": order.side,
                "quantity_base": order.size, "status": order.status, "reason": order.reason,
            }
            for order in self.replay.orders
        ]  # fmt: skip
        names = ("order_id", "time", "symbol", "side", "quantity_base", "status", "reason")
        return self._frame(rows, names)

    def _fills(self) -> pd.DataFrame:
        ids = self._order_ids()
        rows = [
            {
                "order_id": ids[fill.order_id], "time": fill.time,
                "symbol": self._symbol(fill.symbol), "side": fill.side,
                "quantity_base": fill.size, "price_quote": fill.price, "open_quote": fill.open,
                "fee_quote": fill.fee, "slippage_quote": fill.slippage,
                "position_base": fill.position, "late": fill.late,
            }
            for fill in self.replay.fills
        ]  # fmt: skip
        return self._numbered("fill_id", self._frame(rows, columns.FILLS[1:]))

    def _weights(self) -> pd.DataFrame:
        rows = self.replay.holdings
        made = {
            "time": [row.time for row in rows],
            "symbol": [self._symbol(row.symbol) for row in rows],
            "target_weight": [row.target for row in rows],
            "weight": [row.weight for row in rows],
            "quantity_base": [row.quantity for row in rows],
            "close": [row.close for row in rows],
        }
        return self._frame(made, columns.WEIGHTS)

    def _equity(self) -> pd.DataFrame:
        rows = self.replay.rows
        made = {
            "time": [row.time for row in rows],
            "equity_quote": [row.equity for row in rows],
            "cash_quote": [row.cash for row in rows],
            "return": [row.gain for row in rows],
            "drawdown": [row.drawdown for row in rows],
            "gross_weight": [row.gross for row in rows],
            "net_weight": [row.net for row in rows],
            "fees_quote": [row.fees for row in rows],
            "slippage_quote": [row.slippage for row in rows],
            "funding_quote": [row.funding for row in rows],
        }
        return self._frame(made, columns.EQUITY)

    def _trades(self) -> pd.DataFrame:
        rows = [
            {
                "time": trade.time, "exit_time": trade.exit_time,
                "symbol": self._symbol(trade.symbol), "direction": trade.direction,
                "quantity_base": trade.quantity, "entry_price_quote": trade.entry_price,
                "exit_price_quote": trade.exit_price, "pnl_quote": trade.pnl,
                "return": trade.gain, "fees_quote": trade.fees, "bars_held": trade.bars_held,
                "open": trade.exit_time is None,
            }
            for trade in self.replay.trades()
        ]  # fmt: skip
        return self._numbered("trade_id", self._frame(rows, columns.TRADES[1:]))

    def _frame(self, rows: Any, names: Sequence[str]) -> pd.DataFrame:
        """Make a table with instants in place of the numbers of times."""
        frame = pd.DataFrame(rows, columns=list(names))
        for name in (name for name in names if name in TIMES):
            numbers = frame[name].astype(float)
            there = numbers.notna().to_numpy()
            instants = np.full(len(frame), np.datetime64("NaT", "ns"))
            instants[there] = epoch_ns(self.account.times)[numbers[there].to_numpy(int)].astype(
                "datetime64[ns]"
            )
            frame[name] = pd.DatetimeIndex(instants).tz_localize("UTC")
        for name in (name for name in names if kind_of(name) == "number"):
            frame[name] = frame[name].astype(float)
        return frame

    @staticmethod
    def _numbered(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Number rows as their file does: by time and symbol, else in the order that they have."""
        frame = frame.sort_values(["time", "symbol"], kind="stable", ignore_index=True)
        return frame.assign(**{name: range(1, len(frame) + 1)})
