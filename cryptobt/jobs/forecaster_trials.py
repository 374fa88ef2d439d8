"""What a forecaster is put through: each trial says what was seen, or nothing where all is well."""

import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cryptobt.core.settings import Settings
from cryptobt.data.sample import SimulatedMarket, simulate
from cryptobt.features.sets import compute
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.own import AnswerShapeError, ChangedInputError, NotFiniteError
from cryptobt.forecasters.protocol import Forecaster, Windows
from cryptobt.forecasters.registry import TREND_ONLY, ForecasterSpec, design_of, make_forecaster
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.records.content import ContentStore

BARS = 720
_MARKET, _OTHER_MARKET = 23, 29
_SINGLE = 8
_SEED = 7


class NotAskedError(Exception):
    """A trial that means nothing for this forecaster; says why."""


@dataclass(frozen=True)
class Trial:
    """A forecaster, and the simulated market that it is tried on.

    Attributes
    ----------
    samples : Samples
        Of the market, daily bars.
    fold : Fold
        The last one that forecasts a hundred bars or more, else the last.
    """

    spec: ForecasterSpec
    settings: Settings
    coin: SimulatedMarket
    samples: Samples
    fold: Fold

    @classmethod
    def on(cls, spec: ForecasterSpec, settings: Settings, seed: int = _MARKET) -> "Trial":
        """Lay a simulated market of this seed out."""
        coin = simulate("SIMULATED", BARS, seed=seed)
        market, extras = coin.market, (coin.onchain, coin.sentiment)
        features = compute(settings.features.set, market, extras)
        samples = make_samples(market, features, settings)
        folds = plan_folds(samples, settings.forecaster, settings.walkforward)
        large = [fold for fold in folds if len(fold.predicted) >= 100]
        return cls(spec, settings, coin, samples, (large or folds)[-1])

    def make(self, seed: int = _SEED) -> Forecaster:
        """Make the forecaster, unfitted."""
        return make_forecaster(self.spec.address, design_of(self.spec, self.settings, 1), seed)

    def fit(self, seed: int = _SEED) -> Forecaster:
        """Make it and fit it to the fold."""
        return self.make(seed).fit(*self.fold.learning(self.samples))

    @cached_property
    def fitted(self) -> Forecaster:
        """One that is fitted once, and asked by most trials."""
        return self.fit()

    @property
    def asked(self) -> Windows:
        """Windows that the fold forecasts from, in arrays of their own."""
        windows = self.fold.forecasting(self.samples)
        return replace(windows, rows=windows.rows.copy(), log_close=windows.log_close.copy())

    @cached_property
    def answers(self) -> np.ndarray:
        """What the fitted one answers to all of them."""
        return self.ask(self.asked)

    def ask(self, windows: Windows, model: Forecaster | None = None) -> np.ndarray:
        """Ask, and keep the answers apart from whatever the forecaster does to its own."""
        return np.array((model or self.fitted).predict(windows).answers, dtype=float)

    @property
    def single(self) -> list[int]:
        """Positions of a few windows, from the first to the last."""
        last = len(self.fold.predicted) - 1
        return sorted({int(place) for place in np.linspace(0, last, _SINGLE)})

    @property
    def outputs(self) -> int:
        """Answers to a window that are expected."""
        if self.spec.trained:
            return self.samples.targets.shape[1]
        known = self.samples.known.shape[1]
        return known if self.spec.name == TREND_ONLY else len(self.settings.forecaster.horizons)

    def differing(self, said: np.ndarray, places: np.ndarray | None = None) -> str:
        """Tell which answers differ from those that were given at first; nothing if none does."""
        places = np.arange(len(self.answers)) if places is None else places
        first = self.answers[places]
        if said.shape != first.shape:
            return f"answers of shape {said.shape}"
        wrong = (said != first).any(axis=1)
        if not wrong.any():
            return ""
        gap = np.abs(said - first).max()
        bar = self.samples.times[self.fold.predicted[places[wrong.argmax()]]]
        return f"{wrong.sum()} of {len(said)} answers differ, by up to {gap:.2g} (first: {bar:%F})"


def fits(trial: Trial) -> str:
    """Make and fit."""
    assert trial.fitted is not None
    return ""


def inputs_unchanged(trial: Trial) -> str:
    """Compare what was given, before and after."""
    windows, before = trial.asked, trial.asked
    try:
        trial.fitted.predict(windows)
    except ChangedInputError as error:
        return str(error)
    except (AnswerShapeError, NotFiniteError):
        pass  # said by the trials that look at the answers
    changed = [
        name
        for name in ("rows", "log_close", "ends", "known", "deviation", "slots")
        if not np.array_equal(getattr(windows, name), getattr(before, name), equal_nan=True)
    ]
    return f"changed: {', '.join(changed)}" if changed else ""


def shape_of_answers(trial: Trial) -> str:
    """Count the answers."""
    expected = (len(trial.asked), trial.outputs)
    try:
        shape = trial.answers.shape
    except AnswerShapeError as error:
        return str(error)
    except NotFiniteError:
        return ""
    return "" if shape == expected else f"shape {shape}, not {expected}"


def finite_answers(trial: Trial) -> str:
    """Look for NaN and infinity, also in answers to the windows that it learnt from."""
    try:
        parts = [trial.answers, *map(trial.ask, trial.fold.learning(trial.samples))]
    except NotFiniteError as error:
        return str(error)
    wrong = sum(int((~np.isfinite(part)).sum()) for part in parts)
    return f"{wrong} of {sum(part.size for part in parts)} are not finite" if wrong else ""


def same_seed(trial: Trial) -> str:
    """Fit another one with the same seed."""
    return trial.differing(trial.ask(trial.asked, trial.fit()))


def other_seeds(trial: Trial) -> str:
    """Fit another one with another seed."""
    if not trial.spec.random:
        raise NotAskedError("it does not say that seeds matter (random = True)")
    same = np.array_equal(trial.ask(trial.asked, trial.fit(_SEED + 1)), trial.answers)
    return "the answers of two seeds are equal" if same else ""


def asked_again(trial: Trial) -> str:
    """Ask the same thing twice more."""
    again = trial.differing(trial.ask(trial.asked))
    return again or trial.differing(trial.ask(trial.asked))


def another_past(trial: Trial) -> str:
    """Fit and ask in another market."""
    if not trial.spec.trained:
        raise NotAskedError("a rule need not look at the past")
    other = Trial.on(trial.spec, trial.settings, _OTHER_MARKET)
    same = np.array_equal(other.answers, trial.answers)
    return "the answers in two markets are equal" if same else ""


def restored(trial: Trial) -> str:
    """Keep the fitted one as the fold cache does, and ask what comes back."""
    if not trial.spec.trained:
        raise NotAskedError("a rule is never kept")
    arrays = trial.fitted.arrays()
    if arrays is None:
        raise NotAskedError("it has no arrays: it is fitted again when it is asked anew")
    with tempfile.TemporaryDirectory() as folder:
        store = ContentStore(Path(folder))
        store.put("0" * 64, arrays, {})
        entry = store.get("0" * 64)
    assert entry is not None, "it was written just now"
    return trial.differing(trial.ask(trial.asked, trial.make().restore(entry.arrays)))
