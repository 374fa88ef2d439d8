"""Walk-forward forecasts: folds are fitted, remembered, asked, and their answers calibrated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import CannotWriteError, DataInvalidError
from cryptobt.core.hashing import hash_arrays, hash_json
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY, parse_day
from cryptobt.core.types import Explanation, Forecasts, MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.features.targets import known_trend, next_return_target, trend_target
from cryptobt.features.volatility import ewma_volatility
from cryptobt.features.windows import unbroken_rows, window_ends
from cryptobt.forecasters.calibration import KEEP, calibrate
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import (
    TREND_ONLY,
    ForecasterSpec,
    code_hash,
    design_of,
    find_forecaster,
    make_forecaster,
)
from cryptobt.forecasters.workers import FitTask, Progress, run_tasks
from cryptobt.records.content import ContentStore, Entry

EXPLAINED_PER_FOLD = 512


@dataclass(frozen=True)
class Answers:
    """What the folds of one forecaster answered, in the order of the bars.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Bar number of each forecast.
    z : ndarray, shape (m, seeds)
        Standardised answer of each member of the ensemble.
    explanation : Explanation or None
        Of the forecasters that have one.
    """

    rows: np.ndarray
    z: np.ndarray
    explanation: Explanation | None


def forecast(
    market: MarketData,
    features: FeatureTable,
    name: str,
    settings: Settings,
    cache: ContentStore,
    report: Callable[[Progress], None],
) -> Forecasts:
    """Forecast every bar from the first decision on, each by a fold that could not see it.

    Causality: a row depends on bars up to its own ``time`` alone; not on ``--start``, the number
    of workers or what the cache held.

    Parameters
    ----------
    name : str
        Forecaster. Beside its rows the frame holds, for a trained one, its network alone
        (``<name>_net``), and always ``trend_only``.

    Raises
    ------
    DataInvalidError
        If there are too few rows before the first decision.
    """
    spec = find_forecaster(name)
    samples = make_samples(market, features, settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    start = _start_row(samples, folds, settings)
    folds = _needed(folds, start, settings.forecaster.horizon_bars)
    trend = _ask_untrained(find_forecaster(TREND_ONLY), samples, folds)
    if not spec.trained:
        table = _Table(market, settings, start, folds)
        return Forecasts(table.rows(name, spec, trend.z, trend.rows))
    tasks = plan_tasks(spec, samples, folds, settings)
    entries = _run(tasks, samples, cache, settings.run.workers, report)
    net = _collect(tasks, samples, features, entries)
    share = settings.forecaster.trend_share if settings.forecaster.target == "trend" else 0.0
    table = _Table(market, settings, start, folds)
    mixed = (1 - share) * net.z + share * trend.z
    rows = [
        table.rows(name, spec, mixed, net.rows),
        table.rows(f"{name}_net", spec, net.z, net.rows),
        table.rows(TREND_ONLY, find_forecaster(TREND_ONLY), trend.z, trend.rows),
    ]
    frame = pd.concat(rows).sort_values(["time", "symbol", "model_id"], ignore_index=True)
    return Forecasts(frame, _from(net.explanation, samples.times[start]))


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
    return Samples(
        market.times, market.interval, rows, known, targets, ends, chosen.window_bars, ahead
    )


def plan_tasks(
    spec: ForecasterSpec, samples: Samples, folds: list[Fold], settings: Settings
) -> list[FitTask]:
    """One task for each fold and seed, under keys made of everything that it can see."""
    walkforward = settings.walkforward
    bars_per_fold = int(DAY * walkforward.refit_days / samples.interval)
    design = design_of(spec, settings, max(1, bars_per_fold // EXPLAINED_PER_FOLD))
    code = code_hash()
    tasks: list[FitTask] = []
    parents: dict[int, str] = {}
    for fold in folds:
        seen = [_hash_windows(windows) for windows in fold.learning(samples)]
        asked = _hash_windows(fold.forecasting(samples))
        for member in range(walkforward.ensemble_seeds):
            seed = _seed(walkforward.seed, member, fold)
            parent = parents.get(member) if walkforward.warm_start else None
            fit_key = hash_json([spec.name, design, code, seen, seed, parent])
            tasks.append(
                FitTask(spec.name, design, fold, seed, fit_key, hash_json([fit_key, asked]), parent)
            )
            parents[member] = fit_key
    return tasks


def _seed(seed: int, member: int, fold: Fold) -> int:
    return int(hash_json([seed, member, fold.name])[:12], 16)


def _hash_windows(windows: Windows) -> str:
    arrays = {"rows": windows.rows, "ends": windows.ends, "slots": windows.slots}
    if windows.targets is not None:
        arrays["targets"] = windows.targets
    return hash_arrays(arrays)


def _start_row(samples: Samples, folds: list[Fold], settings: Settings) -> int:
    first = int(samples.times.searchsorted(folds[0].date))
    if settings.data.start is None:
        return first
    start = int(samples.times.searchsorted(parse_day(settings.data.start, "data.start")))
    if start >= len(samples.times):
        raise DataInvalidError(
            f"data.start {settings.data.start} is after the last bar, {samples.times[-1]:%Y-%m-%d}"
        )
    if start < first:
        raise DataInvalidError(
            f"too few rows before data.start {settings.data.start}: the first fold with enough to "
            f"learn from is {folds[0].date:%Y-%m-%d}; start there or later, or bring earlier bars"
        )
    return start


def _needed(folds: list[Fold], start: int, horizon: int) -> list[Fold]:
    """Drop folds whose forecasts neither trade nor calibrate one that does."""
    rows = np.concatenate([fold.predicted for fold in folds])
    before = rows[rows + horizon <= start]
    earliest = before[-KEEP] if len(before) >= KEEP else -1
    return [f for f in folds if len(f.predicted) and f.predicted[-1] >= earliest]


def _ask_untrained(spec: ForecasterSpec, samples: Samples, folds: list[Fold]) -> Answers:
    model = make_forecaster(spec.name, {}, 0)
    parts = []
    for fold in folds:
        learnt = [model.predict(windows).answers.mean(axis=1) for windows in fold.learning(samples)]
        past = np.concatenate(learnt)
        answer = model.predict(fold.forecasting(samples)).answers.mean(axis=1)
        parts.append(_standardised(answer, float(past.mean()), float(past.std())))
    rows = np.concatenate([fold.predicted for fold in folds])
    return Answers(rows, np.concatenate(parts)[:, None], None)


def _standardised(answer: np.ndarray, centre: float, deviation: float) -> np.ndarray:
    # Half of the training mean stays in: the recipe's prior that past drift half persists.
    return (answer.astype(float) - 0.5 * centre) / (deviation if deviation > 1e-12 else 1.0)


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


def _collect(
    tasks: list[FitTask],
    samples: Samples,
    features: FeatureTable,
    entries: Mapping[str, Entry],
) -> Answers:
    folds: dict[str, list[FitTask]] = {}
    for task in tasks:
        folds.setdefault(task.fold.name, []).append(task)
    z, gates, attention, explained, losses = [], [], [], [], {}
    for name, members in folds.items():
        fits = [entries[task.fit_key].arrays for task in members]
        answers = [entries[task.predict_key].arrays for task in members]
        z.append(
            np.stack(
                [
                    _standardised(answer["answers"].mean(axis=1), *fit["centre"])
                    for fit, answer in zip(fits, answers, strict=True)
                ],
                axis=1,
            )
        )
        explained.append(members[0].fold.predicted[answers[0]["explained"]])
        gates.append(np.mean([answer["gates"] for answer in answers], axis=0))
        attention.append(np.mean([answer["attention"] for answer in answers], axis=0))
        losses[name] = _loss_frame([fit["losses"] for fit in fits])
    rows = np.concatenate([members[0].fold.predicted for members in folds.values()])
    explanation = Explanation(
        samples.times[np.concatenate(explained)],
        tuple(str(column) for column in features.frame.columns),
        np.concatenate(gates),
        np.concatenate(attention),
        losses,
    )
    return Answers(rows, np.concatenate(z), explanation)


def _loss_frame(losses: list[np.ndarray]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {"seed": member, "epoch": range(1, len(loss) + 1), "train": loss[:, 0],
             "validation": loss[:, 1]}
        )
        for member, loss in enumerate(losses)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


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


class _Table:
    """Builds the forecast rows of one symbol."""

    def __init__(
        self, market: MarketData, settings: Settings, start: int, folds: list[Fold]
    ) -> None:
        self.market, self.settings, self.start = market, settings, start
        horizon = settings.forecaster.horizon_bars
        log_close = np.log(market.bars[columns.CLOSE].to_numpy())
        self.deviation = ewma_volatility(market.bars).to_numpy() * np.sqrt(horizon)
        self.outcome = np.full(len(log_close), np.nan)
        self.outcome[:-horizon] = (log_close[horizon:] - log_close[:-horizon]) / self.deviation[
            :-horizon
        ]
        unbroken = unbroken_rows(market.times, market.interval)
        self.outcome[:-horizon][unbroken[horizon:] < horizon] = np.nan
        self.fold_names = np.concatenate([[fold.date] * len(fold.predicted) for fold in folds])
        self.trained_until = np.concatenate(
            [[market.times[f.stop - 1] + market.interval] * len(f.predicted) for f in folds]
        )

    def rows(
        self, forecaster: str, spec: ForecasterSpec, z: np.ndarray, rows: np.ndarray
    ) -> pd.DataFrame:
        """Rows of one forecaster from the first decision on."""
        score = z.mean(axis=1)
        horizon = self.settings.forecaster.horizon_bars
        calibrated = calibrate(rows, score, self.outcome[rows], self.deviation[rows], horizon)
        times = self.market.times[rows]
        made_at = times + self.market.interval
        frame = pd.DataFrame(
            {
                "time": times,
                "symbol": self.market.symbol,
                "horizon_bars": horizon,
                "model_id": self._model_id(forecaster, spec),
                "forecaster": forecaster,
                "made_at": made_at,
                "target_at": made_at + horizon * self.market.interval,
                "score": score,
                **calibrated._asdict(),
                "seed_spread": z.std(axis=1, ddof=1) if z.shape[1] > 1 else np.nan,
                "trained_until": self.trained_until,
                "fold": self.fold_names,
            }
        )
        return frame[rows >= self.start][list(columns.FORECASTS)].reset_index(drop=True)

    def _model_id(self, forecaster: str, spec: ForecasterSpec) -> str:
        parts = self.settings.model_dump(include={"features", "forecaster", "walkforward"})
        parts["forecaster"] |= {"name": spec.name, "trend_share": None}
        if forecaster != f"{spec.name}_net":
            parts["forecaster"]["trend_share"] = self.settings.forecaster.trend_share
        return f"{forecaster}-{hash_json([design_of(spec, self.settings, 1), parts])[:8]}"
