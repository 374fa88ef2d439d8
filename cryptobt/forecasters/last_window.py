"""A trained forecaster asked again at the newest bar, with the features of that bar edited."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.forecasters.answers import Answers, standardised
from cryptobt.forecasters.examine_all import one_thread, restored
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.nearness import LearntRows
from cryptobt.forecasters.opinions import opinions
from cryptobt.forecasters.protocol import Forecaster, Prediction, Windows
from cryptobt.forecasters.registry import TREND_ONLY, ForecasterSpec, find_forecaster
from cryptobt.forecasters.table import ForecastTable, realised
from cryptobt.forecasters.tasks import FitTask, plan_tasks
from cryptobt.forecasters.walkforward import ask, first_decision, make_samples, needed_folds
from cryptobt.forecasters.workers import Progress
from cryptobt.records.content import ContentStore


@dataclass(frozen=True)
class Member:
    """One seed of the newest fold: its model, and what its opinions are set against.

    Attributes
    ----------
    centre : ndarray, shape (2, H)
        Mean and deviation of the opinions on the fold's own windows.
    """

    task: FitTask
    model: Forecaster
    centre: np.ndarray


@dataclass(frozen=True)
class Reply:
    """What the ensemble says of one edited row.

    Attributes
    ----------
    row : dict
        Row of the forecasts table, of the nearest horizon.
    gates : ndarray, shape (F,)
        Mean over the window and the ensemble; NaN where there are none.
    attention : ndarray, shape (heads, T)
        Mean over the ensemble; no heads where there are none.
    """

    row: dict[Any, Any]
    gates: np.ndarray
    attention: np.ndarray


@dataclass(frozen=True)
class LastWindow:
    """The newest fold of a forecaster at the last bar, and what every bar before was answered.

    Attributes
    ----------
    fold : Fold
        The one that forecasts the last bar.
    own, trend : Answers
        Of the forecaster, and of the trend that is known at each bar.
    share : float
        Share of the known trend in the score.
    """

    spec: ForecasterSpec
    samples: Samples
    fold: Fold
    table: ForecastTable
    own: Answers
    trend: Answers
    share: float
    members: tuple[Member, ...]

    @property
    def row(self) -> np.ndarray:
        """Features of the last bar, shape (F,)."""
        return self.samples.rows[-1]

    def learnt_rows(self) -> LearntRows:
        """Rows that the newest fold has learnt from."""
        return LearntRows.of(self.fold, self.samples)

    def reply(self, row: np.ndarray, close: float | None = None) -> Reply:
        """Ask with another last row; the bars before it, σ and the known trend stay as they were.

        With the last row as it is, the answer is the forecast's own, to the last bit.

        Parameters
        ----------
        row : ndarray, shape (F,)
            Features of the last bar, finite.
        close : float or None
            In place of the last bar's close, where the row holds the close itself.

        Raises
        ------
        UsageError
            If the answer is not finite: a value so far out that the arithmetic ends.
        """
        windows = self._edited(row, close)
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            said = [member.model.predict(windows) for member in self.members]
        z = self.own.z.copy()
        z[-1] = np.stack(
            [self._opinion(*pair, windows) for pair in zip(self.members, said, strict=True)],
            axis=-1,
        )
        if not np.isfinite(z[-1]).all():
            raise UsageError(
                f"{self.spec.name} gives no finite answer to these values; bring them nearer to "
                "what it has learnt from"
            )
        rows = self.table.rows(self.spec.name, self.spec, self._mixed(z), self.share)
        last = rows[rows["time"] == self.samples.times[-1]].sort_values("horizon_bars")
        return Reply(last.to_dict("records")[0], *_looked_at(said, windows))

    def _mixed(self, z: np.ndarray) -> np.ndarray:
        """Give the known trend its share in opinions, shape (m, H, seeds)."""
        return (1 - self.share) * z + self.share * self.trend.z if self.share else z

    def _edited(self, row: np.ndarray, close: float | None) -> Windows:
        """Windows of the whole fold, as forecast asks them; the last row is in the last alone."""
        windows = self.fold.forecasting(self.samples)
        rows, log_close = windows.rows.copy(), windows.log_close.copy()
        rows[-1] = row
        if close is not None:
            log_close[-1] = np.log(close)
        return replace(windows, rows=rows, log_close=log_close)

    def _opinion(self, member: Member, said: Prediction, windows: Windows) -> np.ndarray:
        """Standardised opinion of one member on the last window, shape (H,)."""
        design = member.task.design
        found = opinions(design["target"], design["horizons"], said.answers, windows)
        return standardised(found, member.centre)[-1]


def last_window(
    market: MarketData,
    features: FeatureTable,
    name: str,
    settings: Settings,
    cache: ContentStore,
    report: Callable[[Progress], None],
    *,
    joins_late: bool = False,
) -> LastWindow:
    """Fit or recall what forecasts the last bar, by the same folds as a forecast.

    Causality: as :func:`~cryptobt.forecasters.walkforward.forecast`, whose parameters these are.

    Parameters
    ----------
    name : str
        A trained forecaster.

    Raises
    ------
    DataInvalidError
        If there are too few rows, or the last bar cannot be forecast.
    """
    spec, chosen = find_forecaster(name), settings.forecaster
    samples = make_samples(market, features, settings)
    folds = plan_folds(samples, chosen, settings.walkforward)
    outcomes = [realised(market, horizon) for horizon in chosen.horizons]
    start = first_decision(samples, folds, settings, joins_late=joins_late)
    folds = needed_folds(folds, start, outcomes[-1], settings)
    if not len(folds[-1].predicted) or folds[-1].predicted[-1] != len(samples.times) - 1:
        raise DataInvalidError(
            f"{market.symbol}: the last bar, {samples.times[-1]:%Y-%m-%d %H:%M}, has no forecast: "
            "its window holds a gap, a missing value or warm-up; ask again when more bars have "
            "followed"
        )
    own = ask(spec, samples, folds, settings, cache, report)
    trend = ask(find_forecaster(TREND_ONLY), samples, folds, settings, cache, report)
    return LastWindow(
        spec,
        samples,
        folds[-1],
        ForecastTable(market, settings, outcomes, start, folds),
        own,
        trend,
        chosen.trend_share if chosen.target == "trend" else 0.0,
        tuple(_members(plan_tasks(spec, samples, folds, settings), samples, cache)),
    )


def _members(tasks: list[FitTask], samples: Samples, cache: ContentStore) -> list[Member]:
    """Models of the newest fold, one for each seed."""
    members = []
    with one_thread():
        for task in tasks:
            if task.fold.date == tasks[-1].fold.date:
                entry = cache.get(task.fit_key)
                assert entry is not None, "it was fitted just before"
                model = restored(task, samples, cache)
                members.append(Member(task, model, entry.arrays["centre"]))
    return members


def _looked_at(said: list[Prediction], windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Gates and attention of the last window, means over the ensemble."""
    if not len(said[0].explained):
        return np.full(windows.rows.shape[1], np.nan), np.zeros((0, windows.length))
    gates = np.mean([one.gates[-1] for one in said], axis=0)
    return gates, np.mean([one.attention[-1] for one in said], axis=0)
