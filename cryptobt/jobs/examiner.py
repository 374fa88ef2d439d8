"""Fits the forecaster of each symbol, or recalls it, and examines it out of sample."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cryptobt.backtests.run import Trader
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.examine import (
    Question,
    answers_calls,
    examined_windows,
    known_ends,
    repeats_for,
)
from cryptobt.forecasters.examine_all import examine_all
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.importance import correlated_groups, has_far_donors, lag_groups
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.forecasters.tasks import plan_tasks
from cryptobt.forecasters.walkforward import ask, first_decision, make_samples
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.events import Events
from cryptobt.jobs.explanation import Examined, target_unit
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.symbols import prefixed
from cryptobt.strategies.registry import find_strategy


class Examiner:
    """Examines the forecaster of each symbol, and keeps the time.

    Attributes
    ----------
    spent : dict
        Seconds of fitting and of examining.
    """

    def __init__(
        self,
        spec: ForecasterSpec,
        markets: Sequence[MarketData],
        extras: Mapping[str, Sequence[ExtraSeries]],
        settings: Settings,
        events: Events,
    ) -> None:
        self.spec, self.markets, self.extras = spec, markets, extras
        self.settings, self.events = settings, events
        self.spent = {"fitting": 0.0, "examining": 0.0}

    def examine_all(self) -> dict[str, Examined]:
        """Examine every symbol; one that is listed late and too short is left out, and said."""
        trader = Trader(find_strategy(self.settings.strategy.name), {}, self.spec.name)
        forecasting = Forecasting(self.markets, self.extras, trader, self.settings, self.events)
        features = forecasting.features()
        lead = min(self.markets, key=lambda market: market.times[0])
        found: dict[str, Examined] = {}
        for market in self.markets:
            try:
                found[market.symbol] = self._one(market, features[market.symbol], market is lead)
            except DataInvalidError as error:
                line = prefixed(self.markets, market.symbol, str(error))
                if market is lead:
                    raise DataInvalidError(line) from error
                self.events.warn(f"left out: {line}")
        return found

    def _one(self, market: MarketData, features: FeatureTable, lead: bool) -> Examined:
        settings, cache = self.settings, fold_cache()
        samples = make_samples(market, features, settings)
        folds = plan_folds(samples, settings.forecaster, settings.walkforward)
        start = first_decision(samples, folds, settings, joins_late=not lead)
        shown = [fold for fold in folds if len(known_ends(fold, samples, start)) > 1]
        if not shown:
            raise DataInvalidError(
                f"no forecast from {samples.times[start]:%Y-%m-%d} on has a known outcome: a "
                f"target looks {samples.ahead} bars ahead; begin earlier, or bring more bars"
            )
        _refuse_flat(samples, np.concatenate([known_ends(fold, samples, start) for fold in shown]))
        wanted = folds if settings.walkforward.warm_start else shown
        self.events.step("fitting")
        began = time.perf_counter()
        answers = ask(self.spec, samples, wanted, settings, cache, self.events.fits)
        fitted = time.perf_counter()
        self.events.step(f"examining {len(shown)} folds")
        names = {fold.name for fold in shown}
        tasks = plan_tasks(self.spec, samples, wanted, settings)
        tasks = [task for task in tasks if task.fold.name in names]
        calls = self.spec.answers == "direction" or answers_calls(tasks[0].design)
        question = replace(_question(samples, shown[-1], start, self._seeds), calls=calls)
        findings = examine_all(tasks, samples, cache, question, settings.run.workers, self._tell)
        self.spent["fitting"] += round(fitted - began, 3)
        self.spent["examining"] += round(time.perf_counter() - fitted, 3)
        return Examined(
            market.symbol,
            samples.times[findings.rows],
            samples.names,
            question.features,
            _clusters(samples, shown[-1]),
            question.lags,
            findings,
            answers.explanation and answers.explanation.since(samples.times[start]),
            self._about(samples, shown, start, market),
            target_unit(settings, market.symbol, calls=calls),
            settings,
        )

    def _tell(self, done: int, total: int) -> None:
        if done < total and done * 4 // total > (done - 1) * 4 // total:
            self.events.step(f"examined {done} of {total} fits")

    @property
    def _seeds(self) -> int:
        return self.settings.walkforward.ensemble_seeds if self.spec.random else 1

    def _about(
        self, samples: Samples, folds: list[Fold], start: int, market: MarketData
    ) -> dict[str, int]:
        windows = [examined_windows(fold, samples, start) for fold in folds]
        near = sum(not has_far_donors(one) for one in windows)
        if near:
            line = (
                f"{near} of {len(folds)} folds hold fewer than two windows' lengths of forecasts: "
                "what is moved there comes from a window that shares bars, and loses less by it"
            )
            self.events.warn(prefixed(self.markets, market.symbol, line))
        return {"folds": len(folds), "seeds": self._seeds, "overlapping_folds": near}


def _refuse_flat(samples: Samples, ends: np.ndarray) -> None:
    """Refuse targets that never vary: no error and no importance would mean anything."""
    if not np.ptp(samples.targets[ends], axis=0).any():
        raise DataInvalidError(
            f"the target is the same at every bar from {samples.times[ends[0]]:%Y-%m-%d} on: there "
            "is nothing to explain; bring other bars"
        )


def _clusters(samples: Samples, fold: Fold) -> tuple[tuple[int, ...], ...]:
    """Groups of features that go together in the training rows of a fold."""
    training, _ = fold.learning(samples)
    return tuple(correlated_groups(training.rows[training.inner_rows()]))


def _question(samples: Samples, newest: Fold, start: int, seeds: int) -> Question:
    alone = [(column,) for column in range(len(samples.names))]
    together = [group for group in _clusters(samples, newest) if len(group) > 1]
    lags = lag_groups(samples.length)
    return Question((*alone, *together), tuple(lags), repeats_for(seeds), start)
