"""The files of a finished run, as text. All but ``run.json`` repeat byte for byte."""

import json
from collections.abc import Mapping, Sequence
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
from cryptobt.reports.quantstats_page import QuantstatsProcess
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet


@dataclass(frozen=True)
class FinishedRun:
    """Everything that a run came to."""

    settings: Settings
    markets: Sequence[MarketData]
    forecasts: Forecasts | None
    rows: dict[str, Row]
    metrics: dict[str, Any]
    trader: Trader

    def files(self, quantstats: QuantstatsProcess) -> dict[str, str]:
        """Write every file of the run but ``run.json``: name to text."""
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
        texts["tearsheet.html"] = render_tearsheet(self._sheet(), quantstats.section)
        return texts

    def _sheet(self) -> Sheet:
        markets, trader = self.markets, self.trader
        interval = markets[0].interval
        return Sheet(
            title=f"{trader.spec.name} on {title_of(markets)}, {interval_label(interval)}",
            simulated=any(market.simulated for market in markets),
            assumptions=describe(self.settings, markets, self.forecasts, trader),
            metrics=self.metrics,
            bars={market.symbol: market.bars for market in markets},
            interval=interval,
            forecaster=self.rows["strategy"].forecaster,
            forecasts=self.forecasts,
            results={name: row.result for name, row in self.rows.items() if row.result is not None},
            command=repeat_command(
                self.settings, markets, trader, settings_key(self.settings, trader.spec)
            ),
        )


def json_text(document: Mapping[str, Any]) -> str:
    """Write a JSON document; a number that is not finite is a mistake of ours and raises."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
