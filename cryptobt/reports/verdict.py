"""The verdict: a grade in large words, the rules it comes from, and what else to know."""

from collections.abc import Iterable
from html import escape
from typing import Any

from cryptobt.reports.glance import Finding, Tone, headline
from cryptobt.reports.numbers import lookup

GRADES: dict[str, tuple[Tone, str]] = {
    "none": ("bad", "No evidence of skill"),
    "weak": ("warn", "Weak evidence of skill"),
    "evidence": ("good", "Evidence of skill"),
}
_SAID_OF_PRICES = "The prices are simulated"
_SIMULATED = (
    f"{_SAID_OF_PRICES}. Whatever this page shows, it shows how the program works, and says "
    "nothing about any real market."
)
_TOPICS = {"trend_only": "trend"}
_NO_RULE_OF_GRADES = "baselines"
"""Costs no grade, and so says little of one."""
_MARKS = {
    True: ("good", "\N{CHECK MARK}", "Holds"),
    False: ("bad", "\N{BALLOT X}", "Does not hold"),
    None: ("unknown", "?", "Could not be judged"),
}


def grade(metrics: dict[str, Any]) -> Finding:
    """The grade in words; of a document without a verdict, what the lead over the trend says."""
    found = GRADES.get(str(lookup(metrics, "verdict", "grade")))
    return headline(metrics) if found is None else Finding(*found)


def reasons(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules of the verdict in their order; empty in a document without one."""
    found = lookup(metrics, "verdict", "reasons") or []
    return [one for one in found if isinstance(one, dict) and one.get("text")]


def telling_reasons(metrics: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """The reasons that say most of the grade, in their order.

    Of a grade that was not reached, the rules that do not hold come first.
    """
    best = lookup(metrics, "verdict", "grade") == "evidence"
    every = reasons(metrics)
    ranked = sorted(every, key=lambda one: _weight(one, best=best))
    return [one for one in every if any(one is chosen for chosen in ranked[:most])]


def _weight(reason: dict[str, Any], *, best: bool) -> int:
    holds = reason.get("holds")
    if reason.get("rule") == _NO_RULE_OF_GRADES:
        return 3
    return 1 if holds is None else 0 if holds is best else 2


def warnings_of(metrics: dict[str, Any]) -> list[str]:
    """What the verdict warns of, but for simulated prices, which are said by themselves."""
    found = lookup(metrics, "verdict", "warnings") or []
    return [str(text) for text in found if not str(text).startswith(_SAID_OF_PRICES)]


def topics_said(metrics: dict[str, Any]) -> set[str]:
    """Topics of :func:`~cryptobt.reports.glance.findings` that a rule of the verdict judges."""
    rules = {str(one.get("rule")) for one in reasons(metrics)}
    # Its warnings name a suspect accuracy, too.
    return {topic for rule, topic in _TOPICS.items() if rule in rules} | (
        {"too good"} if rules else set()
    )


def verdict_section(metrics: dict[str, Any], found: Iterable[Finding], *, simulated: bool) -> str:
    """Write the section.

    Parameters
    ----------
    found : iterable of Finding
        What else is to be said; what a rule of the verdict says already is left out by the caller.
    """
    answer = grade(metrics)
    warned = [str(text) for text in lookup(metrics, "verdict", "warnings") or []]
    if simulated:
        warned = [_SIMULATED, *(text for text in warned if not text.startswith(_SAID_OF_PRICES))]
    notes = [Finding("warn", sentence(text)) for text in warned]
    rules = "".join(_reason(one) for one in reasons(metrics))
    listed = f'<ol class="reasons">{rules}</ol>' if rules else ""
    items = "".join(_note(one) for one in [*notes, *found])
    also = f'<ul class="notes">{items}</ul>' if items else ""
    kind = answer.tone if rules else f"{answer.tone} said"
    return f'<p class="grade {kind}">{escape(answer.text)}</p>{listed}{also}'


def sentence(text: str) -> str:
    """End a text as a sentence ends."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def mark_of(reason: dict[str, Any]) -> str:
    """The sign for a rule that holds, does not, or could not be judged."""
    return _kind_of(reason)[1]


def _kind_of(reason: dict[str, Any]) -> tuple[str, str, str]:
    holds = reason.get("holds")
    return _MARKS[holds if isinstance(holds, bool) else None]


def _reason(one: dict[str, Any]) -> str:
    kind, mark, said = _kind_of(one)
    text = escape(sentence(str(one["text"])))
    return (
        f'<li class="{kind}"><span class="mark" aria-hidden="true">{mark}</span>'
        f'<span><span class="unseen">{said}: </span>{text}</span></li>'
    )


def _note(one: Finding) -> str:
    return f'<li class="{one.tone}">{escape(one.text)}</li>'
