"""Walk-forward folds: what each one may learn from, and which bars it forecasts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import ForecasterSettings, WalkforwardSettings
from cryptobt.core.time import DAY, iso, parse_day
from cryptobt.features.windows import unbroken_rows
from cryptobt.forecasters.protocol import Seen, Windows


@dataclass(frozen=True)
class Samples:
    """All windows of one symbol: features, labels and which bars can end a window.

    Attributes
    ----------
    times : DatetimeIndex, length n
        Open times of the bars.
    rows : ndarray, shape (n, F)
        Features.
    log_close, deviation : ndarray, shape (n,)
        Log close, and σ of one bar's log return as it is known at each bar.
    known : ndarray, shape (n, heads)
        The trend that is known at each bar.
    targets : ndarray, shape (n, K)
        Labels; NaN where not known yet.
    ends : ndarray of int
        Bars that can end a window.
    length : int
        Bars in a window.
    ahead : int
        Bars after its window that a target looks at.
    names : tuple of str
        Of the features, to tell what is missing.
    warm_up : int
        Bars before the first that can end a window, where the data have no gap.
    scaler_sees_all : bool
        Whether scalers are fitted to all rows, those after the fold's date included.
    """

    times: pd.DatetimeIndex
    interval: pd.Timedelta
    rows: np.ndarray
    log_close: np.ndarray
    deviation: np.ndarray
    known: np.ndarray
    targets: np.ndarray
    ends: np.ndarray
    length: int
    ahead: int
    names: tuple[str, ...] = ()
    warm_up: int = 0
    scaler_sees_all: bool = False

    def windows(
        self, ends: np.ndarray, first: int, stop: int, origin: pd.Timestamp, labelled: bool
    ) -> Windows:
        """Windows ending at these bars, given rows ``first`` to ``stop`` and no others."""
        slots = np.asarray((self.times[ends] - origin) // self.interval, dtype=np.int64)
        targets = self.targets[ends] if labelled else None
        return Windows(
            self.rows[first:stop],
            self.log_close[first:stop],
            ends - first,
            self.length,
            self.known[ends],
            self.deviation[ends],
            targets,
            slots,
            self._all_seen() if labelled else None,
        )

    def _all_seen(self) -> Seen | None:
        if not self.scaler_sees_all:
            return None
        whole = np.isfinite(self.rows).all(axis=1)
        return Seen(self.rows[whole], self.log_close[whole])


@dataclass(frozen=True)
class Fold:
    """One refit: made at ``date`` from bars closed by then, used for bars that open from then on.

    Attributes
    ----------
    date : Timestamp
        Anchor plus a multiple of ``refit_days``, whatever was loaded.
    first, stop : int
        Rows that the fit may see.
    training, validation, predicted : ndarray of int
        Bars that end the windows of each part. Every target of the first two is known at
        ``date``; no training target reaches into the validation part.
    """

    date: pd.Timestamp
    first: int
    stop: int
    training: np.ndarray
    validation: np.ndarray
    predicted: np.ndarray

    @property
    def name(self) -> str:
        """The fold's date, as it stands in files."""
        return iso(self.date)

    def learning(self, samples: Samples) -> tuple[Windows, Windows]:
        """Windows to learn from and to validate with, with their targets."""
        origin = samples.times[self.first]
        training, validation = (
            samples.windows(ends, self.first, self.stop, origin, labelled=True)
            for ends in (self.training, self.validation)
        )
        return training, validation

    def forecasting(self, samples: Samples) -> Windows:
        """Windows to forecast from, without targets."""
        if not len(self.predicted):
            return samples.windows(self.predicted, 0, 0, self.date, labelled=False)
        first, stop = self.predicted[0] - samples.length, self.predicted[-1] + 1
        return samples.windows(self.predicted, first, stop, self.date, labelled=False)


def plan_folds(
    samples: Samples, forecaster: ForecasterSettings, walkforward: WalkforwardSettings
) -> list[Fold]:
    """Lay out every fold that has enough rows to learn from.

    Causality: a fold's training rows depend on bars closed by its date alone.

    Raises
    ------
    DataInvalidError
        If not one fold has ``min_train_rows``; says how many bars would be needed.
    """
    folds = []
    for date, until in _dates(samples, walkforward):
        fold = _fold(samples, date, until, forecaster, walkforward)
        learnt = len(fold.training), len(fold.validation)
        if min(learnt) > 0 and sum(learnt) >= walkforward.min_train_rows:
            folds.append(fold)
    if not folds:
        raise DataInvalidError(_too_few(samples, walkforward))
    return folds


