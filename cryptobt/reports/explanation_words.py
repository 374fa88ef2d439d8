"""What an explanation comes to, in sentences with their numbers."""

from dataclasses import dataclass
from typing import Any, Literal

from cryptobt.reports.numbers import Measure, format_interval, format_percent, measure

Tone = Literal["good", "bad", "warn", "plain"]
_OF_TARGET = {
    "trend": (
        "The target is the smoothed trend, and most of it is already known at the bar: its past "
        "half. These are importances for predicting that target, not for making money."
    ),
    "next_return": (
        "The target is the next return over its deviation, nearly all of it noise: what any input "
        "is worth is small beside the error, and is not yet money after costs."
    ),
    "direction": (
        "The target is the direction, 1 or -1. The error is that of an answer between them; "
        "these are importances for it, not for making money."
    ),
    "scaled_close": (
        "The target is a price, and the last close tells nearly all of it: what holds the price "
        "level is important here, whether or not it tells where the price goes."
    ),
}


@dataclass(frozen=True)
class Sentence:
    """What is said, the numbers behind it, and how it is meant."""

    text: str
    tone: Tone = "plain"
    numbers: str = ""

    @property
    def whole(self) -> str:
        """What is said, and the numbers behind it."""
        return f"{self.text}: {self.numbers}" if self.numbers else self.text


def small(value: float | None) -> str:
    """Write a number of any size with three digits."""
    if value is None:
        return "—"
    return "0" if value == 0 else f"{value:.3g}"


def with_interval(found: Measure) -> str:
    """Write a number and its interval: ``0.012 [0.01, 0.014]``."""
    return f"{small(found.value)} {format_interval(found, small)}".rstrip()


def about_target(document: dict[str, Any]) -> Sentence:
    """Say what an importance for this target is worth."""
    return Sentence(_OF_TARGET[document["target"]], "warn")


def skill_sentence(explained: dict[str, Any]) -> Sentence:
    """Say whether the forecaster knows anything of its target, which all else rests on."""
    mse, variance = (measure(explained, key).value or 0.0 for key in ("mse", "target_variance"))
    if mse >= variance:
        return Sentence(
            f"Its error, MSE {small(mse)}, is no smaller than that of always answering the mean "
            f"of the targets, {small(variance)}: what it needs says nothing about the market.",
            "warn",
        )
    share = format_percent(1 - mse / variance)
    return Sentence(
        f"It explains {share} of the variance of its target out of sample: MSE {small(mse)} "
        f"against {small(variance)} for always answering the mean of the targets."
    )


def attention_verdict(explained: dict[str, Any]) -> Sentence:
    """Say whether attention can be believed, with the numbers of the deletion test."""
    reason = explained["attention"]["reason"]
    if reason:
        return Sentence(f"Attention: {reason}, so there is none to believe.")
    return _verdict(explained["deletion"]["attention"], "Attention", "bars")


def gates_verdict(explained: dict[str, Any]) -> Sentence:
    """Say whether feature gates can be believed, with the numbers of the deletion test."""
    reason = explained["gates"]["reason"]
    if reason:
        return Sentence(f"Gates: {reason}, so there are none to believe.")
    return _verdict(explained["deletion"]["gates"], "The gates", "features")


def judged(deletion: dict[str, Any]) -> dict[str, Any] | None:
    """The deletion that decides; None where nothing could be deleted."""
    return next((t for t in deletion["tests"] if t["share"] == deletion["judged_share"]), None)


def counted(number: int, thing: str) -> str:
    """Write a count with its noun: ``1 fold``, ``33 folds``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _verdict(deletion: dict[str, Any], what: str, things: str) -> Sentence:
    test = judged(deletion)
    if test is None or deletion["believed"] is None:
        return Sentence(f"{what}: not judged, {deletion['reason']}.", "warn")
    count, change = test["count"], test["change"]
    numbers = (
        f"without the {count} of {test['of']} {things} weighted most the answer changes by "
        f"{small(change['most']['value'])}, without {count} random ones by "
        f"{small(change['random']['value'])} (difference {_difference(test, 'random')})"
    )
    if not deletion["believed"]:
        less = (test["change_most_minus"]["random"]["high"] or 0) < 0
        verdict = {
            "bars": f"{what} cannot be believed",
            "features": f"{what} do not say what matters",
        }[things]
        return Sentence(
            verdict, "bad", f"{numbers}, {'less' if less else 'no more'} than at random."
        )
    newest = measure(test, "change_most_minus", "newest") if "newest" in change else Measure(None)
    if newest.low is None or newest.low > 0:
        return Sentence(f"{what} can be believed so far", "good", f"{numbers}.")
    numbers += (
        f". Without the {count} newest bars it changes by {small(change['newest']['value'])} "
        f"(difference {_difference(test, 'newest')})."
    )
    return Sentence(f"{what} points at bars that matter, no better than the clock", "warn", numbers)


def _difference(test: dict[str, Any], other: str) -> str:
    found = measure(test, "change_most_minus", other)
    return f"{with_interval(found)} at {format_percent(found.level, 0)}"


def features_sentence(explained: dict[str, Any], level: float) -> Sentence:
    """Say how many features can be told from noise, and how many would be by luck."""
    rows = [row for row in explained["importance"] if row["kind"] == "feature"]
    known = [row for row in rows if row["distinguishable"]]
    if all(row["distinguishable"] is None for row in rows):
        return Sentence("Too few forecasts with a known outcome for any interval.", "warn")
    return Sentence(
        f"{len(known)} of {len(rows)} features can be told from noise. Each interval is at "
        f"{format_percent(level, 0)} by itself: of {len(rows)} features that do nothing, about "
        f"{(1 - level) * len(rows):.1f} would look as if they did."
    )


def lag_sentence(explained: dict[str, Any]) -> Sentence:
    """Say which bar of the window is needed most."""
    rows = explained["lags"]
    top = max(rows, key=lambda row: row["delta_mse"]["value"])
    known = sum(bool(row["distinguishable"]) for row in rows)
    if not known:
        return Sentence(f"None of the window's {len(rows)} lags can be told from noise.", "warn")
    first, last = top["lag_first"], top["lag_last"]
    lag = f"lag {first}" if first == last else f"lags {first} to {last}"
    return Sentence(
        f"Needed most of the window: {lag} (0 is the newest bar), ΔMSE "
        f"{with_interval(measure(top, 'delta_mse'))}; {known} of {len(rows)} can be told from "
        "noise."
    )


def caution(explained: dict[str, Any]) -> Sentence | None:
    """Say how far what was moved went, where that was not far enough."""
    near, folds = explained["overlapping_folds"], explained["folds"]
    if not near:
        return None
    return Sentence(
        f"{near} of {counted(folds, 'fold')} too short for two windows side by side: what is moved "
        "there comes from a window that shares bars, and importances are too small.",
        "warn",
    )


def group_sentence(explained: dict[str, Any]) -> Sentence | None:
    """Name the group of features that is needed most."""
    groups = [row for row in explained["importance"] if row["kind"] == "group"]
    if not groups:
        return None
    top = min(groups, key=lambda row: row["rank"])
    return Sentence(
        f"Moved together, of features that go together: {', '.join(top['members'])}, ΔMSE "
        f"{with_interval(measure(top, 'delta_mse'))}."
    )
