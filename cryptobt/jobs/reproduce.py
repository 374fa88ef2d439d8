"""``cryptobt reproduce``: a paper's claim, its own recipe, and the honest twin side by side."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.errors import SourceUnreachableError, UsageError
from cryptobt.core.settings import DataSettings, Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.data.load import load_markets
from cryptobt.jobs.events import Events
from cryptobt.jobs.manifest import manifest
from cryptobt.jobs.papers.paper import Paper
from cryptobt.jobs.papers.recipes import Recipes
from cryptobt.jobs.papers.reproduction import Reproduction
from cryptobt.jobs.papers.shelf import find_paper
from cryptobt.jobs.papers.stretch import find_stretch
from cryptobt.jobs.run_files import json_text
from cryptobt.jobs.run_folder import check_folders, write_run_folder
from cryptobt.jobs.symbols import extra_warnings, quality_warnings
from cryptobt.reports.reproduction_page import render_reproduction
from cryptobt.reports.reproduction_terminal import reproduction_summary
from cryptobt.strategies.registry import SCORE_SIGNAL

SIMULATED = (
    "the prices are SIMULATED: the run shows how the recipes work, and the paper's claims are not "
    "comparable with it"
)


@dataclass(frozen=True)
class ReproductionReport:
    """What a reproduction left behind.

    Attributes
    ----------
    folder : Path
        The run folder.
    document : dict
        The ``reproduction.json`` document.
    seconds : dict
        Model to the seconds that an epoch of its own recipe took, or its fit where it has none.
    """

    folder: Path
    document: dict[str, Any]
    seconds: dict[str, float]

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / "reproduction.html"

    def summary(self) -> str:
        """Write the three columns, the baselines and the paragraph for a terminal."""
        return reproduction_summary(
            self.document, self.seconds, run_folder=str(self.folder), page=str(self.page)
        )


def reproduce(
    name: str, given: Settings, now: pd.Timestamp, events: Events, command: str = ""
) -> ReproductionReport:
    """Load, run both columns and the baselines, measure, and write the run folder.

    Parameters
    ----------
    name : str
        Of the paper.
    given : Settings
        As the user gave them: what he set himself wins over the paper's, where it may.
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    recipes = Recipes(find_paper(name), given)
    check_folders(Path(given.run.out))
    warnings: list[str] = []
    told = events.noting(warnings)
    began = time.perf_counter()
    made = _prepare(recipes, now, told, warnings)
    told.step("fitting")
    made.ask(told)
    told.step("measuring")
    document = made.document()
    told.step("drawing the page")
    files = {
        "reproduction.json": json_text(document),
        "predictions.csv": made.predictions(),
        "reproduction.html": render_reproduction(document, made.figures()),
    }
    spent = {"timings_s": {"all": round(time.perf_counter() - began, 3)}}
    spent["training_s"] = made.seconds()
    shared = _shared(made, files["predictions.csv"])
    folder = write_run_folder(
        f"reproduce-{name}", files, shared, given, [made.market], now, command, spent
    )
    return ReproductionReport(folder, document, made.seconds_an_epoch())


def _prepare(
    recipes: Recipes, now: pd.Timestamp, told: Events, warnings: list[str]
) -> Reproduction:
    """Load bars and series, find the paper's rows in them, and say what differs."""
    paper, given = recipes.paper, recipes.given
    told.step("loading data")
    market, data = _market(paper, given.data, now, told)
    found = find_stretch(paper, market, data)
    for note in (*([SIMULATED] if market.simulated else []), *found.notes, *recipes.changed()):
        told.warn(note)
    extras = [_extras(paper, data, market, now, told, own=own) for own in (True, False)]
    return Reproduction(paper, recipes, market, extras[0], extras[1], found, warnings)


def _shared(made: Reproduction, predictions: str) -> dict[str, Any]:
    """What ``run.json`` of a repetition would have in common."""
    shared = manifest(
        made.settings,
        [made.market],
        {made.market.symbol: made.twin_extras},
        SCORE_SIGNAL,
        predictions,
    )
    return shared | {"paper": made.paper.name, "strategy": None, "forecaster": None}


def _market(
    paper: Paper, data: DataSettings, now: pd.Timestamp, events: Events
) -> tuple[MarketData, DataSettings]:
    """Load the first symbol's bars, of the paper's interval where nothing else is said."""
    wanted = data
    if "interval" not in data.model_fields_set and not data.csv and data.source != "sample":
        wanted = data.model_copy(update={"interval": paper.interval})
    try:
        markets = load_markets(wanted, now)
    except (UsageError, SourceUnreachableError):
        # The sample market, which stands in for a vendor out of reach, has daily bars alone.
        if wanted is data or data.source != "auto":
            raise
        wanted = data
        markets = load_markets(data, now)
    for line in quality_warnings(markets[:1]):
        events.warn(line)
    if len(markets) > 1:
        events.warn(f"a paper has one symbol: {markets[0].symbol} is taken, the others are not")
    return markets[0], wanted


def _extras(
    paper: Paper,
    data: DataSettings,
    market: MarketData,
    now: pd.Timestamp,
    events: Events,
    *,
    own: bool,
) -> Sequence[ExtraSeries]:
    """Series beside the bars; in the paper's own recipe published when the paper takes them."""
    if own and paper.onchain_lag_hours is not None:
        data = data.model_copy(update={"onchain_lag_hours": paper.onchain_lag_hours})
    extras = load_extras(data, [market], now)
    if not own:
        for line in extra_warnings(extras):
            events.warn(line)
    return extras[market.symbol]
