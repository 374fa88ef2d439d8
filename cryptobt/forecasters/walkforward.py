"""Walk-forward forecasts: folds are fitted, remembered, asked, and their answers calibrated."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cryptobt.core.errors import CannotWriteError, DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.time import parse_day
from cryptobt.core.types import Explanation, Forecasts, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.features.targets import known_trend, next_return_target, trend_target
from cryptobt.features.windows import window_ends
from cryptobt.forecasters.answers import ask_untrained, collect
from cryptobt.forecasters.calibration import KEEP
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.registry import TREND_ONLY, find_forecaster
from cryptobt.forecasters.table import ForecastTable, Outcomes, realised
from cryptobt.forecasters.tasks import FitTask, plan_tasks
from cryptobt.forecasters.workers import Progress, run_tasks
from cryptobt.records.content import ContentStore, Entry


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
    samples = make_samples(market, features, settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    outcomes = realised(market, settings.forecaster.horizon_bars)
    start = _start_row(samples, folds, settings, joins_late=joins_late)
    folds = _needed(folds, start, outcomes, settings)
    table = ForecastTable(market, settings, outcomes, start, folds)
    trend_spec = find_forecaster(TREND_ONLY)
    trend = ask_untrained(trend_spec, samples, folds)
    if not spec.trained:
        return Forecasts(table.rows(name, spec, trend.z, trend.rows))
    tasks = plan_tasks(spec, samples, folds, settings)
    entries = _run(tasks, samples, cache, settings.run.workers, report)
    net = collect(tasks, samples, features, entries)
    share = settings.forecaster.trend_share if settings.forecaster.target == "trend" else 0.0
    rows = [
        table.rows(name, spec, (1 - share) * net.z + share * trend.z, net.rows),
        table.rows(f"{name}_net", spec, net.z, net.rows),
        table.rows(TREND_ONLY, trend_spec, trend.z, trend.rows),
    ]
    frame = pd.concat(rows).sort_values(["time", "symbol", "model_id"], ignore_index=True)
    explained = _from(net.explanation, samples.times[start])
    return Forecasts(frame, {market.symbol: explained} if explained else {})


def make_samples(market: MarketData, features: FeatureTable, settings: Settings) -> Samples:
    """Gather features, labels and the bars at which a window can end."""
    chosen = settings.forecaster
    rows = features.frame.to_numpy()
    if chosen.target == "trend":
        targets = trend_target(market.bars, chosen.target_heads)
        ahead = max(k for k, _ in chosen.target_heads)
    else:
        targets = next_return_target(market.bars, chosen.horizon_bars)
        ahead = chosen.horizon_bars
    known = known_trend(market.bars, chosen.target_heads)
    usable = np.where(np.isfinite(known).all(axis=1)[:, None], rows, np.nan)
    ends = window_ends(usable, market.times, market.interval, chosen.window_bars)
    back = max(back for _, back in chosen.target_heads)
    return Samples(
        market.times,
        market.interval,
        rows,
        known,
        targets,
        ends,
        chosen.window_bars,
        ahead,
        names=tuple(str(column) for column in features.frame.columns),
        warm_up=max(features.warm_up_bars, back) + chosen.window_bars,
    )


def _start_row(samples: Samples, folds: list[Fold], settings: Settings, *, joins_late: bool) -> int:
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


def _needed(folds: list[Fold], start: int, outcomes: Outcomes, settings: Settings) -> list[Fold]:
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


def _from(explanation: Explanation | None, start: pd.Timestamp) -> Explanation | None:
    if explanation is None:
        return None
    kept = explanation.times >= start
    return Explanation(
        explanation.times[kept],
        explanation.feature_names,
        explanation.gates[kept],
        explanation.attention[kept],
        explanation.losses,
    )
