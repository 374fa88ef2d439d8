"""A recorded account kept a second time by the oracle, as tables of the same columns."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY, epoch_ns
from cryptobt.jobs.audits.oracle_tables import OracleTables
from cryptobt.jobs.audits.recorded_account import RecordedAccount
from cryptobt.oracle.records import Bar, Recorded, Request, Terms
from cryptobt.oracle.replay import Replay

_HOUR = pd.Timedelta(hours=1).value
_TERMS = {
    "account": ("cash_quote", "initial_margin", "maintenance_margin"),
    "costs": ("fee_bps", "slippage_bps", "funding_bps_per_day", "borrow_bps_per_day"),
    "sizing": (
        "lot_step", "min_notional_quote", "gap_reserve", "rebalance_band", "max_weight",
        "max_gross", "allow_short",
    ),
    "paper": ("decision_deadline_hours",),
}  # fmt: skip
"""Settings that an account depends on."""


@dataclass(frozen=True)
class RecomputedAccount:
    """What the oracle makes of the orders of a run.

    Attributes
    ----------
    tables : dict
        See :class:`~cryptobt.jobs.audits.oracle_tables.OracleTables`.
    """

    replay: Replay
    tables: dict[str, pd.DataFrame]


def recompute(account: RecordedAccount) -> RecomputedAccount:
    """Keep the account again from bars, settings and orders alone.

    An order at a time at which the run has no bar is left out.
    """
    conversion = _Conversion(account)
    replay = Replay(
        conversion.markets(),
        terms_of(account.settings, account.interval),
        conversion.delays(),
        conversion.orders(),
        conversion.targets(),
        account.start,
    ).repeat()
    return RecomputedAccount(replay, OracleTables(account, replay).all())


def terms_of(settings: Settings, interval: pd.Timedelta) -> Terms:
    """Give the settings that an account depends on to the oracle."""
    chosen = {
        name: getattr(getattr(settings, section), name)
        for section, names in _TERMS.items()
        for name in names
    }
    return Terms(**chosen, interval_days=interval / DAY)


@dataclass(frozen=True)
class _Conversion:
    """From frames and instants to the oracle's numbers."""

    account: RecordedAccount

    def slots(self, times: pd.DatetimeIndex) -> list[float]:
        """Intervals since the first bar; exact for bars on one grid."""
        since = epoch_ns(times) - epoch_ns(self.account.times)[0]
        length = self.account.interval.value
        whole, rest = np.divmod(since, length)
        return [int(n) if not r else n + r / length for n, r in zip(whole, rest, strict=True)]

    def markets(self) -> list[list[Bar]]:
        prices = ("open", "high", "low", "close")
        return [
            [
                Bar(*row)
                for row in zip(
                    self.slots(market.times),
                    *(market.bars[name].tolist() for name in prices),
                    strict=True,
                )
            ]
            for market in self.account.markets
        ]

    def delays(self) -> dict[float, float]:
        """Hours from closes to decisions, of the bars that sent an order."""
        orders = self.account.tables["orders"]
        decided = orders[orders["decided_at"].notna()]
        closes = decided["time"] + self.account.interval
        waited = epoch_ns(pd.DatetimeIndex(decided["decided_at"])) - epoch_ns(
            pd.DatetimeIndex(closes)
        )
        slots = self.slots(pd.DatetimeIndex(decided["time"]))
        return {slot: wait / _HOUR for slot, wait in zip(slots, waited, strict=True)}

    def orders(self) -> dict[int, list[Recorded]]:
        table = self.account.tables["orders"]
        numbers = self.account.numbers(table["time"])
        filled = self._filled()
        valid = table["valid_until"].notna().to_numpy()
        ends = iter(self.slots(pd.DatetimeIndex(table["valid_until"][valid])))
        sent: dict[int, list[Recorded]] = defaultdict(list)
        rows = table.to_dict("records")
        for row, number, limited in zip(rows, numbers.tolist(), valid, strict=True):
            end = next(ends) if limited else None
            if number >= 0:
                sent[number].append(self._order(row, number, end, filled.get(row["order_id"])))
        return sent

    def _order(
        self, row: Mapping[Any, Any], number: int, end: float | None, filled: int | None
    ) -> Recorded:
        symbol = [market.symbol for market in self.account.markets].index(row["symbol"])
        request = Request(
            row["side"], _some(row["quantity_base"]), row["exec_type"],
            _some(row["limit_price_quote"]), _some(row["stop_price_quote"]), symbol=symbol,
        )  # fmt: skip
        target = _some(row["target_weight"])
        return Recorded(
            row["order_id"], number, request, end, target, row["status"], row["reason"], filled
        )

    def _filled(self) -> dict[int, int]:
        fills = self.account.tables["fills"]
        numbers = self.account.numbers(fills["time"])
        return dict(zip(fills["order_id"].tolist(), numbers.tolist(), strict=True))

    def targets(self) -> dict[int, list[float | None]]:
        """Target weights of each time that has one."""
        table = self.account.tables["weights"]
        table = table[table["target_weight"].notna()]
        numbers = self.account.numbers(table["time"]).tolist()
        place = {market.symbol: at for at, market in enumerate(self.account.markets)}
        found: dict[int, list[float | None]] = {}
        for number, symbol, target in zip(
            numbers, table["symbol"], table["target_weight"].tolist(), strict=True
        ):
            found.setdefault(number, [None] * len(place))[place[symbol]] = target
        return found


def _some(value: float) -> float | None:
    return None if value != value else value  # NaN
