"""Both columns of a paper and its baselines, from bars to one document."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.forecasters.folds import Fold
from cryptobt.forecasters.predictions import quote_unit
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.jobs.events import Events
from cryptobt.jobs.papers.asking import Asked, Question, ask_every, plan, test_times
from cryptobt.jobs.papers.found import (
    BASELINE,
    OWN,
    TWIN,
    UNLEAKED,
    Found,
    claim_rows,
    facts,
    lead_rows,
    row_label,
    skills,
    typical,
)
from cryptobt.jobs.papers.measures import Scale
from cryptobt.jobs.papers.paper import Paper, Variant
from cryptobt.jobs.papers.recipes import SHAPING, Recipes
from cryptobt.jobs.papers.stretch import Scene, Stretch, own_scene, twin_scene
from cryptobt.records.runs import csv_text
from cryptobt.reports.reproduction_figures import Curves, Figures

SCHEMA = 1
PREDICTIONS = (
    "time", "symbol", "model_id", "column", "model", "seed", "horizon_bars", "last_close", "actual",
    "predicted", "error", "pct_error", "unit",
)  # fmt: skip


class _Window(NamedTuple):
    """Windows of the own recipe, by part."""

    training: int
    validation: int
    test: int


class Reproduction:
    """One paper on one market.

    Parameters
    ----------
    own_extras, twin_extras : sequence of ExtraSeries
        Series beside the bars, published as each column takes it.
    warnings : list of str
        What was said so far; what is found is added.
    """

    def __init__(
        self,
        paper: Paper,
        recipes: Recipes,
        market: MarketData,
        own_extras: Sequence[ExtraSeries],
        twin_extras: Sequence[ExtraSeries],
        found: Stretch,
        warnings: list[str],
    ) -> None:
        self.paper, self.recipes, self.market = paper, recipes, market
        self.found, self.warnings, self.twin_extras = found, warnings, twin_extras
        self.settings = recipes.twin(paper.variant(paper.lead))
        name = self.settings.features.set
        self.own = own_scene(market, own_extras, name, found)
        self.twin = twin_scene(paper, market, twin_extras, name, found)
        self.times, self.windows = self._parts()
        self.asked: list[Asked] = []

    def ask(self, events: Events) -> None:
        """Fit every model of both columns, the recipe without its leak, and the baselines."""
        if self.own.features.missing:
            columns = ", ".join(self.own.features.missing)
            events.warn(f"left out of the features, not in the data: {columns}")
        questions = [*self._own_questions(), *self._twin_questions()]
        asked = ask_every(questions, self.times, self.settings.run.workers, events)
        shared = set.intersection(*(set(one.frame["time"]) for one in asked))
        if len(shared) < 2:
            raise DataInvalidError(
                f"{self.market.symbol}: {len(shared)} test bar(s) that every model can forecast; "
                "at least 2 are needed, bring more bars"
            )
        if len(shared) < len(self.times):
            events.warn(f"{len(self.times) - len(shared)} test bars are left out: a model has none")
        self.asked = [_on(one, shared) for one in asked]

    def document(self) -> dict[str, Any]:
        """Everything measured, as ``reproduction.json``."""
        paper, scale = self.paper, self.scale
        frame = self.asked[0].frame
        document = {
            "schema": SCHEMA,
            "paper": paper.name,
            "title": paper.title,
            "source": paper.source,
            "system": paper.system,
            "simulated": self.market.simulated,
            "comparable": not self.market.simulated and not self.found.notes,
            "at_its_dates": self.found.at_its_dates,
            "days": self._days(),
            "symbol": self.market.symbol,
            "interval": interval_label(self.market.interval),
            "unit": quote_unit(self.market.symbol),
            "first": iso(self.market.times[self.found.first]),
            "last": iso(self.market.times[self.found.last]),
            "rows_taken": self.found.last - self.found.first + 1,
            "test_first": iso(frame["time"].min()),
            "test_last": iso(frame["time"].max()),
            "test_bars": int(frame["time"].nunique()),
            "windows": self.windows._asdict(),
            "seeds": self.recipes.seeds,
            "settings": {OWN: self._shape(OWN), TWIN: self._shape(TWIN)},
            "claims": claim_rows(paper, self.asked, scale),
            "rows": lead_rows(self.asked, self.settings),
            "skill_by_horizon": skills(self.asked),
            "facts": facts(paper, self.asked, scale, self._counts()),
            "leak": {"what": paper.leak, "measure": paper.leak_measure},
            "notes": list(paper.notes),
            "warnings": list(self.warnings),
        }
        return document | {"paragraph": [*self._caution(), *paper.verdict(Found(document))]}

    def predictions(self) -> str:
        """``predictions.csv``: the paper's system at every horizon, the others at the nearest."""
        frames = []
        for one in self.asked:
            question, frame = one.question, one.frame
            lead = question.variant == self.paper.lead
            nearest = frame["horizon_bars"] == frame["horizon_bars"].min()
            frames.append(
                frame[lead | nearest].assign(
                    column=question.column, model=question.variant, seed=question.seed
                )
            )
        together = pd.concat(frames, ignore_index=True)
        keys = ["time", "column", "model", "seed", "horizon_bars"]
        return csv_text(together.sort_values(keys, ignore_index=True)[list(PREDICTIONS)])

    def figures(self) -> Figures:
        """What the page draws: the typical run of each column on the nearest horizon."""
        lead = {
            one.question.column: one
            for one in typical(self.asked)
            if one.question.variant == self.paper.lead
        }
        frames = {column: _nearest(one.frame) for column, one in lead.items()}
        own = frames[OWN]
        return Figures(
            pd.DatetimeIndex(own["time"]),
            own["actual"].to_numpy(),
            own["last_close"].to_numpy(),
            {column: frame["predicted"].to_numpy() for column, frame in frames.items()},
            tuple(
                Curves(row_label(one), one.loss_unit, one.losses)
                for one in lead.values()
                if one.losses is not None
            ),
        )

    def seconds(self) -> dict[str, float]:
        """Seconds that the fits of each row took when they were made."""
        spent: dict[str, float] = {}
        for one in self.asked:
            key = f"{one.question.column}: {one.question.variant}"
            spent[key] = round(spent.get(key, 0.0) + one.seconds, 3)
        return spent

    def seconds_an_epoch(self) -> dict[str, float]:
        """Seconds an epoch of each model of the own recipe, or of its fit without epochs."""
        return {
            one.question.variant: one.seconds / (1 if one.losses is None else len(one.losses))
            for one in typical(self.asked)
            if one.question.column == OWN
        }

    @property
    def scale(self) -> Scale:
        """The paper's scale of 0 to 1: lowest and highest close of its rows."""
        closes = self.market.bars[CLOSE].to_numpy()[self.found.first : self.found.last + 1]
        return Scale(float(closes.min()), float(np.ptp(closes)) or 1.0)

    def _parts(self) -> tuple[pd.DatetimeIndex, _Window]:
        settings = self.recipes.own(self.paper.variant(self.paper.lead))
        samples, (fold,) = plan(self.own, settings)
        times = test_times(samples, [fold])
        return times, _Window(len(fold.training), len(fold.validation), len(times))

    def _own_questions(self) -> list[Question]:
        questions = []
        for variant in self.paper.variants:
            permute = variant.key in self.paper.importances
            for seed in self._seeds(variant):
                settings = self.recipes.own(variant, seed)
                questions.append(self._question(OWN, variant, seed, settings, permute=permute))
        lead = self.paper.variant(self.paper.lead)
        for seed in self._seeds(lead):
            settings = self.recipes.own(lead, seed, leaking=False)
            questions.append(self._question(UNLEAKED, lead, seed, settings))
        return questions

    def _twin_questions(self) -> list[Question]:
        anchor = iso(self.times[0])
        questions = [
            self._question(TWIN, variant, seed, self.recipes.twin(variant, seed, anchor))
            for variant in self.paper.variants
            for seed in self._seeds(variant)
        ]
        for name in self.paper.baselines:
            variant = Variant(name, name, name)
            settings = self.recipes.twin(variant, 0, anchor)
            questions.append(self._question(BASELINE, variant, 0, settings))
        return questions

    def _question(
        self, column: str, variant: Variant, seed: int, settings: Settings, *, permute: bool = False
    ) -> Question:
        scene: Scene = self.own if column in (OWN, UNLEAKED) else self.twin
        samples, folds = plan(scene, settings)
        spec = find_forecaster(variant.forecaster)
        tested = [fold for fold in folds if self._tests(fold)]
        return Question(column, variant.key, seed, spec, settings, samples, tested, scene, permute)

    def _tests(self, fold: Fold) -> bool:
        return fold.date >= self.times[0]

    def _seeds(self, variant: Variant) -> range:
        spec = find_forecaster(variant.forecaster)
        return range(self.recipes.seeds if spec.random else 1)

    def _shape(self, column: str) -> dict[str, Any]:
        lead = self.paper.variant(self.paper.lead)
        anchor = iso(self.times[0])
        chosen = self.recipes.own(lead) if column == OWN else self.recipes.twin(lead, anchor=anchor)
        shape: dict[str, Any] = chosen.model_dump(mode="json", include=set(SHAPING))
        shape["walkforward"] |= {"ensemble_seeds": self.recipes.seeds}
        return shape

    def _caution(self) -> list[str]:
        if self.market.simulated:
            return ["The prices are simulated, and what the text claims is of a real market."]
        if self.found.notes:
            return ["These are not the paper's data, and what it claims is of others."]
        return []

    def _days(self) -> str:
        if self.found.at_its_dates:
            return "the paper's own days"
        if self.paper.first is None:
            return "the paper names no days"
        return "not the paper's own days"

    def _counts(self) -> dict[str, int]:
        return {f"{part}_windows": count for part, count in self.windows._asdict().items()}


def _nearest(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[frame["horizon_bars"] == frame["horizon_bars"].min()]
    return kept.sort_values("time", ignore_index=True)


def _on(asked: Asked, times: set[Any]) -> Asked:
    kept = asked.frame["time"].isin(times)
    return replace(asked, frame=asked.frame[kept].reset_index(drop=True))
