"""``cryptobt evaluate``: forecasters side by side, from settings to a run folder with its page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import FORECASTS
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.registry import FORECASTERS, find_forecaster
from cryptobt.jobs.evaluation import PREDICTIONS, Evaluation
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.run_files import json_text
from cryptobt.jobs.run_folder import Steps, check_folders, write_run_folder
from cryptobt.jobs.side_by_side import SideBySide, ask_all
from cryptobt.jobs.symbols import name_of, prefixed
from cryptobt.records.runs import csv_text
from cryptobt.reports.evaluation_page import render_evaluation
from cryptobt.reports.evaluation_terminal import evaluation_summary
from cryptobt.strategies.registry import SCORE_SIGNAL

DEFAULT = (
    "dual_attention", "attention_bilstm", "linear", "gradient_boosting", "persistence", "always_up",
    "last_sign", "momentum", "drift", "trend_only",
)  # fmt: skip
ALWAYS = ("linear", "persistence", "always_up", "last_sign")
"""Stand beside whatever the user names."""


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation left behind.

    Attributes
    ----------
    folder : Path
        The run folder.
    document : dict
        The ``evaluation.json`` document.
    seconds : dict
        Forecaster to the seconds that its fits took when they were made.
    """

    folder: Path
    document: dict[str, Any]
    seconds: dict[str, float]

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / "evaluation.html"

    def summary(self) -> str:
        """Sum it up for a terminal, in fewer than 30 lines."""
        return evaluation_summary(
            self.document, self.seconds, run_folder=str(self.folder), page=str(self.page)
        )


def forecasters_of(named: str | None) -> tuple[str, ...]:
    """Forecasters to compare: those named, separated by commas, and those always beside them.

    Parameters
    ----------
    named : str or None
        None: the default ones; ``all``: every one that comes with cryptobt.

    Raises
    ------
    UsageError
        If one is unknown, with the nearest known name, or none is named.
    """
    if named is None:
        return DEFAULT
    if named.strip() == "all":
        return tuple(FORECASTERS)
    own = [find_forecaster(name.strip()).name for name in named.split(",") if name.strip()]
    if not own:
        raise UsageError(
            f"--forecasters {named!r} names none; expected names separated by commas, such as "
            "gru,linear, or all"
        )
    return tuple(dict.fromkeys([*own, *ALWAYS]))


def with_target(settings: Settings) -> Settings:
    """Forecast next returns unless a target was set: a trend is not what prices are scored on."""
    if "target" in settings.forecaster.model_fields_set:
        return settings
    chosen = settings.forecaster.model_copy(update={"target": "next_return"})
    return settings.model_copy(update={"forecaster": chosen})


def evaluate(
    settings: Settings,
    names: Sequence[str],
    now: pd.Timestamp,
    events: Events,
    command: str = "",
) -> EvaluationReport:
    """Load, ask every forecaster for the same bars, measure, and write the run folder.

    Parameters
    ----------
    names : sequence of str
        Forecasters, see :func:`forecasters_of`.
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    settings = with_target(settings)
    check_folders(Path(settings.run.out))
    steps, said = Steps(events.step), list[str]()
    told = replace(events.noting(said), step=steps.begin)
    for way in paper_ways(settings):
        told.warn(way)
    told.step("loading data")
    markets = load_bars(settings.data, now, told)
    extras = load_beside(settings.data, markets, now, told)
    side, missing = _ask(markets, extras, names, settings, told)
    told.step("measuring")
    made = Evaluation(settings, markets, side, tuple(names), missing, tuple(said))
    document = made.document()
    told.step("drawing the page")
    files = _files(made, document)
    shared = _manifest(made, extras, files["forecasts.csv"])
    spent = {"timings_s": steps.end(), "training_s": _seconds(side)}
    label = f"evaluate-{name_of(markets)}"
    folder = write_run_folder(label, files, shared, settings, markets, now, command, spent)
    return EvaluationReport(folder, document, _seconds(side))


def _ask(
    markets: list[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    names: Sequence[str],
    settings: Settings,
    told: Events,
) -> tuple[SideBySide, tuple[str, ...]]:
    """Compute features and ask every forecaster; also name the columns that the data lack."""
    told.step("computing features")
    trader = Trader(SCORE_SIGNAL, {})
    features = Forecasting(markets, extras, trader, settings, told).features()
    for line in _constant(markets, features):
        told.warn(line)
    side = ask_all(markets, features, names, settings, told)
    _refuse_flat(side)
    lacking = (name for table in features.values() for name in table.missing)
    return side, tuple(dict.fromkeys(lacking))


def _manifest(
    made: Evaluation, extras: Mapping[str, Sequence[ExtraSeries]], forecasts_text: str
) -> dict[str, Any]:
    """What stands in ``run.json`` of every repetition."""
    shared = manifest(made.settings, made.markets, extras, SCORE_SIGNAL, forecasts_text)
    return shared | {"strategy": None, "forecasters": [_code(name) for name in made.names]}


def _files(made: Evaluation, document: dict[str, Any]) -> dict[str, str]:
    """Every file but ``run.json``: name to text. They repeat byte for byte."""
    side = made.side
    return {
        "predictions.csv": csv_text(side.frame[list(PREDICTIONS)]),
        "forecasts.csv": csv_text(side.forecasts[list(FORECASTS)]),
        "evaluation.json": json_text(document),
        "evaluation.html": render_evaluation(made.sheet(document)),
    }


def _code(name: str) -> dict[str, str | None]:
    return {"name": name, "file_hash": find_forecaster(name).file_hash or None}


def _constant(markets: Sequence[MarketData], features: Mapping[str, FeatureTable]) -> Iterator[str]:
    """Say which features never vary: nothing can be learnt from them."""
    for market in markets:
        frame = features[market.symbol].frame
        same = [str(name) for name in frame.columns[frame.min() == frame.max()]]
        if same:
            line = f"nothing to learn from features that never vary: {', '.join(same)}"
            yield prefixed(markets, market.symbol, line)


def _refuse_flat(side: SideBySide) -> None:
    """Refuse prices that never move while they are forecast: no number would mean anything."""
    moves = side.frame.groupby("symbol")["actual_return"].agg(lambda one: one.abs().max())
    for symbol, largest in moves.items():
        if not largest > 0:
            raise DataInvalidError(
                f"{symbol}: the close never moves from {iso(side.frame['time'].min())} on: there "
                "is nothing to forecast; bring other bars"
            )


def _seconds(side: SideBySide) -> dict[str, float]:
    return {name: round(cost.seconds, 3) for name, cost in side.costs.items()}
