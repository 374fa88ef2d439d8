"""Whether a pipeline's result looks like that of a twin which was given the future."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptobt.jobs.measure import Measures
from cryptobt.metrics.direction import direction
from cryptobt.metrics.metric import Metric
from cryptobt.reports.glance import SUSPECT_ACCURACY

EASY = 0.3
"""Strength of a leak that no honest pipeline is as good as."""
_LUCK_ERRORS = 2.576
"""Standard errors within which luck keeps a share 99 % of the time."""


class Shown(NamedTuple):
    """What a pipeline, or a twin of it, would have shown.

    Attributes
    ----------
    accuracy, sharpe, total_return : float or None
    calls : int
        That accuracy is of.
    """

    accuracy: float | None
    sharpe: float | None
    total_return: float | None
    calls: int

    def row(self, name: str, meaning: str) -> dict[str, Any]:
        """A row of ``worth``."""
        return {
            "name": name,
            "accuracy": self.accuracy,
            "sharpe": self.sharpe,
            "total_return": self.total_return,
            "meaning": meaning,
        }


def shown_by(measures: Measures) -> Shown:
    """What the strategy of a run shows."""
    row = measures.rows["strategy"]
    money = measures.performance(row)
    sharpe, total = money["sharpe"]["value"], money["total_return"]["value"]
    called, realised = measures.called(row, measures.ahead.columns)
    if called is None:
        return Shown(None, sharpe, total, 0)
    scored = direction(called, realised, None, measures.level)
    accuracy, calls = scored["accuracy"], scored["n"]
    assert isinstance(accuracy, Metric), "a metric"
    assert isinstance(calls, int), "a count"
    return Shown(accuracy.value, sharpe, total, calls)


def beside_twins(own: Shown, twins: Mapping[float, Shown], target: str) -> str:
    """Say in a sentence whether a result looks like a leaking twin's.

    Parameters
    ----------
    twins : mapping
        By the correlation of what they know with the next return; :data:`EASY` and 1 among them.
    target : str
        What the pipeline learns, in words.
    """
    if own.accuracy is None or any(twin.accuracy is None for twin in twins.values()):
        return _by_sharpe(own, twins)
    reach = _LUCK_ERRORS * 0.5 / max(own.calls, 1) ** 0.5
    ahead = [rho for rho, twin in twins.items() if (twin.accuracy or 0) > own.accuracy + reach]
    told = f"As it is, {own.accuracy:.1%} of its calls came true"
    if own.accuracy > max(SUSPECT_ACCURACY, 0.5 + reach) and EASY not in ahead:
        return (
            f"{told}; with {EASY:g} of tomorrow it would be {twins[EASY].accuracy:.1%}: it looks "
            "like a leaking twin; do not believe it before it is clear where it knows that much "
            "from"
        )
    if not ahead:
        return (
            f"{told}; a twin that knows tomorrow's return has {twins[1.0].accuracy:.1%}: this "
            f"pipeline can hardly use it (its target is {target}), and the comparison says nothing "
            "about a leak"
        )
    weak = [f"{rho:g}" for rho in twins if rho not in ahead]
    hidden = f"; a leak of {' or '.join(weak)} would not show in accuracy" if weak else ""
    share = "tomorrow's return" if min(ahead) == 1 else f"{min(ahead):g} of tomorrow"
    return (
        f"{told}; a twin that knows {share} has {twins[min(ahead)].accuracy:.1%}: it does not "
        f"look like a leaking twin{hidden}"
    )


def _by_sharpe(own: Shown, twins: Mapping[float, Shown]) -> str:
    easy = twins[EASY].sharpe
    if own.sharpe is None or easy is None:
        return "It trades too little to be set beside a leaking twin"
    told = f"As it is, its Sharpe ratio is {own.sharpe:.2f}, that of a twin with {EASY:g} of"
    like = "it looks like" if own.sharpe >= easy else "it does not look like"
    return f"{told} tomorrow {easy:.2f}: {like} a leaking twin"
