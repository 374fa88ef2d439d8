"""Everything that a page shows of an account, as one document read from its ledger."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.errors import LedgerError
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY, iso, iso_column
from cryptobt.forecasters.predictions import quote_unit
from cryptobt.jobs.run_sheet import shown_value
from cryptobt.paper.account import PaperAccount, existing_ledger, read_account
from cryptobt.paper.accounts import standing_in, standing_of
from cryptobt.paper.digest import digest, order_line
from cryptobt.paper.earlier import standing_after
from cryptobt.paper.facts import Night
from cryptobt.paper.ledger import open_ledger
from cryptobt.paper.replay import plain
from cryptobt.paper.standing import Standing

NIGHTS = 30
"""Newest nights that are listed."""
DIGESTS = 7
"""Newest nights whose digest is told."""
_SPARK = 60


def account_sheet(name: str) -> dict[str, Any]:
    """Read an account, replay it, and give all that there is to see of it.

    No clock is in it: what was decided is told as of its decision, and ``overdue_from`` is the
    instant from which a night is missing. So equal ledgers give equal documents.

    Returns
    -------
    dict
        ``state`` is ``ready``, ``empty`` (no night yet) or ``failed``, with the ``problem``; then
        ``fault`` is ``damaged`` (the file is not whole) or ``mismatch`` (it does not replay).

    Raises
    ------
    UsageError
        If there is no such account.
    CannotWriteError, LockHeldError
        If the ledger cannot be read now.
    """
    path = existing_ledger(name)
    account: PaperAccount | None = None
    fault = "damaged"
    try:
        with open_ledger(path, read_only=True) as ledger:
            fault = "mismatch"
            account = read_account(ledger)
            if not ledger.nights():
                return _opened(account) | {"state": "empty"}
            # ages are counted by who shows them
            standing = standing_in(name, ledger, pd.Timestamp.now("UTC"))
        return _opened(account) | _Sheet(standing).document()
    except LedgerError as error:
        told = {"account": name} if account is None else _opened(account)
        return told | {"state": "failed", "problem": str(error), "fault": fault}


def earlier_digests(name: str) -> dict[str, list[str]]:
    """Tell what was told of the nights before the newest, by bar: each is a replay of its own.

    Raises
    ------
    UsageError, LedgerError, CannotWriteError, LockHeldError
        As :func:`cryptobt.paper.accounts.standing_of`.
    """
    standing = standing_of(name, pd.Timestamp.now("UTC"))
    nights = standing.nights[-DIGESTS:-1]
    return {iso(night.bar_at): digest(standing_after(standing, night)) for night in nights}


def _opened(account: PaperAccount) -> dict[str, Any]:
    """What is known of an account before its first night."""
    settings = account.settings
    return {
        "account": account.name,
        "opened_at": iso(account.created_at),
        "strategy": account.trader.spec.name,
        "forecaster": account.trader.forecaster,
        "symbols": list(account.symbols),
        "source": settings.data.source,
        "unit": quote_unit(account.symbols[0]),
        "began_with_quote": settings.account.cash_quote,
        "deadline_hours": settings.paper.decision_deadline_hours,
        "simulated_market": settings.data.source == "sample",
        "settings": chosen(settings),
    }


def chosen(settings: Settings) -> list[dict[str, str]]:
    """Settings that are not the defaults, by key; of files their names alone.

    Secrets are never among settings.
    """
    usual = Settings().model_dump(mode="json")
    return [
        {"key": f"{section}.{key}", "value": shown_value(value)}
        for section, values in settings.model_dump(mode="json", exclude={"run"}).items()
        for key, value in values.items()
        if value != usual[section][key]
    ]


@dataclass(frozen=True)
class _Sheet:
    standing: Standing

    def document(self) -> dict[str, Any]:
        standing = self.standing
        deadline = pd.Timedelta(hours=standing.account.settings.paper.decision_deadline_hours)
        told = standing.to_json()
        own = {key: told[key] for key in _TOLD}
        orders = [order | {"text": order_line(order, told["bar"])} for order in told["orders"]]
        # a night is missing once the next bar has been over for longer than the deadline
        overdue_from = standing.night.bar_at + 2 * DAY + deadline
        return own | {
            "state": "ready",
            "nights": len(standing.nights),
            "overdue_from": iso(overdue_from),
            "closed_at": iso(standing.night.bar_at + DAY),
            "trained_until": self._trained_until(),
            "positions": [self._position(symbol) for symbol in told["symbols"]],
            "orders": orders,
            "digest": digest(replace(standing, now=standing.night.decided_at)),
            "nights_list": self._nights(),
            "series": self._series(),
            "spark": [float(value) for value in self._equity[-_SPARK:]],
        }

    @property
    def _equity(self) -> pd.Series:
        return self.standing.replay.result.equity["equity_quote"]

    def _trained_until(self) -> str | None:
        """Close of the newest bar that the oldest model of the night learnt from."""
        frame = self.standing.replay.forecasts.frame
        rows = frame[frame[TIME] == self.standing.night.bar_at]
        return None if rows.empty else iso(rows["trained_until"].min())

    def _position(self, symbol: Mapping[str, Any]) -> dict[str, Any]:
        weights = self.standing.replay.result.weights
        rows = weights[weights["symbol"] == symbol["symbol"]]
        held = None if rows.empty else plain(rows.iloc[-1]["quantity_base"])
        value = None if held is None else held * symbol["close"]
        own = {"unit": quote_unit(symbol["symbol"]), "quantity_base": held, "value_quote": value}
        return {**symbol, **own}

    def _nights(self) -> list[dict[str, Any]]:
        equity = [json.loads(one.record)["equity"]["equity_quote"] for one in self.standing.nights]
        begin = self.standing.account.settings.account.cash_quote
        before = [begin, *equity[:-1]]
        rows = list(zip(self.standing.nights, equity, before, strict=True))
        return [self._night(*row) for row in reversed(rows[-NIGHTS:])]

    def _night(self, night: Night, equity: float, before: float) -> dict[str, Any]:
        record = json.loads(night.record)
        return {
            "bar": iso(night.bar_at),
            "decided_at": iso(night.decided_at),
            "late": self.standing.late(night),
            "simulated": night.simulated,
            "equity_quote": equity,
            "return": equity / before - 1 if before > 0 else None,
            "orders": len(record["orders"]),
            "fills": len(record["fills"]),
            "warnings": list(night.warnings),
        }

    def _series(self) -> dict[str, list[Any]]:
        result, hold = self.standing.replay.result, self.standing.replay.hold
        held = hold.equity.set_index(TIME)["equity_quote"].reindex(result.equity[TIME])
        by_bar = {night.bar_at: night for night in self.standing.nights}
        nights = [by_bar.get(time) for time in result.equity[TIME]]
        return {
            "time": iso_column(result.equity[TIME]).tolist(),
            "equity_quote": result.equity["equity_quote"].tolist(),
            "buy_and_hold_quote": [plain(value) for value in held.tolist()],
            "drawdown": result.equity["drawdown"].tolist(),
            "late": [night is not None and self.standing.late(night) for night in nights],
            "simulated": [night is not None and night.simulated for night in nights],
        }


_TOLD = (
    "first", "bar", "decided_at", "late", "simulated", "equity_quote", "cash_quote", "return",
    "drawdown", "buy_and_hold_quote", "minus_buy_and_hold", "fills", "warnings",
)  # fmt: skip
