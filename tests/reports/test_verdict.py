"""The top of the page: the grade, its reasons, and nothing said twice."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from cryptobt.reports.glance import Finding
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet
from cryptobt.reports.verdict import (
    grade,
    sentence,
    telling_reasons,
    topics_said,
    verdict_section,
)

from .synthetic import make_metrics


@pytest.fixture
def metrics() -> dict[str, Any]:
    return deepcopy(make_metrics())


@pytest.mark.parametrize(
    ("name", "tone", "text"),
    [
        ("none", "bad", "No evidence of skill"),
        ("weak", "warn", "Weak evidence of skill"),
        ("evidence", "good", "Evidence of skill"),
    ],
)
def test_each_grade_has_its_words(metrics: dict[str, Any], name: str, tone: str, text: str) -> None:
    metrics["verdict"]["grade"] = name
    assert grade(metrics) == Finding(tone, text)  # type: ignore[arg-type]
    section = verdict_section(metrics, [], simulated=False)
    assert f'<p class="grade {tone}">{text}</p>' in section


def test_a_document_without_a_verdict_says_what_the_lead_says(metrics: dict[str, Any]) -> None:
    del metrics["verdict"]
    assert (
        grade(metrics).text == "Ahead of the row to beat, but no further than chance can carry it."
    )
    section = verdict_section(metrics, [], simulated=False)
    assert "<ol" not in section
    assert topics_said(metrics) == set()


def test_reasons_keep_their_order_and_are_marked_for_eyes_and_ears(metrics: dict[str, Any]) -> None:
    section = verdict_section(metrics, [], simulated=False)
    marks = [section.index(text) for text in ("Among 12", "The interval", "It stays", "Random")]
    assert marks == sorted(marks)
    assert section.count("Does not hold: ") == 2
    assert section.count("Holds: ") == 1
    assert section.count("Could not be judged: ") == 1
    assert section.count('aria-hidden="true">✗<') == 2


def test_simulated_prices_are_said_once(metrics: dict[str, Any]) -> None:
    metrics["verdict"]["warnings"] = ["The prices are simulated: this says nothing", "Another"]
    section = verdict_section(metrics, [], simulated=True)
    assert section.count("The prices are simulated") == 1
    assert "Another.</li>" in section


def test_texts_of_the_document_are_escaped(metrics: dict[str, Any]) -> None:
    metrics["verdict"]["reasons"] = [{"rule": "x", "holds": "yes", "text": "<script>"}]
    metrics["verdict"]["warnings"] = ["<script>"]
    section = verdict_section(metrics, [Finding("bad", "<script>")], simulated=False)
    assert "<script>" not in section
    assert section.count("&lt;script&gt;") == 3
    # What is neither true nor false could not be judged.
    assert "Could not be judged: " in section


def test_a_rule_on_the_trend_takes_the_place_of_the_sentence_on_it(
    sheet: Sheet, metrics: dict[str, Any]
) -> None:
    said = "The strategy is ahead of trend_only"
    assert said not in render_tearsheet(sheet, lambda: "")
    del metrics["verdict"]
    assert said in render_tearsheet(replace(sheet, metrics=metrics), lambda: "")


def test_the_most_telling_reasons_are_those_that_keep_the_next_grade_away(
    metrics: dict[str, Any],
) -> None:
    def rules(name: str, most: int) -> list[str]:
        metrics["verdict"]["grade"] = name
        return [one["rule"] for one in telling_reasons(metrics, most)]

    assert rules("none", 2) == ["trials", "trend_only"]
    assert rules("none", 3) == ["trials", "trend_only", "random"]
    assert rules("evidence", 2) == ["break_even", "random"]
    assert telling_reasons({}, 2) == []


def test_a_text_ends_as_a_sentence_ends() -> None:
    assert sentence("It held") == "It held."
    assert sentence("Did it?") == "Did it?"
