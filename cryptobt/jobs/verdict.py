"""The verdict: evidence of skill or none, by fixed rules, each with its reason in words.

Skill is measured against the same exposure without a forecast, and for a network against the same
sizing on the trend that is known: holding the market is no skill, whatever it earned. The rules are
published in docs/verdict.md; how often they are wrong, in docs/studies/verdict.md.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cryptobt.jobs.alternatives import SAME
from cryptobt.jobs.rows import NO_NETWORK
from cryptobt.metrics.break_even import OUTLASTS
from cryptobt.metrics.sharpe import NOT_ABOVE_ZERO
from cryptobt.reports.glance import FEW_FOR_ACCURACY, SUSPECT_ACCURACY

NONE, WEAK, EVIDENCE = "none", "weak", "evidence"
TEXTS = {
    NONE: "no evidence of skill",
    WEAK: "weak evidence of skill",
    EVIDENCE: "evidence of skill",
}
LEVEL = 0.05
"""Largest probability of luck of a single test."""
LEAST_FILLS = 30
COST_MARGIN, LEAST_BPS = 2.0, 15.0
"""Break-even cost over the assumed cost, which is taken to be so many bps a fill at least."""
NO_TWIN = "it was not compared with the same exposure without a forecast"
BASELINES = ("trend_only", "buy_and_hold", "buy_and_hold_vol_target", "sma_trend", "momentum")


class Reason(NamedTuple):
    """One rule, whether it holds (None: it cannot be judged), and why."""

    rule: str
    holds: bool | None
    text: str


def verdict(document: dict[str, Any], ways: Sequence[str] = ()) -> dict[str, Any]:
    """Judge a run by its numbers.

    Parameters
    ----------
    document : dict
        ``metrics.json`` with ``significance`` and ``robustness``.
    ways : sequence of str
        Settings of the run that can flatter it, such as a scaler that saw the future: each named,
        a colon, and what it does.

    Returns
    -------
    dict
        ``verdict`` of ``metrics.json``.
    """
    weak = [rule(document) for rule in WEAK_RULES]
    network = _part(document, "rows", "network_only", "performance", "sharpe")
    if network and network.get("reason") != NO_NETWORK:
        weak.append(_beats_trend(document))
    strong = [rule(document) for rule in STRONG_RULES]
    if ways:
        weak.insert(0, _honest(ways))
    grade = NONE
    if all(reason.holds for reason in weak):
        grade = EVIDENCE if all(reason.holds for reason in strong) else WEAK
    reasons = [*weak, *strong, _baselines(document)]
    return {
        "grade": grade,
        "text": TEXTS[grade],
        "reasons": [reason._asdict() for reason in reasons],
        "warnings": list(_warnings(document)),
    }


def _honest(ways: Sequence[str]) -> Reason:
    named = ", ".join(way.partition(":")[0] for way in ways)
    return Reason("honest", False, f"It was tested in a way that can flatter it: {named}")


def _same_exposure(document: dict[str, Any]) -> Reason:
    mean = _part(document, "significance", "excess", "mean")
    rule = "same_exposure"
    if mean.get("value") is None:
        return Reason(rule, False, f"There is no skill to see: {mean.get('reason') or NO_TWIN}")
    side = "more" if mean["value"] > 0 else "less"
    text = (
        f"After costs it earned {abs(mean['value']):.1%} a year {side} than the same exposure "
        "without a forecast"
    )
    return _above_zero(rule, text, mean, ".1%")


def _random(document: dict[str, Any]) -> Reason:
    p = _part(document, "robustness", "random", "p_value")
    rule = "random"
    if p.get("value") is None:
        why = _part(document, "robustness").get("reason") or p.get("reason") or "they were not made"
        return Reason(rule, None, f"It was not compared with random strategies: {why}")
    draws = int(document["robustness"]["random"].get("draws") or 0)
    # The strategy itself counts among them in the probability, and not among those that did.
    count = max(round(p["value"] * (1 + draws)) - 1, 0)
    text = (
        f"Of {draws:,} strategies with its exposure and turnover at random times {count:,} did "
        f"as well (p {_probability(p['value'])})"
    )
    return Reason(rule, p["value"] <= LEVEL, text)


def _fills(document: dict[str, Any]) -> Reason:
    fills = int(_part(document, "orders").get("filled") or 0)
    made = "1 of its orders was filled" if fills == 1 else f"{fills:,} of its orders were filled"
    return Reason("fills", fills >= LEAST_FILLS, f"{made}; at least {LEAST_FILLS} are asked for")


def _beats_trend(document: dict[str, Any]) -> Reason:
    lead = _part(document, "comparison", "sharpe_minus_trend_only")
    rule = "trend_only"
    if lead.get("value") is None:
        return Reason(rule, None, _because("It cannot be compared with trend_only", lead))
    text = f"Its Sharpe ratio less that of the known trend alone is {lead['value']:.2f}"
    return _above_zero(rule, text, lead, ".2f")


def _above_zero(rule: str, text: str, metric: dict[str, Any], form: str) -> Reason:
    """Ask whether the whole interval of a number is above 0."""
    low, high = metric.get("low"), metric.get("high")
    if low is None or high is None:
        return Reason(rule, None, f"{text}; the record is too short for an interval")
    shown = f"{text} [{low:{form}}, {high:{form}}]"
    if (metric.get("level") or 0.0) < 1 - 2 * LEVEL:
        return Reason(rule, None, f"{shown}; its level is too low to judge by")
    return Reason(rule, low > 0, shown)


def _deflated(document: dict[str, Any]) -> Reason:
    dsr = _part(document, "significance", "excess", "dsr")
    if dsr.get("value") is None:
        return Reason("trials", None, _because("Its lead cannot be deflated", dsr))
    counted = _part(document, "significance", "trials")
    if not counted.get("ledger"):
        return Reason("trials", None, "How many settings were tried is not known: none is counted")
    trials = int(counted.get("n") or 1)
    best = "one trial" if trials == 1 else f"the best of {trials:,} trials"
    text = (
        f"With probability {_probability(dsr['value'])} its lead is more than {best} without skill "
        f"would show (asked: {1 - LEVEL:.0%})"
    )
    return Reason("trials", dsr["value"] >= 1 - LEVEL, text)


def _direction(document: dict[str, Any]) -> Reason:
    p = _part(document, "significance", "pesaran_timmermann", "p_value")
    if p.get("value") is None:
        return Reason("direction", None, _because("Its calls of direction were not tested", p))
    text = (
        "Calls that know nothing would be right as often with probability "
        f"{_probability(p['value'])} (Pesaran–Timmermann)"
    )
    return Reason("direction", p["value"] <= LEVEL, text)


def _break_even(document: dict[str, Any]) -> Reason:
    found = _part(document, "robustness", "break_even_excess_bps")
    assumed = _part(document, "robustness").get("assumed_bps")
    rule = "break_even"
    if assumed is None:
        return Reason(rule, None, "Other costs were not tried")
    needed = COST_MARGIN * max(assumed, LEAST_BPS)
    asked = f"asked for are {needed:g}, {COST_MARGIN:g} times {_assumed(assumed)}"
    if found.get("value") is None:
        reason = str(found.get("reason") or "not known")
        if reason.endswith(OUTLASTS):
            return Reason(rule, True, f"Even {reason}; {asked}")
        # What has no lead over its twin has none that costs could use up.
        holds = None if reason == SAME else False
        return Reason(rule, holds, f"There is no lead that costs could use up: {reason}")
    text = f"Costs of {found['value']:.0f} bps a fill use up its lead; {asked}"
    return Reason(rule, found["value"] >= needed, text)


def _assumed(bps: float) -> str:
    return "what is assumed" if bps >= LEAST_BPS else f"{LEAST_BPS:g}: {bps:g} are assumed"


def _record(document: dict[str, Any]) -> Reason:
    needed = _part(document, "significance", "excess", "min_track_record_bars")
    bars = int(_part(document, "significance").get("bars") or 0)
    if needed.get("value") is None:
        if needed.get("reason") == NOT_ABOVE_ZERO:
            return Reason("record", False, "There is no lead that a longer record could confirm")
        return Reason("record", None, _because("How long a record it needs is not known", needed))
    text = (
        f"The record has {bars:,} bars; a lead this steady needs {math.ceil(needed['value']):,} "
        "to be told from luck, trials aside"
    )
    return Reason("record", bars >= needed["value"], text)


def _baselines(document: dict[str, Any]) -> Reason:
    own = _value(document, "rows", "strategy", "performance", "sharpe")
    others = {
        name: ratio
        for name in BASELINES
        if name != document.get("strategy")
        and (ratio := _value(document, "rows", name, "performance", "sharpe")) is not None
    }
    if own is None or not others:
        return Reason("baselines", None, "There is no Sharpe ratio to compare by")
    beaten = [name for name, ratio in others.items() if own > ratio]
    text = f"By Sharpe ratio it is ahead of {', '.join(beaten) or 'none of the simpler rules'}"
    behind = [name for name in others if name not in beaten]
    if beaten and behind:
        text += f", not of {', '.join(behind)}"
    return Reason("baselines", not behind, text)


WEAK_RULES: tuple[Callable[[dict[str, Any]], Reason], ...] = (_same_exposure, _random, _fills)
"""What weak evidence needs; of a network :func:`_beats_trend` besides."""
STRONG_RULES: tuple[Callable[[dict[str, Any]], Reason], ...] = (
    _deflated,
    _direction,
    _break_even,
    _record,
)
"""What evidence needs besides."""


def _warnings(document: dict[str, Any]) -> Iterator[str]:
    called = _part(document, "rows", "strategy", "direction")
    accuracy = _value(called, "accuracy")
    suspect = accuracy is not None and accuracy > SUSPECT_ACCURACY
    if suspect and int(called.get("n") or 0) >= FEW_FOR_ACCURACY:
        yield (
            f"{accuracy:.1%} of its calls came true; above {SUSPECT_ACCURACY:.0%} look for a leak "
            "of the future before you believe it"
        )
    if document.get("simulated"):
        yield "The prices are simulated: this says nothing of any real market"
    rows = _part(document, "data").get("quarantined") or []
    if rows:
        yield f"Rows that could not be true were taken out of the data: {len(rows):,}"
    trials = _part(document, "significance", "trials")
    if trials and not trials.get("ledger"):
        yield "Trials are not counted (trials.ledger is false): no more than weak evidence is given"


def _probability(value: float) -> str:
    """Per cent that never read as certain."""
    return "below 0.1%" if value < 0.0005 else "above 99.9%" if value > 0.9995 else f"{value:.1%}"


def _part(document: dict[str, Any], *path: str) -> dict[str, Any]:
    """What stands at a path; empty where there is nothing."""
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _value(document: dict[str, Any], *path: str) -> float | None:
    return _part(document, *path).get("value")


def _because(text: str, metric: dict[str, Any]) -> str:
    return f"{text} ({metric['reason']})" if metric.get("reason") else text
