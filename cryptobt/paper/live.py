"""The record of a paper account as its page shows it, beside the backtest of the time before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import TIME
from cryptobt.core.time import DAY, bars_per_year, iso
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.rows import Row
from cryptobt.metrics.stretches import growth_range, stretch_ranges
from cryptobt.paper.facts import Quote, Rewritten
from cryptobt.paper.standing import Standing
from cryptobt.reports.live_record import LiveFill, LiveNight, LiveRecord, LiveRewrite


@dataclass(frozen=True)
class Before:
    """The backtest of the time before the first night.

    Attributes
    ----------
    markets : list of MarketData
        Bars up to that of the first night.
    result : BacktestResult or None
        Its account; None where it cannot be made, and ``reason`` says why.
    """

    markets: list[MarketData]
    forecasts: Forecasts | None
    result: BacktestResult | None
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """The nights of an account, to be drawn and measured.

    Attributes
    ----------
    absent : sequence of (Timestamp, str)
        Nights that did without a symbol.
    """

    standing: Standing
    before: Before
    absent: Sequence[tuple[pd.Timestamp, str]]
    rewrites: Sequence[Rewritten]

    @cached_property
    def live(self) -> LiveRecord:
        """What the page shows of it."""
        standing, result = self.standing, self.before.result
        bars, level = len(standing.replay.result.times) - 1, self._level
        expected = np.empty((0, 2))
        if result is not None:
            expected = growth_range(result.returns.to_numpy()[1:], bars, level)
        return LiveRecord(
            name=standing.name,
            deadline_hours=standing.account.settings.paper.decision_deadline_hours,
            nights=tuple(self._nights()),
            without=tuple(self._without()),
            fills=tuple(self._fills()),
            absent=tuple(self.absent),
            rewrites=tuple(_rewrite(one) for one in self.rewrites),
            before=result,
            expected=expected,
        )

    def document(self) -> dict[str, Any]:
        """Give the part ``live`` of ``metrics.json``."""
        nights = self.live.nights
        return {
            "account": self.live.name,
            "nights": len(nights),
            "first": iso(nights[0].bar_at),
            "last": iso(nights[-1].bar_at),
            "on_time": sum(not night.late for night in nights),
            "late": sum(night.late for night in nights),
            "missed": sum(night.missed for night in nights),
            "simulated": sum(night.simulated for night in nights),
            "days_without_a_bar": [iso(day) for day in self.live.without],
            "absent": len(self.absent),
            "rewritten": len(self.rewrites),
            "shortfall_bps": self._shortfall(),
            "before": self._measured_before(),
        }

    @property
    def _level(self) -> float:
        return self.standing.account.settings.metrics.confidence

    def _nights(self) -> list[LiveNight]:
        return [
            LiveNight(
                night.bar_at,
                night.decided_at,
                late=self.standing.late(night),
                missed=night.decided_at >= night.bar_at + 2 * DAY,
                simulated=night.simulated,
            )
            for night in self.standing.nights
        ]

    def _without(self) -> list[pd.Timestamp]:
        had = pd.DatetimeIndex([night.bar_at for night in self.standing.nights])
        return list(pd.date_range(had[0], had[-1], freq=DAY).difference(had))

    def _fills(self) -> list[LiveFill]:
        result = self.standing.replay.result
        decided = result.orders.set_index("order_id")[TIME]
        quotes = {(bar, quote.symbol): quote for bar, quote in self.standing.quotes}
        return [
            _fill(fill, night := decided[fill["order_id"]], quotes.get((night, fill["symbol"])))
            for fill in result.fills.to_dict("records")
        ]

    def _shortfall(self) -> dict[str, Any]:
        every = [fill.shortfall_bps for fill in self.live.fills]
        known = [value for value in every if value is not None]
        mean = float(np.mean(known)) if known else None
        return {"mean": mean, "quoted": len(known), "of": len(every)}

    def _measured_before(self) -> dict[str, Any]:
        result, settings = self.before.result, self.standing.account.settings
        if result is None:
            return {"reason": self.before.reason}
        row = Row(result, self.standing.account.trader.forecaster)
        measures = Measures(self.before.markets, self.before.forecasts, {"strategy": row}, settings)
        ranges = stretch_ranges(
            result.returns.to_numpy()[1:],
            len(self.standing.replay.result.times) - 1,
            bars_per_year(DAY),
            settings.metrics.risk_free,
            self._level,
        )
        return {
            "reason": "",
            "first": iso(result.times[0]),
            "last": iso(result.times[-1]),
            "performance": measures.performance(row),
            "stretches": {name: metric.to_json() for name, metric in ranges.items()},
        }


def _fill(fill: Mapping[Any, Any], night: pd.Timestamp, quote: Quote | None) -> LiveFill:
    price, side = float(fill["price_quote"]), str(fill["side"])
    return LiveFill(
        night,
        fill[TIME],
        str(fill["symbol"]),
        side,
        float(fill["quantity_base"]),
        price,
        None if quote is None else quote.price,
        None if quote is None else quote.shortfall_bps(side, price),
        bool(fill["late"]),
    )


def _rewrite(one: Rewritten) -> LiveRewrite:
    recorded, told = one.recorded.get("close"), one.told.get("close")
    return LiveRewrite(one.symbol, one.time, recorded, told, one.seen_at)
