"""``python -m studies.statistics_check``: our statistics of skill beside two independent packages.

Neither package is needed by anything else: install them into an environment of their own that also
holds this project, ``pip install purgedcv holdout-backtest``. Written to stdout is the largest
difference over random inputs of the probabilistic and the deflated Sharpe ratio, of the minimum
track record and of the probability of overfitting, with what is known to make the two differ.
"""

import math
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from cryptobt.metrics.overfitting import Overfitting, probability_of_overfitting
from cryptobt.metrics.sharpe import (
    Moments,
    expected_best_sharpe,
    min_track_record,
    moments,
    probabilistic_sharpe,
)

RECORDS, TABLES, LEVEL = 300, 12, 0.95
PACKAGES = {"purgedcv": "purgedcv", "holdout": "holdout-backtest"}
OTHER_MOMENTS = "it takes the deviation with ddof 0, and adjusts skew and kurtosis"
Pair = tuple[float, float]


class Comparison(NamedTuple):
    """One statistic beside the same of a package.

    Attributes
    ----------
    pairs : callable
        From the package to pairs of numbers, ours first.
    why : str
        What makes them differ by more than rounding, if anything does.
    """

    package: str
    statistic: str
    pairs: Callable[[Any], Iterator[Pair]]
    why: str = ""


def main() -> None:
    """Write the largest difference of each statistic, or that a package is missing."""
    for module, distribution in PACKAGES.items():
        if find_spec(module) is None:
            _say(f"{distribution} is not installed: pip install {distribution}")
            continue
        package = import_module(module)
        for one in COMPARISONS:
            if one.package == module:
                largest = max(abs(ours - theirs) for ours, theirs in one.pairs(package))
                _say(f"{distribution:17} {one.statistic:34} {largest:9.1e}  {one.why}".rstrip())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _records() -> Iterator[np.ndarray]:
    """Fat-tailed, skewed returns of 30 to 2,000 bars, some with a drift and some without."""
    random = np.random.default_rng(20)
    for _ in range(RECORDS):
        bars = int(random.integers(30, 2000))
        drawn = random.standard_t(5, size=bars) + 0.3 * random.exponential(size=bars)
        yield 0.02 * (drawn - 0.3 + random.normal(0, 0.1))


def _tables(trials: int) -> Iterator[np.ndarray]:
    """Returns of so many trials over 160 bars, one of them with a little skill in every other."""
    for seed in range(TABLES):
        returns = 0.02 * np.random.default_rng(seed).normal(size=(160, trials))
        returns[:, 0] += 0.002 * (seed % 2)
        yield returns


