"""``cryptobt forecasters check``: whether a forecaster keeps the contract and sees no future."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from cryptobt.core.errors import CryptobtError
from cryptobt.core.settings import load_settings
from cryptobt.forecasters.registry import design_of, find_forecaster
from cryptobt.jobs import forecaster_causality as causality
from cryptobt.jobs import forecaster_trials as trials
from cryptobt.jobs.forecaster_trials import BARS, NotAskedError, Trial

SMALL = (
    "run.workers=1",
    "walkforward.min_train_rows=60",
    "walkforward.refit_days=120",
    "walkforward.ensemble_seeds=1",
    "training.epochs=2",
    "net.units=8",
    "net.filters=8",
    "net.attention_heads=2",
)
"""Settings of a check that are not the defaults: what it looks for does not depend on the size."""
OK, FAILED, NOT_ASKED = "ok", "failed", "not asked"


class _Check(NamedTuple):
    name: str
    expected: str
    trial: Callable[[Trial], str]
    needed: bool = False
    """Whether nothing more can be asked of a forecaster that fails it."""


CHECKS = (
    _Check("fit", "it can be made and fitted", trials.fits, needed=True),
    _Check("inputs", "predict leaves what it is given unchanged", trials.inputs_unchanged, True),
    _Check("shape", "one answer for each window and target", trials.shape_of_answers, True),
    _Check("finite", "every answer is a finite number", trials.finite_answers, True),
    _Check("same seed", "fitted twice with one seed, it answers alike", trials.same_seed),
    _Check("other seeds", "fitted with two seeds, it answers differently", trials.other_seeds),
    _Check("asked again", "asked again, it answers the same", trials.asked_again),
    _Check("own rows", "an answer depends on the rows of its window alone", causality.other_rows),
    _Check("own window", "an answer depends on its own window alone", causality.other_windows),
    _Check("alone", "asked alone, a window gets the same answer", causality.one_at_a_time),
    _Check("future", "no forecast changes with bars after it", causality.future_cut_away),
    _Check("past", "another past gives other answers", trials.another_past),
    _Check("restore", "restored from its arrays, it answers the same", trials.restored),
)


@dataclass(frozen=True)
class Checked:
    """What came of one check.

    Attributes
    ----------
    outcome : str
        ``ok``, ``failed`` or ``not asked``.
    seen : str
        What failed, or why it was not asked; empty where all is well.
    """

    name: str
    outcome: str
    expected: str
    seen: str = ""

    def line(self) -> str:
        """Tell it in one line."""
        shown = "FAILED" if self.outcome == FAILED else self.outcome
        begin = f"{shown:<9}  {self.name:<11}  "
        if self.outcome == OK:
            return begin + self.expected
        if self.outcome == FAILED:
            return f"{begin}{self.seen}; expected: {self.expected}"
        return begin + self.seen


@dataclass(frozen=True)
class CheckReport:
    """What came of all checks of a forecaster."""

    forecaster: str
    target: str
    checks: tuple[Checked, ...]

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [check.name for check in self.checks if check.outcome == FAILED]

    def lines(self) -> list[str]:
        """One line for each check, under one that says of what."""
        head = f"{self.forecaster}, target {self.target}, on {BARS} bars of a simulated market"
        return [head, *(check.line() for check in self.checks)]

    def to_json(self) -> dict[str, Any]:
        """The same as one document."""
        return {
            "schema": 1,
            "forecaster": self.forecaster,
            "target": self.target,
            "bars": BARS,
            "simulated": True,
            "failed": len(self.failed),
            "checks": [asdict(check) for check in self.checks],
        }

    def problem(self) -> str:
        """Say in one line what failed."""
        return (
            f"{len(self.failed)} of {len(self.checks)} checks failed for {self.forecaster}: "
            f"{', '.join(self.failed)}; see docs/forecasters.md for what each asks"
        )


def check_forecaster(name: str, assignments: Iterable[str] = ()) -> CheckReport:
    """Put a forecaster through every check, on a simulated market, in seconds.

    Parameters
    ----------
    name : str
        One of ours, an installed one, or ``my_file.py:MyForecaster``.
    assignments : iterable of str
        Settings, as ``section.key=value``; such as another target.

    Raises
    ------
    UsageError
        If there is no such forecaster, its file does not import, or it cannot learn the target.
    """
    settings = load_settings(None, [*SMALL, *assignments], {})
    spec = find_forecaster(name)
    design_of(spec, settings, 1)
    trial = Trial.on(spec, settings)
    checks: list[Checked] = []
    stopped = ""
    with threadpool_limits(1):
        for check in CHECKS:
            if stopped:
                told = f"it needs the check '{stopped}'"
                checks.append(Checked(check.name, NOT_ASKED, check.expected, told))
                continue
            checks.append(_tried(check, trial))
            if check.needed and checks[-1].outcome == FAILED:
                stopped = check.name
    return CheckReport(spec.name, settings.forecaster.target, tuple(checks))


def _tried(check: _Check, trial: Trial) -> Checked:
    try:
        seen = check.trial(trial)
    except NotAskedError as reason:
        return Checked(check.name, NOT_ASKED, check.expected, str(reason))
    except CryptobtError as error:
        seen = str(error)
    return Checked(check.name, FAILED if seen else OK, check.expected, seen)
