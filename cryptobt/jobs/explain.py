"""``cryptobt explain``: why a forecaster says what it says, and whether to believe it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.forecasters.registry import ForecasterSpec, find_forecaster
from cryptobt.jobs.events import Events
from cryptobt.jobs.examiner import Examiner
from cryptobt.jobs.explanation import Examined
from cryptobt.jobs.explanation_tables import (
    ATTENTION,
    attention_frame,
    gates_frame,
    importance_frame,
    lags_frame,
)
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.run_files import json_text
from cryptobt.jobs.run_folder import check_folders, write_run_folder
from cryptobt.jobs.symbols import name_of
from cryptobt.records.runs import csv_text
from cryptobt.reports.explanation_page import render_explanation
from cryptobt.reports.explanation_terminal import explanation_summary
from cryptobt.strategies.registry import find_strategy

SCHEMA = 1
DEFAULT = "dual_attention"
_OF_A_TRADE = {"forecasts_hash", "strategy", "trials"}


@dataclass(frozen=True)
class ExplainReport:
    """What an explanation left behind.

    Attributes
    ----------
    folder : Path
        The run folder.
    explanation : dict
        The ``explanation.json`` document.
    """

    folder: Path
    explanation: dict[str, Any]

    def summary(self) -> str:
        """Sum it up for a terminal."""
        page = self.folder / "explanation.html"
        return explanation_summary(self.explanation, run_folder=str(self.folder), page=str(page))


def explain(
    settings: Settings, now: pd.Timestamp, events: Events, command: str = ""
) -> ExplainReport:
    """Fit or recall the folds, examine them out of sample, and write the run folder.

    Parameters
    ----------
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    events : Events
        Told of warnings and progress.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    UsageError
        If the forecaster is unknown, or a rule: it learns nothing.
    DataInvalidError
        If there are too few rows, or no forecast has a known outcome.
    """
    spec = _learner(settings.forecaster.name or DEFAULT)
    check_folders(Path(settings.run.out))
    for way in paper_ways(settings):
        events.warn(way)
    began = time.perf_counter()
    events.step("loading data")
    markets = load_bars(settings.data, now, events)
    extras = load_beside(settings.data, markets, now, events)
    examiner = Examiner(spec, markets, extras, settings, events)
    examined = examiner.examine_all()
    document = _document(spec, markets, examined, settings)
    events.step("drawing")
    files = _files(document, examined)
    spent = {**examiner.spent, "all": round(time.perf_counter() - began, 3)}
    folder = write_run_folder(
        f"explain-{name_of(markets)}",
        files,
        _manifest(spec, settings, markets, extras),
        settings,
        markets,
        now,
        command,
        {"timings_s": spent},
    )
    return ExplainReport(folder, document)


def _learner(name: str) -> ForecasterSpec:
    spec = find_forecaster(name)
    if not spec.trained:
        raise UsageError(
            f"forecaster '{name}' is a rule and learns nothing that could be explained: "
            f"{spec.summary}; name a trained one, such as {DEFAULT} or linear"
        )
    return spec


def _document(
    spec: ForecasterSpec,
    markets: Sequence[MarketData],
    examined: Mapping[str, Examined],
    settings: Settings,
) -> dict[str, Any]:
    chosen = settings.forecaster
    return {
        "schema": SCHEMA,
        "forecaster": spec.name,
        "target": chosen.target,
        "target_units": {symbol: one.unit for symbol, one in examined.items()},
        "simulated": any(market.simulated for market in markets),
        "symbols": list(examined),
        "interval": interval_label(markets[0].interval),
        "window_bars": chosen.window_bars,
        "level": settings.metrics.confidence,
        "warnings": paper_ways(settings),
        "explained": {symbol: one.document() for symbol, one in examined.items()},
    }


def _files(document: dict[str, Any], examined: Mapping[str, Examined]) -> dict[str, str]:
    shown = {symbol: one.shown for symbol, one in examined.items() if one.shown is not None}
    frames = {
        "importance.csv": importance_frame(document["explained"]),
        "lags.csv": lags_frame(document["explained"]),
        "gates.csv": _by_time([gates_frame(symbol, one.shown) for symbol, one in examined.items()]),
        "attention.csv": _by_time(
            [attention_frame(symbol, one.shown) for symbol, one in examined.items()]
        ),
    }
    texts = {name: csv_text(frame) for name, frame in frames.items()}
    texts["explanation.json"] = json_text(document)
    texts["explanation.html"] = render_explanation(document, shown)
    return texts


def _by_time(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return frames[0]
    order = [name for name in ATTENTION[:3] if name in filled[0]]
    return pd.concat(filled).sort_values(order, kind="stable", ignore_index=True)


def _manifest(
    spec: ForecasterSpec,
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
) -> dict[str, Any]:
    strategy = find_strategy(settings.strategy.name)
    whole = manifest(settings, markets, extras, strategy, "")
    kept = {key: value for key, value in whole.items() if key not in _OF_A_TRADE}
    return kept | {"forecaster": {"name": spec.name, "file_hash": spec.file_hash or None}}