def _adjusted(found: Moments) -> Moments:
    """The same with the deviation of ddof 0, and skew and kurtosis adjusted for small samples."""
    n = found.bars
    skew = found.skew * math.sqrt(n * (n - 1)) / (n - 2)
    excess = ((n + 1) * (found.kurtosis - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
    return Moments(found.sharpe * math.sqrt(n / (n - 1)), skew, excess + 3, n)


def _best(found: Moments) -> float:
    return expected_best_sharpe(40, 1 / found.bars)


def _purged_psr(package: Any) -> Iterator[Pair]:
    for returns in _records():
        yield (
            probabilistic_sharpe(moments(returns)),
            package.probabilistic_sharpe_ratio(returns, 0.0),
        )


def _purged_psr_alike(package: Any) -> Iterator[Pair]:
    for returns in _records():
        ours = probabilistic_sharpe(_adjusted(moments(returns)))
        yield ours, package.probabilistic_sharpe_ratio(returns, 0.0)


def _purged_dsr(package: Any) -> Iterator[Pair]:
    for returns in _records():
        found = moments(returns)
        theirs = package.deflated_sharpe_ratio(returns, 40, 1 / len(returns))
        yield probabilistic_sharpe(found, _best(found)), theirs


def _purged_dsr_alike(package: Any) -> Iterator[Pair]:
    for returns in _records():
        found = _adjusted(moments(returns))
        theirs = package.deflated_sharpe_ratio(returns, 40, 1 / len(returns))
        yield probabilistic_sharpe(found, _best(found)), theirs


def _purged_length(package: Any) -> Iterator[Pair]:
    for found in _with_a_length():
        theirs = package.min_track_record_length(
            found.sharpe, 0.0, 1 - LEVEL, found.skew, found.kurtosis
        )
        yield min_track_record(found, level=LEVEL), theirs


def _purged_length_alike(package: Any) -> Iterator[Pair]:
    for ours, theirs in _purged_length(package):
        yield math.ceil(ours), theirs


def _purged_pbo(trials: int, name: str) -> Callable[[Any], Iterator[Pair]]:
    def pairs(package: Any) -> Iterator[Pair]:
        for returns in _tables(trials):
            theirs = package.probability_of_backtest_overfitting(returns.T, 8)
            yield _number(probability_of_overfitting(returns, 8), name), getattr(theirs, name)

    return pairs


def _purged_pbo_alike(package: Any) -> Iterator[Pair]:
    for returns in _tables(7):
        theirs = package.probability_of_backtest_overfitting(returns.T, 8)
        # Their own λ, counted where it is 0 as well.
        yield (
            _number(probability_of_overfitting(returns, 8), "pbo"),
            float((theirs.logits <= 0).mean()),
        )


def _holdout_psr(package: Any) -> Iterator[Pair]:
    for found in map(moments, _records()):
        shape = {"skewness": found.skew, "kurtosis": found.kurtosis}
        theirs = package.probabilistic_sharpe_ratio(found.sharpe, found.bars, **shape)
        yield probabilistic_sharpe(found), theirs


def _holdout_moments(package: Any) -> Iterator[Pair]:
    for returns in _records():
        ours, theirs = moments(returns), package.estimate_sharpe(returns)
        yield from zip(ours[:3], (theirs.value, theirs.skewness, theirs.kurtosis), strict=True)


def _holdout_dsr(package: Any) -> Iterator[Pair]:
    for found in map(moments, _records()):
        shape = {"skewness": found.skew, "kurtosis": found.kurtosis}
        trials = {"n_trials": 40, "trials_variance": 1 / found.bars}
        theirs = package.deflated_sharpe_ratio(found.sharpe, found.bars, **trials, **shape)
        yield probabilistic_sharpe(found, _best(found)), theirs


def _holdout_length(package: Any) -> Iterator[Pair]:
    for found in _with_a_length():
        shape = {"skewness": found.skew, "kurtosis": found.kurtosis}
        theirs = package.minimum_track_record_length(found.sharpe, confidence=LEVEL, **shape)
        yield min_track_record(found, level=LEVEL) / theirs, 1.0


def _holdout_pbo(trials: int, name: str) -> Callable[[Any], Iterator[Pair]]:
    def pairs(package: Any) -> Iterator[Pair]:
        for returns in _tables(trials):
            theirs = package.probability_of_backtest_overfitting(returns, n_blocks=8)
            numbers = {
                "pbo": theirs.pbo,
                "slope": theirs.degradation[0],
                "loss": theirs.probability_of_loss,
            }
            yield _number(probability_of_overfitting(returns, 8), name), numbers[name]

    return pairs


def _with_a_length() -> Iterator[Moments]:
    """Records whose Sharpe ratio is above 0, by enough that no length is beyond 30,000 bars."""
    yield from (found for found in map(moments, _records()) if found.sharpe > 0.01)


def _number(found: Overfitting, name: str) -> float:
    metric = {"pbo": found.value, "slope": found.slope, "loss": found.loss_probability}[name]
    return math.nan if metric.value is None else metric.value


COMPARISONS = (
    Comparison("purgedcv", "PSR", _purged_psr, OTHER_MOMENTS),
    Comparison("purgedcv", "PSR, by its moments", _purged_psr_alike),
    Comparison("purgedcv", "DSR", _purged_dsr, OTHER_MOMENTS),
    Comparison("purgedcv", "DSR, by its moments", _purged_dsr_alike),
    Comparison("purgedcv", "MinTRL, in bars", _purged_length, "it rounds up to whole bars"),
    Comparison("purgedcv", "MinTRL, both rounded up", _purged_length_alike),
    Comparison("purgedcv", "PBO, 10 trials", _purged_pbo(10, "pbo")),
    Comparison("purgedcv", "PBO slope, 10 trials", _purged_pbo(10, "slope")),
    Comparison("purgedcv", "PBO, 7 trials", _purged_pbo(7, "pbo"), "it counts λ < 0, not λ ≤ 0"),
    Comparison("purgedcv", "PBO, 7 trials, both λ ≤ 0", _purged_pbo_alike),
    Comparison("holdout", "SR, skew, kurtosis", _holdout_moments),
    Comparison("holdout", "PSR", _holdout_psr),
    Comparison("holdout", "DSR", _holdout_dsr),
    Comparison("holdout", "MinTRL, as a ratio", _holdout_length),
    Comparison("holdout", "PBO, 10 trials", _holdout_pbo(10, "pbo")),
    Comparison("holdout", "PBO, 7 trials", _holdout_pbo(7, "pbo")),
    Comparison("holdout", "PBO slope, 7 trials", _holdout_pbo(7, "slope")),
    Comparison("holdout", "PBO loss probability, 7 trials", _holdout_pbo(7, "loss")),
)


if __name__ == "__main__":
    main()