def _dates(
    samples: Samples, walkforward: WalkforwardSettings
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Give the date of each refit and of the next one."""
    if walkforward.split == "single":
        labelled = samples.ends[_labelled(samples, samples.ends)]
        tested = round(len(labelled) * walkforward.test_share)
        if 0 < tested < len(labelled):
            yield samples.times[labelled[-tested]], samples.times[-1] + samples.interval
        return
    anchor = parse_day(walkforward.anchor, "walkforward.anchor")
    step = DAY * walkforward.refit_days
    number = int((samples.times[0] - anchor) // step)
    while (date := anchor + step * number) <= samples.times[-1]:
        yield date, date + step
        number += 1


def _fold(
    samples: Samples,
    date: pd.Timestamp,
    until: pd.Timestamp,
    forecaster: ForecasterSettings,
    walkforward: WalkforwardSettings,
) -> Fold:
    # A bar belongs to the past of `date` when it has closed by then.
    stop = int(samples.times.searchsorted(date - samples.interval, side="right"))
    purge = max(forecaster.purge_bars, samples.ahead)
    first = _first_row(samples, date, walkforward)
    ends = samples.ends[(samples.ends >= first + samples.length) & (samples.ends < stop - purge)]
    ends = ends[_labelled(samples, ends)]
    training, validation = _validated(ends, purge, walkforward)
    begin, end = samples.times.searchsorted([date, until])
    predicted = samples.ends[(samples.ends >= begin) & (samples.ends < end)]
    return Fold(date, first, stop, training, validation, predicted)


def _validated(
    ends: np.ndarray, purge: int, walkforward: WalkforwardSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Take windows to validate with off those to learn from; the newest, purged, if honest."""
    step = walkforward.stride_bars
    ends = ends[::-1][::step][::-1]
    kept = len(ends) - round(len(ends) * walkforward.validation_share)
    if walkforward.validation == "shuffled":
        drawn = np.random.default_rng(walkforward.seed).permutation(ends)
        return np.sort(drawn[:kept]), np.sort(drawn[kept:])
    validation = ends[kept:]
    training = ends[:kept]
    return training[training < validation[0] - purge] if len(validation) else training, validation


def _first_row(samples: Samples, date: pd.Timestamp, walkforward: WalkforwardSettings) -> int:
    if walkforward.history == "expanding":
        return 0
    return int(samples.times.searchsorted(date - DAY * walkforward.history))


def _labelled(samples: Samples, ends: np.ndarray) -> np.ndarray:
    """Which windows have a whole label: no gap behind them, and σ known, as it is after 20 bars."""
    known = np.isfinite(samples.targets).all(axis=1) & np.isfinite(samples.deviation)
    unbroken = unbroken_rows(samples.times, samples.interval)
    last = np.minimum(ends + samples.ahead, len(unbroken) - 1)
    return (ends + samples.ahead == last) & (unbroken[last] >= samples.ahead) & known[ends]


def _too_few(samples: Samples, walkforward: WalkforwardSettings) -> str:
    """Say why no fold has enough: bars, gaps, an empty column, the split or the refit dates."""
    bars, windows = len(samples.times), len(samples.ends)
    wanted = walkforward.min_train_rows + samples.ahead
    between = int(DAY * walkforward.refit_days / samples.interval)
    warm_up = int(samples.ends[0]) if windows else max(samples.warm_up, samples.length)
    has = f"too few rows: {bars} bars give {windows} usable windows of {samples.length} bars"
    if windows >= wanted and walkforward.split == "single":
        share = walkforward.test_share
        if not round(windows * share):
            return f"{has}, and walkforward.test_share {share:g} leaves none to test; raise it"
        return (
            f"{has}, but the last {100 * share:g}% test, and too few are left before "
            f"them: {walkforward.min_train_rows} are needed to train and validate with; lower "
            "walkforward.test_share or walkforward.min_train_rows, or bring more bars"
        )
    if windows >= wanted:
        return (
            f"{has}, but no refit date (every {walkforward.refit_days} days, {between} bars) falls "
            f"behind the {warm_up + wanted} bars that the first training needs, with something to "
            "train on and to validate with; bring more bars, refit more often with --set "
            "walkforward.refit_days=DAYS, or change walkforward.validation_share"
        )
    if bars < warm_up + wanted:
        return (
            f"{has}, and the first training needs {wanted} behind a warm-up of {warm_up} bars; "
            f"bring about {warm_up + wanted + between} bars, or lower walkforward.min_train_rows"
        )
    whole = unbroken_rows(samples.times, samples.interval) >= samples.length
    if whole.sum() < min(bars - samples.length, wanted):
        return f"{has}, and the first training needs {wanted}: most windows span a gap in the data"
    finite = np.isfinite(samples.rows).sum(axis=0)
    if samples.names and finite.min() < wanted + samples.length <= np.median(finite):
        column = samples.names[int(finite.argmin())]
        return (
            f"{has}, and the first training needs {wanted}: feature '{column}' has only "
            f"{finite.min()} values; bring more bars, or a longer file if it comes from one"
        )
    return (
        f"{has}, and the first training needs {wanted}; bring about {warm_up + wanted + between} "
        "bars, or lower walkforward.min_train_rows"
    )
