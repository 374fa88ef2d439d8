"""What comes after the last bar of each symbol, as one document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import CLOSE, TIME
from cryptobt.core.time import DAY, interval_label, iso
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.forecasters.calibration import NEED
from cryptobt.forecasters.predictions import quote_unit

SCHEMA = 1
NO_ROW = "its window holds a gap, a missing value or warm-up"
_NEVER = "none could be made, as the warnings say"
NOT_CALIBRATED = f"fewer than {NEED} of its past forecasts have a known outcome"
_NUMBERS = ("score", "mean", "p_up", "q05", "q50", "q95")


@dataclass(frozen=True)
class Outlook:
    """Bars, forecasts and the account at the last bar.

    Attributes
    ----------
    frame : DataFrame or None
        Forecasts of every forecaster, columns as in ``forecasts.csv``; None where none was made.
    shown : tuple of str
        Forecasters to tell of: the strategy's, and ``trend_only``.
    account : BacktestResult
        Of the strategy, traded up to the last bar.
    cash_quote : float
        What the account began with.
    now : Timestamp
        What ages are counted to.
    """

    markets: Sequence[MarketData]
    frame: pd.DataFrame | None
    shown: tuple[str, ...]
    trader: Trader
    account: BacktestResult
    cash_quote: float
    now: pd.Timestamp

    def document(self, warnings: Sequence[str]) -> dict[str, Any]:
        """Give it as one document; what is absent is None, with a ``reason``."""
        return {
            "schema": SCHEMA,
            "asked_at": iso(self.now),
            "strategy": self.trader.spec.name,
            "forecaster": self.trader.forecaster,
            "simulated": any(market.simulated for market in self.markets),
            "interval": interval_label(self.markets[0].interval),
            "symbols": [self._symbol(market) for market in self.markets],
            "pending_orders": [_plain(order) for order in self.account.pending],
            "account": self._money(),
            "warnings": list(warnings),
        }

    def _symbol(self, market: MarketData) -> dict[str, Any]:
        last, close = market.times[-1], float(market.bars[CLOSE].iloc[-1])
        weights = self.account.weights
        held = weights[weights["symbol"] == market.symbol].iloc[-1]
        forecasts = [
            forecast for name in self.shown for forecast in self._forecasts(market, name, close)
        ]
        return {
            "symbol": market.symbol,
            "source": market.source,
            "last_bar": iso(last),
            "closed_at": iso(last + market.interval),
            "close": close,
            "unit": quote_unit(market.symbol),
            "data_age_hours": _age(self.now, last + market.interval, pd.Timedelta(hours=1)),
            "stale": bool(last < self.account.times[-1]),
            **_plain(held[["weight", "target_weight", "quantity_base"]].to_dict()),
            "forecasts": forecasts,
        }

    def _forecasts(self, market: MarketData, name: str, close: float) -> list[dict[str, Any]]:
        """One forecaster's forecasts at the last bar, from the nearest horizon on."""
        if self.frame is None:
            return [{"forecaster": name, "reason": _NEVER}]
        own = self.frame[
            (self.frame["symbol"] == market.symbol) & (self.frame["forecaster"] == name)
        ]
        rows = own[own[TIME] == market.times[-1]].sort_values("horizon_bars")
        if rows.empty:
            return [{"forecaster": name, "reason": NO_ROW if len(own) else _NEVER}]
        return [self._forecast(row, close) for row in rows.to_dict("records")]

    def _forecast(self, row: Mapping[Any, Any], close: float) -> dict[str, Any]:
        numbers = _plain({key: row[key] for key in _NUMBERS})
        prices = {
            f"{key}_price": None
            if (value := numbers[key]) is None
            else close * float(np.exp(value))
            for key in ("mean", "q05", "q95")
        }
        return {
            "forecaster": row["forecaster"],
            "reason": "" if numbers["mean"] is not None else NOT_CALIBRATED,
            "horizon_bars": int(row["horizon_bars"]),
            "target_at": iso(row["target_at"]),
            **numbers,
            **prices,
            "model_id": row["model_id"],
            "trained_until": iso(row["trained_until"]),
            "model_age_days": _age(self.now, row["trained_until"], DAY),
        }

    def _money(self) -> dict[str, Any]:
        equity = self.account.equity
        return {
            "first": iso(equity[TIME].iloc[0]),
            "last": iso(equity[TIME].iloc[-1]),
            "began_with_quote": self.cash_quote,
            "equity_quote": float(equity["equity_quote"].iloc[-1]),
            "cash_quote": float(equity["cash_quote"].iloc[-1]),
        }


def _age(now: pd.Timestamp, since: pd.Timestamp, unit: pd.Timedelta) -> float:
    return round((now - since) / unit, 2)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _value(value) for key, value in row.items()}


def _value(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return iso(value) if isinstance(value, pd.Timestamp) else value
