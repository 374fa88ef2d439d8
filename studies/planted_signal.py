"""Forecasters on markets whose predictability is known: planted, or none at all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from scipy.special import ndtr  # type: ignore[import-untyped]
from scipy.stats import binom, t  # type: ignore[import-untyped]

from cryptobt.core.settings import Settings, load_settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import FeatureTable, compute
from cryptobt.forecasters.folds import Samples, plan_folds
from cryptobt.forecasters.importance import (
    far_donors,
    permute_features,
    permute_lags,
    squared_errors,
)
from cryptobt.forecasters.predictions import predictions
from cryptobt.forecasters.protocol import Forecaster, Windows
from cryptobt.forecasters.registry import FORECASTERS, design_of, find_forecaster, make_forecaster
from cryptobt.forecasters.table import ForecastTable, realised
from cryptobt.forecasters.tasks import plan_tasks
from cryptobt.forecasters.walkforward import ask, make_samples
from cryptobt.metrics.accuracy import price_errors
from cryptobt.metrics.significance import binomial_band
from cryptobt.records.content import ContentStore
from studies.planted_markets import RHO, plant

COMMON = ("forecaster.target=next_return", "walkforward.split=single", "run.workers=1")
SEEN = (
    *COMMON, "forecaster.window_bars=2", "net.units=16", "net.filters=16", "training.batch=256",
    "training.learning_rate=0.01", "training.epochs=60", "training.patience=15",
)  # fmt: skip
"""A small net, larger batches and steps than the default, and three seeds as by default."""
SEEN_COLUMNS, SEEN_LAG = 3, 1
SOUGHT = (
    *COMMON, "forecaster.window_bars=10", "net.units=16", "net.filters=16", "training.batch=128",
    "training.learning_rate=0.003", "walkforward.ensemble_seeds=1",
)  # fmt: skip
"""Ten bars of six columns: where in them is the signal?"""
SOUGHT_COLUMNS, SOUGHT_LAG, DRAWS = 6, 3, 5
NOTHING = (
    *COMMON, "forecaster.window_bars=10", "net.units=8", "net.filters=8", "training.epochs=5",
    "walkforward.ensemble_seeds=1", "walkforward.test_share=0.3",
)  # fmt: skip
LEVEL, AT_ONCE = 0.95, 2
T = TypeVar("T")


class Mean(NamedTuple):
    """Mean over independent markets with its interval, by Student's t."""

    value: float
    low: float
    high: float


class Seen(NamedTuple):
    """Edge of a forecaster on one market: right calls over one half.

    Attributes
    ----------
    measured : float
        Against the returns that came.
    expected : float
        Against the chances that the signal gave at each bar: the same without the luck of the
        draw.
    """

    measured: float
    expected: float


class Sought(NamedTuple):
    """What a fitted forecaster loses by permutation, as a share of its squared error.

    Attributes
    ----------
    features, lags : ndarray, shape (F,), (T,)
        Of each column, and of each lag, 0 the newest.
    attention : ndarray, shape (T,)
        Mean weight of each lag; empty where the forecaster has none.
    """

    features: np.ndarray
    lags: np.ndarray
    attention: np.ndarray


class Nothing(NamedTuple):
    """A forecaster on one martingale: right calls of how many, and R² of its prices."""

    right: int
    calls: int
    price_r2: float


def everywhere(make: Callable[[int], T], markets: int) -> list[T]:
    """Do the same for several markets, two at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(make, range(markets)))


def mean_of(values: Sequence[float]) -> Mean:
    """Average over markets."""
    found = np.asarray(values, dtype=float)
    error = found.std(ddof=1) / np.sqrt(len(found)) * t.ppf((1 + LEVEL) / 2, len(found) - 1)
    return Mean(float(found.mean()), float(found.mean() - error), float(found.mean() + error))


def seen(
    kind: str,
    seed: int,
    names: Sequence[str],
    cache: ContentStore,
    assignments: Sequence[str] = SEEN,
    columns: int = SEEN_COLUMNS,
    lag: int = SEEN_LAG,
) -> dict[str, Seen]:
    """Measure how much of a planted signal forecasters see."""
    planted = plant(kind, seed, columns=columns, lag=lag)
    asked = _asked(planted.market, planted.features, names, _settings(assignments), cache)
    chances = pd.Series(ndtr(RHO / np.sqrt(1 - RHO**2) * planted.signal) - 0.5)
    chances.index = planted.market.times
    return {name: _edge(frame, chances) for name, frame in asked.items()}


def _edge(frame: pd.DataFrame, chances: pd.Series) -> Seen:
    known = frame[frame["actual_return"].notna()]
    calls = np.sign(known["call"].to_numpy())
    came = np.sign(known["actual_return"].to_numpy())
    chance = chances.reindex(pd.DatetimeIndex(known["time"])).to_numpy()
    return Seen(float((calls * came).mean() / 2), float((calls * chance).mean()))


def sought(cache: ContentStore, name: str, seed: int) -> Sought:
    """Permute the columns and the lags of a linear signal's windows, and see what that costs."""
    planted = plant("linear", seed, columns=SOUGHT_COLUMNS, lag=SOUGHT_LAG)
    settings = _settings(SOUGHT)
    samples = make_samples(planted.market, planted.features, settings)
    model, windows = _fitted(name, samples, settings, cache)
    base = squared_errors(model, windows).mean()
    stream = np.random.default_rng(seed)
    donors = [far_donors(windows, stream) for _ in range(DRAWS)]

    def loss(permute: Callable[[np.ndarray], Windows]) -> float:
        worse = [squared_errors(model, permute(others)).mean() for others in donors]
        return float(np.mean(worse) / base - 1)

    features = [loss(partial(permute_features, windows, [c])) for c in range(SOUGHT_COLUMNS)]
    lags = [loss(partial(permute_lags, windows, [lag])) for lag in range(windows.length)]
    attention = model.predict(windows).attention  # (w, heads, T)
    shown = attention.mean(axis=(0, 1))[::-1] if attention.size else np.zeros(0)
    return Sought(np.array(features), np.array(lags), shown)


