"""The files of a finished run, as text. All but ``run.json`` repeat byte for byte."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import FORECASTS
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.jobs.assumptions import describe, repeat_command
from cryptobt.jobs.manifest import settings_key
from cryptobt.jobs.rows import Row
from cryptobt.jobs.symbols import title_of
from cryptobt.records.runs import csv_text
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet


@dataclass(frozen=True)
class FinishedRun:
    """Everything that a run came to.

    Attributes
    ----------
    live : LiveRecord or None
        The nights of the paper account that it is about.
    """

    settings: Settings
    markets: Sequence[MarketData]
    forecasts: Forecasts | None
    rows: dict[str, Row]
    metrics: dict[str, Any]
    trader: Trader
    live: LiveRecord | None = None

    def files(self, quantstats: Callable[[], str] | None = None) -> dict[str, str]:
        """Write every file of the run but ``run.json``: name to text.

        Parameters
        ----------
        quantstats : callable, optional
            See :func:`~cryptobt.reports.tearsheet.render_tearsheet`.
        """
        ours = self.rows["strategy"].account
        none = pd.DataFrame(columns=list(FORECASTS))
        frames = {
            "forecasts.csv": none if self.forecasts is None else self.forecasts.frame,
            "equity.csv": ours.equity,
            "weights.csv": ours.weights,
            "orders.csv": ours.orders,
            "fills.csv": ours.fills,
            "trades.csv": ours.trades,
        }
        texts = {name: csv_text(frame) for name, frame in frames.items()}
        texts["metrics.json"] = json_text(self.metrics)
        texts["tearsheet.html"] = render_tearsheet(self._sheet(), quantstats)
        return texts

    def _sheet(self) -> Sheet:
        markets, trader = self.markets, self.trader
        interval = markets[0].interval
        title = f"{trader.spec.name} on {title_of(markets)}, {interval_label(interval)}"
        return Sheet(
            title=title if self.live is None else f"Paper account {self.live.name}: {title}",
            simulated=any(market.simulated for market in markets),
            assumptions=self._assumptions(),
            metrics=self.metrics,
            bars={market.symbol: market.bars for market in markets},
            interval=interval,
            forecaster=self.rows["strategy"].forecaster,
            forecasts=self.forecasts,
            results={name: row.result for name, row in self.rows.items() if row.result is not None},
            command=self._command(),
            live=self.live,
        )

    def _assumptions(self) -> tuple[tuple[str, str], ...]:
        said = describe(self.settings, self.markets, self.forecasts, self.trader)
        if self.live is None:
            return said
        timing = (
            f"decided when each night was run: within {self.live.deadline_hours:g} hours of the "
            "bar's close it filled at the next open, later at the first open after the decision; "
            "the rows that it is compared with are all on time"
        )
        return tuple((label, timing if label == "Timing" else text) for label, text in said)

    def _command(self) -> str:
        if self.live is not None:
            return f"cryptobt paper report {self.live.name}"
        key = settings_key(self.settings, self.trader.spec)
        return repeat_command(self.settings, self.markets, self.trader, key)


def json_text(document: Mapping[str, Any]) -> str:
    """Write a JSON document; a number that is not finite is a mistake of ours and raises."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
