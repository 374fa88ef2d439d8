"""The account replayed from its facts, and compared with what was recorded night by night."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.errors import LedgerError
from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.facts import Night
from cryptobt.strategies.registry import STRATEGIES

ORDER = (
    "symbol", "side", "exec_type", "quantity_base", "limit_price_quote", "stop_price_quote",
    "valid_until", "target_weight",
)  # fmt: skip
"""What is said of an order."""
_FILL = ("symbol", "side", "quantity_base", "price_quote", "fee_quote", "position_base", "late")
_EQUITY = ("equity_quote", "cash_quote", "fees_quote", "slippage_quote", "funding_quote")
_WEIGHT = ("symbol", "target_weight", "weight", "quantity_base", "close")


@dataclass(frozen=True)
class Replay:
    """An account from its first night on.

    Attributes
    ----------
    markets : list of MarketData
        Bars that were there when their nights were decided.
    decided_at : mapping
        Night to the instant of its decision.
    """

    account: PaperAccount
    markets: list[MarketData]
    forecasts: Forecasts
    decided_at: Mapping[pd.Timestamp, pd.Timestamp]

    @property
    def settings(self) -> Settings:
        """Settings of the account, beginning with its first night."""
        return begun(self.account.settings, min(self.decided_at))

    @cached_property
    def result(self) -> BacktestResult:
        """The strategy's account."""
        return self._run(self.account.trader)

    @cached_property
    def hold(self) -> BacktestResult:
        """The account of buy-and-hold over the same nights, decided on time."""
        return run_backtest(
            self.markets, None, Trader(STRATEGIES["buy_and_hold"], {}), self.settings
        )

    @cached_property
    def records(self) -> dict[pd.Timestamp, str]:
        """What stands in the ledger of each night."""
        result = self.result
        orders = _by_time(result.orders, ORDER)
        fills, weights = _by_time(result.fills, _FILL), _by_time(result.weights, _WEIGHT)
        rows = result.equity[list(_EQUITY)].to_dict("records")
        return {
            time: _text({
                "equity": row,
                "weights": weights.get(time, []),
                "orders": orders.get(time, []),
                "fills": fills.get(time, []),
            })
            for time, row in zip(result.times, rows, strict=True)
        }  # fmt: skip

    def check(self, nights: Sequence[Night]) -> None:
        """Compare with what was recorded.

        Raises
        ------
        LedgerError
            Naming the first night and value that differ.
        """
        for night in nights:
            ours = self.records.get(night.bar_at, "{}")
            if ours != night.record:
                found = _difference(json.loads(night.record), json.loads(ours))
                raise LedgerError(
                    f"account '{self.account.name}': the replay of {iso(night.bar_at)} differs "
                    f"from what was recorded: {found}; nothing was traded, see docs/ledger.md"
                )

    def _run(self, trader: Trader) -> BacktestResult:
        forecasts = self.forecasts if trader.forecaster is not None else None
        return run_backtest(
            self.markets, forecasts, trader, self.settings, decided_at=self.decided_at
        )


def begun(settings: Settings, first: pd.Timestamp) -> Settings:
    """Settings with the first night as the first decision."""
    return settings.model_copy(
        update={"data": settings.data.model_copy(update={"start": first.isoformat()})}
    )


def _by_time(frame: pd.DataFrame, names: Sequence[str]) -> dict[pd.Timestamp, list[dict[str, Any]]]:
    rows = frame[list(names)].to_dict("records")
    found: dict[pd.Timestamp, list[dict[str, Any]]] = {}
    for time, row in zip(frame["time"], rows, strict=True):
        found.setdefault(time, []).append({str(name): value for name, value in row.items()})
    return found


def _text(record: Any) -> str:
    """Write a record so that equal accounts give equal text, to the last bit of every number."""
    return json.dumps(plain(record), sort_keys=True, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Write values as JSON has them: times as ISO 8601, null for what is missing."""
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, pd.Timestamp):
        return iso(value)
    return None if pd.isna(value) else value


def _difference(recorded: Any, replayed: Any, place: str = "") -> str:
    """Name the first place at which two records differ."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for key in recorded | replayed:
            if _text(recorded.get(key)) != _text(replayed.get(key)):
                return _difference(recorded.get(key), replayed.get(key), f"{place} {key}".strip())
    if isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        for number, (one, other) in enumerate(zip(recorded, replayed, strict=True), start=1):
            if _text(one) != _text(other):
                return _difference(one, other, f"{place} {number}")
    return f"{place} was {_short(recorded)} and is {_short(replayed)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
