"""A finished comparison of forecasters as a document and as what its page is made from."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import Explanation, Forecasts, MarketData
from cryptobt.forecasters.opinions import are_log_odds
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.jobs.assumptions import describe, repeat_command
from cryptobt.jobs.manifest import settings_key
from cryptobt.jobs.side_by_side import SideBySide, measure
from cryptobt.jobs.symbols import quarantined, title_of
from cryptobt.reports.evaluation_findings import evaluation_findings
from cryptobt.reports.evaluation_sheet import EvaluationSheet
from cryptobt.strategies.registry import SCORE_SIGNAL

SCHEMA = 1
PREDICTIONS = (
    "time", "symbol", "model_id", "horizon_bars", "last_close", "actual", "predicted", "error",
    "pct_error", "unit", "forecaster", "call",
)  # fmt: skip
_TOLD = ("Data", "Decisions", "Refits", "Seeds", "Versions")
_UNSHOWN = {"run", "paper", "strategy", "sizing", "costs", "account", "trials"}


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation came to.

    Attributes
    ----------
    names : tuple of str
        Forecasters in the order in which they are shown.
    missing_columns : tuple of str
        Features left out because the data lack what they are made from.
    warnings : tuple of str
        What was said on the way.
    """

    settings: Settings
    markets: Sequence[MarketData]
    side: SideBySide
    names: tuple[str, ...]
    missing_columns: tuple[str, ...]
    warnings: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Build the whole of ``evaluation.json``."""
        frame, chosen = self.side.frame, self.settings.forecaster
        symbols, units = list(frame["symbol"].unique()), list(frame["unit"].unique())
        document = {
            "schema": SCHEMA,
            "simulated": any(market.simulated for market in self.markets),
            "symbols": [m.symbol for m in self.markets if m.symbol in symbols],
            "interval": interval_label(self.markets[0].interval),
            "first": iso(frame["time"].min()),
            "last": iso(frame["time"].max()),
            "bars": sum(len(market.bars) for market in self.markets),
            "decisions": int(frame["time"].nunique()),
            "target": chosen.target,
            "log_odds": are_log_odds(chosen.target, self.settings.training.losses),
            "horizons": list(chosen.horizons),
            "unit": units[0] if len(symbols) == 1 else None,
            "level": self.settings.metrics.confidence,
            "forecasters": self._forecasters(),
        }
        found = [finding.text for finding in evaluation_findings(document)]
        return document | {"findings": found, "data": self._data()}

    def sheet(self, document: dict[str, Any]) -> EvaluationSheet:
        """Gather what the page is made from."""
        return EvaluationSheet(
            f"{title_of(self.markets)}, {document['interval']}",
            document,
            self.side.frame,
            self.side.explanations,
            self._assumptions(),
            _as_toml(self.settings),
            self._command(),
        )

    def _forecasters(self) -> dict[str, Any]:
        measured = measure(self.side.frame, self.settings)
        return {
            name: {
                "summary": find_forecaster(name).summary,
                "kind": find_forecaster(name).kind,
                "parameters": self.side.costs[name].parameters,
                "epochs": _epochs(name, self.side.explanations),
                "horizons": measured[name],
            }
            for name in self.names
        }

    def _data(self) -> dict[str, Any]:
        return {
            "gaps": sum(market.quality.gaps for market in self.markets),
            "quarantined": quarantined(self.markets),
            "missing_columns": list(self.missing_columns),
            "warnings": list(self.warnings),
        }

    def _trader(self) -> Trader:
        """Nothing is traded: what stands for a strategy says which forecaster is described."""
        nets = [name for name in self.names if find_forecaster(name).kind == "net"]
        return Trader(SCORE_SIGNAL, {}, nets[0] if nets else None)

    def _assumptions(self) -> tuple[tuple[str, str], ...]:
        forecasts = Forecasts(self.side.forecasts)
        said = describe(self.settings, self.markets, forecasts, self._trader())
        return tuple((label, text) for label, text in said if label in _TOLD)

    def _command(self) -> str:
        key = settings_key(self.settings, SCORE_SIGNAL)
        words = repeat_command(self.settings, self.markets, self._trader(), key)
        rest = words.partition(f"--strategy {SCORE_SIGNAL.name}")[2]
        named = ",".join(_typed(name) for name in self.names)
        return f"cryptobt evaluate --forecasters {shlex.quote(named)}{rest}"


def _typed(name: str) -> str:
    """How a forecaster is named on the command line, without the folder that its file lies in."""
    reference = find_forecaster(name).reference
    return Path(reference).name if reference else name


def _epochs(
    name: str, explanations: Mapping[tuple[str, str], Explanation]
) -> dict[str, float | int] | None:
    """Epochs until a fit stopped, over all folds, seeds and symbols; None without epochs."""
    frames = [
        frame
        for (forecaster, _), explanation in explanations.items()
        if forecaster == name
        for frame in explanation.losses.values()
    ]
    lasts = [frame.groupby("seed")["epoch"].max() for frame in frames if len(frame)]
    if not lasts:
        return None
    every = pd.concat(lasts)
    return {"mean": float(every.mean()), "most": int(every.max()), "fits": len(every)}


def _as_toml(settings: Settings) -> str:
    """Write the settings that shape forecasts and their measures, one line a section."""
    chosen = settings.model_dump(mode="json", exclude=_UNSHOWN)
    lines = [
        f"{section}.{key} = {value!r}"
        for section, values in chosen.items()
        for key, value in values.items()
        if section != "data" or key in ("start", "end", "interval", "resample", "on_bad_row")
    ]
    return "\n".join(lines)