def _fitted(
    name: str, samples: Samples, settings: Settings, cache: ContentStore
) -> tuple[Forecaster, Windows]:
    """Fit by way of the cache; give the model and the windows it was not fitted to, with labels."""
    (fold,) = plan_folds(samples, settings.forecaster, settings.walkforward)
    spec = find_forecaster(name)
    ask(spec, samples, [fold], settings, cache, lambda _: None)
    (task,) = plan_tasks(spec, samples, [fold], settings)
    entry = cache.get(task.fit_key)
    assert entry is not None, "it was fitted just now"
    model = make_forecaster(name, design_of(spec, settings, 1), task.seed).restore(entry.arrays)
    known = fold.predicted[np.isfinite(samples.targets[fold.predicted]).all(axis=1)]
    stop = known[-1] + 1
    return model, samples.windows(known, 0, stop, fold.date, labelled=True)


def nothing(cache: ContentStore, names: Sequence[str], seed: int) -> dict[str, Nothing]:
    """Ask forecasters about a martingale: there is nothing to see."""
    market = simulate("NONE-USD", 2000, seed=1000 + seed, strength=0.0).market
    settings = _settings(NOTHING)
    features = compute(settings.features.set, market)
    asked = _asked(market, features, names, settings, cache)
    return {name: _right(frame) for name, frame in asked.items()}


def _right(frame: pd.DataFrame) -> Nothing:
    known = frame[frame["actual_return"].notna()]
    called = known[known["call"] != 0]
    right = (called["call"] > 0) == (called["actual_return"] > 0)
    before, actual, predicted = (
        known[name].to_numpy() for name in ("last_close", "actual", "predicted")
    )
    r2 = price_errors(before, actual, predicted, "USD")["r2"]
    assert not isinstance(r2, int), "a metric"
    return Nothing(int(right.sum()), len(called), np.nan if r2.value is None else r2.value)


def outside(found: Sequence[Nothing]) -> tuple[int, float]:
    """Count the markets on which accuracy left a coin's band, and how many would by luck."""
    called = [one for one in found if one.calls]
    bands = [binomial_band(one.calls, LEVEL) for one in called]
    left = [
        not low <= one.right / one.calls <= high
        for one, (low, high) in zip(called, bands, strict=True)
    ]
    return sum(left), sum(_beyond(one.calls) for one in called)


def _beyond(calls: int) -> float:
    """Probability that a coin leaves its own band, which is a little below 1 − level."""
    low, high = binom.interval(LEVEL, calls, 0.5)
    return float(binom.cdf(low - 1, calls, 0.5) + binom.sf(high, calls, 0.5))


def _asked(
    market: MarketData,
    features: FeatureTable,
    names: Sequence[str],
    settings: Settings,
    cache: ContentStore,
) -> dict[str, pd.DataFrame]:
    """Predictions of each forecaster for the last part of the bars, beside what came."""
    samples = make_samples(market, features, settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    outcomes = [realised(market, horizon) for horizon in settings.forecaster.horizons]
    table = ForecastTable(market, settings, outcomes, int(folds[0].predicted[0]), folds)
    found = {}
    for name in names:
        spec = FORECASTERS[name]
        answers = ask(spec, samples, folds, settings, cache, lambda _: None)
        found[name] = predictions(market, spec, answers, table)
    return found


def _settings(assignments: Sequence[str]) -> Settings:
    return load_settings(None, assignments, {})
