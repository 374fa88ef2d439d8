"""What is audited: a pipeline and its data, loaded once and described as every audit does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.jobs.audits.report import SCHEMA, AuditReport, write_audit
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.run_folder import Steps, check_folders
from cryptobt.jobs.symbols import name_of
from cryptobt.jobs.trader import trader_of


@dataclass(frozen=True)
class Audited:
    """A pipeline and the data that it is for.

    Attributes
    ----------
    said : list of str
        Warnings, as they come.
    events : Events
        Keeps its warnings in ``said``; steps begin by ``steps``.
    """

    settings: Settings
    trader: Trader
    markets: Sequence[MarketData]
    extras: Mapping[str, Sequence[ExtraSeries]]
    steps: Steps
    said: list[str]
    events: Events

    def common(self, audit: str, headline: str, said: Sequence[str] = ()) -> dict[str, Any]:
        """Everything of the document that all audits which measure have in common.

        Parameters
        ----------
        said : sequence of str
            Warnings of the audit itself, after those of the data.
        """
        markets = self.markets
        return {
            "schema": SCHEMA,
            "audit": audit,
            "strategy": self.trader.spec.name,
            "forecaster": self.trader.forecaster,
            "features": self.settings.features.set,
            "symbols": [market.symbol for market in markets],
            "interval": interval_label(markets[0].interval),
            "first": iso(min(market.times[0] for market in markets)),
            "last": iso(max(market.times[-1] for market in markets)),
            "bars": sum(len(market.bars) for market in markets),
            "simulated": any(market.simulated for market in markets),
            "outcome": "measured",
            "headline": headline,
            "warnings": [*self.said, *said],
        }

    def written(self, document: dict[str, Any], now: pd.Timestamp, command: str) -> AuditReport:
        """Write the run folder."""
        label = f"audit-{document['audit']}-{name_of(self.markets)}"
        return write_audit(
            document, label, self.settings, self.markets, self.extras, now, command, self.steps
        )


def load_audited(settings: Settings, now: pd.Timestamp, events: Events) -> Audited:
    """Check a pipeline, load its data, and compute its features once to see that they can be.

    Parameters
    ----------
    now : Timestamp
        Aware; bars that are not complete by then are left out.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    trader = trader_of(settings)
    check_folders(Path(settings.run.out))
    steps, said = Steps(events.step), list[str]()
    told = replace(events.noting(said), step=steps.begin)
    for way in paper_ways(settings):
        told.warn(way)
    steps.begin("loading data")
    markets = load_bars(settings.data, now, told)
    extras = load_beside(settings.data, markets, now, told)
    steps.begin("computing features")
    Forecasting(markets, extras, trader, settings, told).features()
    return Audited(settings, trader, markets, extras, steps, said, told)
