"""Several forecasters asked for the same bars of the same folds, as ``evaluate`` compares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.types import Explanation, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.predictions import predictions
from cryptobt.forecasters.registry import ForecasterSpec, find_forecaster
from cryptobt.forecasters.table import ForecastTable, realised
from cryptobt.forecasters.walkforward import ask, first_decision, make_samples, needed_folds
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.comparison import measure
from cryptobt.jobs.events import Events
from cryptobt.jobs.symbols import prefixed

__all__ = ["Cost", "SideBySide", "ask_all", "measure"]

_ORDER = ["time", "symbol", "model_id", "horizon_bars"]


@dataclass
class Cost:
    """What a forecaster took, all symbols together.

    Attributes
    ----------
    seconds : float
        Spent on its fits when they were made, each on one thread; 0 for a rule.
    parameters : int or None
        Numbers fitted in its largest model; None where they cannot be counted.
    """

    seconds: float = 0.0
    parameters: int | None = None

    def add(self, seconds: float, parameters: int | None) -> None:
        """Count the fits of one more symbol."""
        self.seconds += seconds
        counted = [count for count in (self.parameters, parameters) if count is not None]
        self.parameters = max(counted, default=None)


@dataclass(frozen=True)
class SideBySide:
    """What several forecasters said of the same bars.

    Attributes
    ----------
    frame : DataFrame
        Long: columns of :func:`~cryptobt.forecasters.predictions.predictions`, and ``answers``
        (``target``, ``return`` or ``direction``, as in the registry). Of a forecaster that calls
        directions alone ``predicted`` and what is made of it are NaN. Every forecaster has the
        same bars of a symbol. Sorted by time, symbol, model_id, horizon.
    forecasts : DataFrame
        The same rows as :data:`cryptobt.core.columns.FORECASTS`, in the same order.
    costs : dict
        Forecaster to what it took.
    explanations : dict
        (forecaster, symbol) to how it learnt and what it looked at, where it says so; of folds
        that only calibrate too.
    """

    frame: pd.DataFrame
    forecasts: pd.DataFrame
    costs: dict[str, Cost]
    explanations: dict[tuple[str, str], Explanation] = field(default_factory=dict)


def ask_all(
    markets: Sequence[MarketData],
    features: Mapping[str, FeatureTable],
    names: Sequence[str],
    settings: Settings,
    events: Events,
) -> SideBySide:
    """Ask every forecaster for every bar from the first decision on, each fold on its own past.

    Causality: as in :func:`cryptobt.forecasters.walkforward.forecast`; the columns with what came
    are known later than ``time``.

    Parameters
    ----------
    features : mapping
        Symbol to its features.
    names : sequence of str
        Forecasters.

    Raises
    ------
    UsageError
        If a forecaster is unknown.
    DataInvalidError
        If the symbol that is listed first cannot be forecast; another one is left out and said.
    """
    specs = [find_forecaster(name) for name in dict.fromkeys(names)]
    lead = min(markets, key=lambda market: market.times[0])
    costs = {spec.name: Cost() for spec in specs}
    explained: dict[tuple[str, str], Explanation] = {}
    parts = []
    for market in markets:
        try:
            asked = _Asked(market, features[market.symbol], settings, market is not lead)
        except DataInvalidError as error:
            line = prefixed(markets, market.symbol, str(error))
            if market is lead:
                raise DataInvalidError(line) from error
            events.warn(f"left out: {line}")
            continue
        parts.append(_same_bars([asked.rows(s, events, costs, explained) for s in specs]))
    frames, forecasts = (pd.concat(kind) for kind in zip(*parts, strict=True))
    order = frames.reset_index(drop=True).sort_values(_ORDER, kind="stable").index
    frame, forecasts = (table.iloc[order].reset_index(drop=True) for table in (frames, forecasts))
    return SideBySide(frame, forecasts, costs, explained)


class _Asked:
    """One symbol, whose folds all forecasters share."""

    def __init__(
        self, market: MarketData, features: FeatureTable, settings: Settings, joins_late: bool
    ) -> None:
        self.market, self.settings = market, settings
        self.samples: Samples = make_samples(market, features, settings)
        folds = plan_folds(self.samples, settings.forecaster, settings.walkforward)
        outcomes = [realised(market, horizon) for horizon in settings.forecaster.horizons]
        start = first_decision(self.samples, folds, settings, joins_late=joins_late)
        self.folds: list[Fold] = needed_folds(folds, start, outcomes[-1], settings)
        self.table = ForecastTable(market, settings, outcomes, start, self.folds)

    def rows(
        self,
        spec: ForecasterSpec,
        events: Events,
        costs: Mapping[str, Cost],
        explained: dict[tuple[str, str], Explanation],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Ask one forecaster: its predictions beside what came, and its forecasts, row by row."""
        events.step(f"{self.market.symbol}: {spec.name}")
        store = fold_cache()
        answers = ask(spec, self.samples, self.folds, self.settings, store, events.fits)
        costs[spec.name].add(answers.seconds, answers.parameters)
        if answers.explanation is not None:
            explained[spec.name, self.market.symbol] = answers.explanation
        frame = predictions(self.market, spec, answers, self.table).assign(answers=spec.answers)
        forecasts = self.table.rows(spec.name, spec, answers.z)
        forecasts = forecasts.sort_values(["time", "horizon_bars"], ignore_index=True)
        return frame, forecasts


def _same_bars(
    parts: list[tuple[pd.DataFrame, pd.DataFrame]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the bars that every forecaster has an opinion on."""
    shared = set.intersection(*(set(frame["time"]) for frame, _ in parts))
    if not shared:
        silent = ", ".join(frame["forecaster"].iloc[0] for frame, _ in parts if len(frame))
        raise DataInvalidError(
            f"no bar that all of them can forecast ({silent} have some); bring more bars"
        )
    kept = [(frame["time"].isin(shared), frame, forecasts) for frame, forecasts in parts]
    frames = pd.concat([frame[keep] for keep, frame, _ in kept], ignore_index=True)
    forecasts = pd.concat([rows[keep] for keep, _, rows in kept], ignore_index=True)
    return frames, forecasts
