"""How an account stands after a night: what a person reads once a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cryptobt.backtests.run import is_late
from cryptobt.core.columns import TIME
from cryptobt.core.time import DAY, iso
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.due import newest_bar
from cryptobt.paper.facts import Night, Quote
from cryptobt.paper.ledger import Ledger
from cryptobt.paper.replay import ORDER, Replay, plain


@dataclass(frozen=True)
class Standing:
    """An account after its newest night.

    Attributes
    ----------
    nights : sequence of Night
        At least one, oldest first.
    quotes : sequence of (Timestamp, Quote)
        Every quote with its night.
    now : Timestamp
        What ages are counted to.
    """

    account: PaperAccount
    replay: Replay
    nights: Sequence[Night]
    quotes: Sequence[tuple[pd.Timestamp, Quote]]
    now: pd.Timestamp

    @property
    def name(self) -> str:
        """Name of the account."""
        return self.account.name

    @property
    def night(self) -> Night:
        """The newest night."""
        return self.nights[-1]

    @property
    def first(self) -> pd.Timestamp:
        """The bar of the first night."""
        return self.nights[0].bar_at

    @property
    def overdue(self) -> bool:
        """Whether a bar has been over for longer than the deadline and is not decided."""
        hours = self.account.settings.paper.decision_deadline_hours
        return newest_bar(self.now - pd.Timedelta(hours=hours)) > self.night.bar_at

    def late(self, night: Night) -> bool:
        """Whether a night was decided after the deadline."""
        return is_late(night.bar_at, night.decided_at, DAY, self.account.settings)

    @cached_property
    def money(self) -> dict[str, Any]:
        """Equity, drawdown and the difference to buy-and-hold, at the close of the night."""
        ours, hold = self.replay.result.equity, self.replay.hold.equity
        begin, equity = (
            self.account.settings.account.cash_quote,
            float(ours["equity_quote"].iloc[-1]),
        )
        held = float(hold["equity_quote"].iloc[-1])
        return {
            "equity_quote": equity,
            "cash_quote": float(ours["cash_quote"].iloc[-1]),
            "return": equity / begin - 1,
            "drawdown": float(ours["drawdown"].iloc[-1]),
            "buy_and_hold_quote": held,
            "minus_buy_and_hold": (equity - held) / begin,
        }

    def symbols(self) -> list[dict[str, Any]]:
        """Price, forecast, and weight of each symbol."""
        return [self._symbol(market) for market in self.replay.markets]

    def orders(self) -> list[dict[str, Any]]:
        """Orders that wait for the next bars."""
        return [
            {"time": plain(order[TIME])}
            | {key: plain(order[key]) for key in ORDER if order[key] is not None}
            for order in self.replay.result.pending
        ]

    def fills(self) -> list[dict[str, Any]]:
        """Fills of the bars decided last, each with its cost against the quote at its decision."""
        result = self.replay.result
        bars = [one.bar_at for one in self.nights if one.decided_at == self.night.decided_at]
        fills = result.fills[result.fills[TIME].isin(bars)]
        sent = result.orders.set_index("order_id")[TIME]
        return [
            {key: plain(fill[key]) for key in _FILL}
            | {"shortfall_bps": self._shortfall(fill, sent[fill["order_id"]])}
            for fill in fills.to_dict("records")
        ]

    def to_json(self) -> dict[str, Any]:
        """Give everything as one document."""
        night = self.night
        return {
            "account": self.name,
            "strategy": self.account.trader.spec.name,
            "nights": len(self.nights),
            "first": iso(self.nights[0].bar_at),
            "bar": iso(night.bar_at),
            "decided_at": iso(night.decided_at),
            "late": self.late(night),
            "simulated": night.simulated,
            "overdue": self.overdue,
            "data_age_hours": self._data_age(),
            "model_age_days": self._model_age(),
            **self.money,
            "symbols": self.symbols(),
            "orders": self.orders(),
            "fills": self.fills(),
            "warnings": list(night.warnings),
        }

    def _symbol(self, market: MarketData) -> dict[str, Any]:
        symbol, at = market.symbol, self.night.bar_at
        weights = self.replay.result.weights
        here = weights[(weights[TIME] == at) & (weights["symbol"] == symbol)]
        row = here.iloc[-1] if len(here) else None
        quote = next((q for bar, q in self.quotes if bar == at and q.symbol == symbol), None)
        return {
            "symbol": symbol,
            "bar": iso(market.times[-1]),
            "stale": bool(market.times[-1] < at),
            "close": float(market.bars["close"].iloc[-1]),
            "quote": None if quote is None else quote.price,
            "weight": None if row is None else plain(row["weight"]),
            "target_weight": None if row is None else plain(row["target_weight"]),
            "forecast": self._forecast(symbol),
        }

    def _forecast(self, symbol: str) -> dict[str, Any] | None:
        name, made = self.account.trader.forecaster, self.replay.forecasts
        rows = _of(made, name, symbol, self.night.bar_at)
        if rows is None or rows.empty:
            return None
        row = rows.iloc[0]
        return {key: plain(row[key]) for key in ("score", "mean", "p_up", "q05", "q95")}

    def _data_age(self) -> float:
        """Hours since the close of the newest bar; none where the clock was put back."""
        age = (self.now - self.night.bar_at - DAY) / pd.Timedelta(hours=1)
        return round(max(age, 0.0), 2)

    def _model_age(self) -> float | None:
        """Days since the newest bar that the oldest model of the night learnt from."""
        frame = self.replay.forecasts.frame
        rows = frame[frame[TIME] == self.night.bar_at]
        if rows.empty:
            return None
        return round((self.night.bar_at + DAY - rows["trained_until"].min()) / DAY, 2)

    def _shortfall(self, fill: Mapping[Any, Any], night: pd.Timestamp) -> float | None:
        quote = next(
            (q for bar, q in self.quotes if bar == night and q.symbol == fill["symbol"]), None
        )
        return None if quote is None else quote.shortfall_bps(fill["side"], fill["price_quote"])


_FILL = ("time", "symbol", "side", "quantity_base", "price_quote", "fee_quote", "late")


def stand(account: PaperAccount, ledger: Ledger, now: pd.Timestamp) -> Standing:
    """Replay an account from its ledger alone.

    Raises
    ------
    LedgerError
        If the replay is not what was recorded.
    """
    nights = ledger.nights()
    replay = recorded_replay(account, ledger, nights)
    replay.check(nights)
    return Standing(account, replay, nights, ledger.quotes(), now)


def recorded_replay(account: PaperAccount, ledger: Ledger, nights: Sequence[Night]) -> Replay:
    """The account as the ledger's facts give it."""
    simulated = account.settings.data.source == "sample"
    markets = [
        MarketData(symbol, DAY, account.settings.data.source, bars, simulated)
        for symbol in account.symbols
        if len(bars := ledger.bars(symbol, in_time=True))
    ]
    decided_at = {night.bar_at: night.decided_at for night in nights}
    return Replay(account, markets, Forecasts(ledger.forecasts()), decided_at)


def _of(made: Forecasts, name: str | None, symbol: str, at: pd.Timestamp) -> pd.DataFrame | None:
    if name is None or made.frame.empty:
        return None
    rows = made.of(name, symbol)
    return rows[rows.index == at]
