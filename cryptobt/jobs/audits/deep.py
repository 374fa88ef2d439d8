"""The deep checks of ``cryptobt audit leakage``: retrained cold, on shuffled markets, and twins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from scipy.stats import norm  # type: ignore[import-untyped]

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.forecasters.walkforward import ask, make_samples
from cryptobt.jobs.audits.checks import Check, Question, every
from cryptobt.jobs.audits.cold import COLD, Cold
from cryptobt.jobs.audits.pipeline import Pipeline
from cryptobt.jobs.audits.skill import LUCK, Said, Skill, relabelled, said_by, shuffled, skill_of
from cryptobt.jobs.audits.worth import SCALER_TWIN, TWIN, Twins
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events
from cryptobt.jobs.trader import trader_of
from cryptobt.reports.glance import SUSPECT_ACCURACY

SHUFFLED = Question(
    "skill, returns in another order",
    "deep",
    "on the same bars in another order nothing tells the next return, beyond luck at 99 %",
)
RELABELLED = Question(
    "skill, labels exchanged",
    "deep",
    "fitted to labels of other bars it tells no return, beyond luck at 99 %",
)
DRAWS = 3
"""Orders that are drawn at first; as many again confirm what looks like skill."""
NO_FIT = "no forecaster is fitted: the strategy trades by a rule"


def deep_checks(
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    events: Events,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Train the pipeline again and again where it should learn the same, nothing, or too much.

    Folds that were fitted before are recalled, but those that are retrained cold.

    Returns
    -------
    tuple
        Checks of part ``deep``, and ``worth`` of ``audit.json``: what a leak would be worth; None
        where the pipeline itself does not run.
    """
    quiet = replace(events, warn=lambda _: None)
    pipeline = Pipeline(settings, trader_of(settings), markets, extras, quiet)
    try:
        pipeline.account(pipeline.forecasts)
    except (UsageError, DataInvalidError) as error:
        asked = (COLD, SHUFFLED, RELABELLED, TWIN, SCALER_TWIN)
        why = f"the pipeline does not run: {error}"
        return [check.document() for check in every(asked, why)], None
    deep, twins = DeepChecks(pipeline), Twins(pipeline)
    checks = [deep.retrained(), deep.on_shuffled(), deep.on_labels(), *twins.checks()]
    return [check.document() for check in checks], twins.document()


@dataclass(frozen=True)
class DeepChecks:
    """A pipeline that is trained where it should learn the same, or nothing."""

    pipeline: Pipeline

    def retrained(self) -> Check:
        """Fit every fold anew, on bars cut at its end, and compare what it forecasts."""
        asked = self.pipeline
        if not asked.fitted or asked.forecasts is None:
            return COLD.not_asked(NO_FIT)
        for market in asked.forecast:
            found = self._cold(market, asked.forecasts.frame).compared()
            if found is not None:
                return found
        return COLD.passed()

    def _cold(self, market: MarketData, frame: pd.DataFrame) -> Cold:
        asked, name = self.pipeline, self.pipeline.trader.forecaster
        assert name is not None, "a fitted forecaster"
        lead = min(asked.markets, key=lambda one: one.times[0])
        return Cold(
            asked.settings,
            market,
            tuple(asked.extras.get(market.symbol, ())),
            frame[frame["symbol"] == market.symbol],
            name,
            market is not lead,
            asked.events,
        )

    def on_shuffled(self) -> Check:
        """Run the whole pipeline on markets whose returns come in another order."""

        def draw(seed: int) -> list[Skill]:
            self.pipeline.events.step(f"deep: returns in another order, draw {seed + 1}")
            return self._shuffled(seed)

        return _beyond_luck(SHUFFLED, draw, _leaked_on_shuffled)

    def _shuffled(self, seed: int) -> list[Skill]:
        """Skill of the scores, and of the holdings, of all symbols together."""
        asked = self.pipeline
        made = [shuffled(one, asked.extras.get(one.symbol, ()), seed) for one in asked.markets]
        markets = [market for market, _ in made]
        extras = {market.symbol: beside for market, beside in made}
        other = replace(asked, markets=markets, extras=extras)
        account = other.account(other.forecasts)
        return _skills(said_by(markets, other.forecasts, asked.trader.forecaster, account), markets)

    def on_labels(self) -> Check:
        """Fit the forecaster to labels of other bars, and ask it about the bars as they are."""
        if not self.pipeline.fitted or self.pipeline.forecasts is None:
            return RELABELLED.not_asked(NO_FIT)

        def draw(seed: int) -> list[Skill]:
            self.pipeline.events.step(f"deep: labels exchanged, draw {seed + 1}")
            said = [skill_of(self._relabelled(one, seed), one) for one in self.pipeline.forecast]
            return [_sum(said)]

        return _beyond_luck(RELABELLED, draw, _leaked_on_labels)

    def _relabelled(self, market: MarketData, seed: int) -> pd.Series:
        """Opinions on the nearest horizon of folds that learnt from exchanged labels."""
        asked, settings = self.pipeline, self.pipeline.settings
        name = asked.trader.forecaster
        assert name is not None, "a fitted forecaster"
        samples = relabelled(make_samples(market, asked.tables[market.symbol], settings), seed)
        folds = plan_folds(samples, settings.forecaster, settings.walkforward)
        if asked.forecasts is not None and not settings.walkforward.warm_start:
            first = asked.forecasts.frame["fold"].min()
            folds = [fold for fold in folds if fold.date >= first]
        spec, report = find_forecaster(name), asked.events.fits
        answers = ask(spec, samples, folds, settings, fold_cache(), report)
        return pd.Series(answers.z[:, 0].mean(axis=1), market.times[answers.rows])


