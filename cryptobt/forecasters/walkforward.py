"""Walk-forward forecasts: folds are fitted, remembered, asked, and their answers calibrated."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.errors import CannotWriteError, DataInvalidError
from cryptobt.core.settings import ForecasterSettings, Settings
from cryptobt.core.time import parse_day
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.features.targets import (
    close_target,
    direction_target,
    known_trend,
    next_return_target,
    trend_target,
)
from cryptobt.features.volatility import ewma_volatility
from cryptobt.features.windows import window_ends
from cryptobt.forecasters.answers import Answers, ask_rule, collect
from cryptobt.forecasters.calibration import KEEP
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.registry import TREND_ONLY, ForecasterSpec, find_forecaster
from cryptobt.forecasters.table import ForecastTable, Outcomes, realised
from cryptobt.forecasters.tasks import FitTask, plan_tasks
from cryptobt.forecasters.workers import Progress, run_tasks
from cryptobt.records.content import ContentStore, Entry

_KEY = ("time", "symbol", "model_id", "horizon_bars")


def forecast(
    market: MarketData,
    features: FeatureTable,
    name: str,
    settings: Settings,
    cache: ContentStore,
    report: Callable[[Progress], None],
    *,
    joins_late: bool = False,
) -> Forecasts:
    """Forecast every bar from the first decision on, each by a fold that could not see it.

    Causality: a row depends on bars up to its own ``time`` alone; not on ``--start``, the number
    of workers or what the cache held.

    Parameters
    ----------
    name : str
        Forecaster. Beside its rows the frame holds, for a trained one, its network alone
        (``<name>_net``), and always ``trend_only``.
    joins_late : bool
        Whether a market whose first fold comes after ``data.start`` begins with that fold, as one
        of several symbols; alone it is refused.

    Raises
    ------
    DataInvalidError
        If there are too few rows before the first decision.
    """
    spec = find_forecaster(name)
    chosen = settings.forecaster
    samples = make_samples(market, features, settings)
    folds = plan_folds(samples, chosen, settings.walkforward)
    outcomes = [realised(market, horizon) for horizon in chosen.horizons]
    start = first_decision(samples, folds, settings, joins_late=joins_late)
    folds = needed_folds(folds, start, outcomes[-1], settings)
    table = ForecastTable(market, settings, outcomes, start, folds)
    own = ask(spec, samples, folds, settings, cache, report)
    trend_spec = find_forecaster(TREND_ONLY)
    trend = own if spec is trend_spec else ask(trend_spec, samples, folds, settings, cache, report)
    rows, members = [table.rows(TREND_ONLY, trend_spec, trend.z)], None
    if spec.trained:
        share = chosen.trend_share if chosen.target == "trend" else 0.0
        mixed = (1 - share) * own.z + share * trend.z if share else own.z
        rows += [table.rows(name, spec, mixed, share), table.rows(f"{name}_net", spec, own.z)]
        members = _members(table, spec, mixed, share)
    elif spec is not trend_spec:
        rows += [table.rows(name, spec, own.z)]
    frame = pd.concat(rows).sort_values([*_KEY], ignore_index=True)
    explained = own.explanation
    known = {market.symbol: explained.since(samples.times[start])} if explained else {}
    return Forecasts(frame, known, members)


def _members(
    table: ForecastTable, spec: ForecasterSpec, z: np.ndarray, share: float
) -> pd.DataFrame | None:
    """Rows of each seed of the ensemble alone; None where there are not several."""
    seeds = z.shape[-1]
    if seeds < 2:
        return None
    rows = [
        table.rows(f"{spec.name}_seed{seed}", spec, z[..., [seed]], share) for seed in range(seeds)
    ]
    return pd.concat(rows).sort_values([*_KEY], ignore_index=True)


def ask(
    spec: ForecasterSpec,
    samples: Samples,
    folds: list[Fold],
    settings: Settings,
    cache: ContentStore,
    report: Callable[[Progress], None],
) -> Answers:
    """Fit a forecaster to every fold, or recall what was fitted, and ask it what the fold is for.

    Causality: each answer is by a fold that could not see it.
    """
    if not spec.trained:
        return ask_rule(spec, samples, folds, settings.forecaster.horizons)
    tasks = plan_tasks(spec, samples, folds, settings)
    return collect(tasks, samples, _run(tasks, samples, cache, settings.run.workers, report))


def make_samples(market: MarketData, features: FeatureTable, settings: Settings) -> Samples:
    """Gather features, labels and the bars at which a window can end."""
    chosen = settings.forecaster
    rows = features.frame.to_numpy()
    known = known_trend(market.bars, chosen.target_heads)
    usable, warm_up = rows, features.warm_up_bars
    if chosen.target == "trend":
        usable = np.where(np.isfinite(known).all(axis=1)[:, None], rows, np.nan)
        warm_up = max(warm_up, *(back for _, back in chosen.target_heads))
    targets, ahead = make_targets(market, chosen)
    return Samples(
        market.times,
        market.interval,
        rows,
        np.log(market.bars[CLOSE].to_numpy()),
        ewma_volatility(market.bars).to_numpy(),
        known,
        targets,
        window_ends(usable, market.times, market.interval, chosen.window_bars),
        chosen.window_bars,
        ahead,
        names=tuple(str(column) for column in features.frame.columns),
        warm_up=warm_up + chosen.window_bars,
        scaler_sees_all=settings.features.scaler_sees == "everything",
    )


def make_targets(market: MarketData, chosen: ForecasterSettings) -> tuple[np.ndarray, int]:
    """Labels of every bar, shape (n, K), and how many bars ahead they look."""
    if chosen.target == "trend":
        heads = chosen.target_heads
        return trend_target(market.bars, heads), max(ahead for ahead, _ in heads)
    target = {
        "next_return": next_return_target,
        "direction": direction_target,
        "scaled_close": close_target,
    }[chosen.target]
    return target(market.bars, chosen.horizons), chosen.horizons[-1]


def first_decision(
    samples: Samples, folds: list[Fold], settings: Settings, *, joins_late: bool
) -> int:
    """First bar that decides: the first forecast, or ``data.start``.

    Raises
    ------
    DataInvalidError
        If ``data.start`` is before the first fold, or no bar from it on can be forecast.
    """
    forecast_rows = np.concatenate([fold.predicted for fold in folds])
    first = int(samples.times.searchsorted(folds[0].date))
    start = first
    if settings.data.start is not None:
        start = int(samples.times.searchsorted(parse_day(settings.data.start, "data.start")))
    if start == len(samples.times):
        raise DataInvalidError(
            f"data.start {settings.data.start} is after the last bar, {samples.times[-1]:%Y-%m-%d}"
        )
    if joins_late:
        start = max(start, first)
    if start < first:
        raise DataInvalidError(
            f"too few rows before data.start {settings.data.start}: the first fold with enough to "
            f"learn from is {folds[0].date:%Y-%m-%d}; start there or later, or bring earlier bars"
        )
    if not (forecast_rows >= start).any():
        raise DataInvalidError(
            f"no bar from {settings.data.start or folds[0].name} on can be forecast: the bars end "
            f"{samples.times[-1]:%Y-%m-%d}, and a forecast needs {samples.length + 1} without a gap"
        )
    return start


def needed_folds(
    folds: list[Fold], start: int, outcomes: Outcomes, settings: Settings
) -> list[Fold]:
    """Drop folds whose forecasts neither trade nor calibrate one that does.

    A warm start needs them all: each fold begins from the one before.
    """
    if settings.walkforward.warm_start:
        return folds
    rows = np.concatenate([fold.predicted for fold in folds])
    known = np.isfinite(outcomes.outcome[rows]) & (rows + outcomes.horizon <= start)
    before = rows[known]
    earliest = before[-KEEP] if len(before) >= KEEP else -1
    return [fold for fold in folds if len(fold.predicted) and fold.predicted[-1] >= earliest]


def _run(
    tasks: list[FitTask],
    samples: Samples,
    cache: ContentStore,
    workers: int,
    report: Callable[[Progress], None],
) -> dict[str, Entry]:
    """Have every task done, and read what came of it; a damaged entry is removed and made again."""
    keys = [key for task in tasks for key in (task.fit_key, task.predict_key)]
    for _ in range(2):
        run_tasks(tasks, samples, cache, workers, report)
        entries = {key: entry for key in keys if (entry := cache.get(key)) is not None}
        if len(entries) == len(set(keys)):
            return entries
    raise CannotWriteError(f"the fold cache in {cache.root} does not keep what is written to it")