def _beyond_luck(
    question: Question,
    draw: Callable[[int], list[Skill]],
    answer: Callable[[Question, Skill], Check],
) -> Check:
    """Draw several times; what looks like skill has to look so again on as many other draws."""
    try:
        found = _beyond(draw)
    except (UsageError, DataInvalidError) as error:
        return question.not_asked(f"the pipeline fails there: {error}")
    if found is None:
        return question.not_asked("it said nothing that varies, so there is no skill to look for")
    skill, beyond = found
    return answer(question, skill) if beyond else question.passed()


def _beyond(draw: Callable[[int], list[Skill]]) -> tuple[Skill, bool] | None:
    """The greatest skill of all kinds, and whether it is more than luck gives, twice over."""
    first = _together(draw, range(DRAWS))
    if not any(one.spread > 0 for one in first):
        return None
    worst = max(range(len(first)), key=lambda place: first[place].errors)
    allowed = float(norm.ppf(1 - (1 - LUCK) / len(first)))
    if first[worst].errors <= allowed:
        return first[worst], False
    again = _together(draw, range(DRAWS, 2 * DRAWS))[worst]
    return first[worst].plus(again), again.errors > allowed


def _together(draw: Callable[[int], list[Skill]], seeds: range) -> list[Skill]:
    drawn = [draw(seed) for seed in seeds]
    return [_sum(parts) for parts in zip(*drawn, strict=True)]


def _leaked_on_shuffled(question: Question, skill: Skill) -> Check:
    return question.leaked(
        f"over {2 * DRAWS} orders of the same returns {_told(skill)}: what it knows of the next "
        "return it can only have seen",
        mend="Find the column, label or price of a later bar that the forecaster or the strategy "
        "reads; the checks of features and orders name it where they can",
    )


def _leaked_on_labels(question: Question, skill: Skill) -> Check:
    told = f"over {2 * DRAWS} exchanges of its labels {_told(skill)}"
    if (skill.accuracy or 0.0) > SUSPECT_ACCURACY:
        return question.leaked(
            f"{told}: it learnt that elsewhere, from answers that it brings or finds",
            mend="Let the forecaster learn from what it is given to fit alone: no file, no model "
            "and no memory that has seen the bars that it forecasts",
        )
    return question.noted(
        f"{told}: as a rule that needs no labels can, such as following a trend; no leak by itself"
    )


def _told(skill: Skill) -> str:
    accuracy = "" if skill.accuracy is None else f"{skill.accuracy:.1%} of its calls came true, "
    return f"{accuracy}{skill.errors:.1f} standard errors beyond luck"


def _skills(said: Said, markets: Sequence[MarketData]) -> list[Skill]:
    """Skill of scores and of holdings, whichever there are."""
    found = []
    for numbers in (said.scores, said.holdings):
        own = [market for market in markets if market.symbol in numbers]
        found.append(_sum([skill_of(numbers[market.symbol], market) for market in own]))
    return found


def _sum(skills: Sequence[Skill]) -> Skill:
    total = Skill()
    for one in skills:
        total = total.plus(one)
    return total
