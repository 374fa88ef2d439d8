"""The page and the lines of an explanation: whole, escaped, repeatable, honest in words."""

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import Explanation
from cryptobt.reports import explanation_words as words
from cryptobt.reports.explanation_page import render_explanation
from cryptobt.reports.explanation_terminal import explanation_summary

from .reading import Reader
from .synthetic import SYMBOL, make_explanation

HOSTILE = '<script>alert("x")</script> $x_{1}$ & \' </title> ${css}'
TIMES = pd.date_range("2020-01-01", periods=200, tz="UTC", name="time")


def metric(value: float, half: float | None = 0.01) -> dict[str, Any]:
    low, high = (None, None) if half is None else (value - half, value + half)
    level = None if half is None else 0.95
    return {"value": value, "unit": "(trend/σ)²", "low": low, "high": high, "level": level,
            "reason": None}  # fmt: skip


def deletion(more: float, newest: float | None) -> dict[str, Any]:
    others = {"random": 0.2, "least": 0.1} | ({} if newest is None else {"newest": 0.3})
    against = {"random": more, "least": 0.1} | ({} if newest is None else {"newest": newest})
    tests = [
        {
            "share": share, "count": int(30 * share), "of": 30,
            "change": {k: metric(v) for k, v in {"most": 0.2 + more, **others}.items()},
            "delta_mse": {k: metric(v) for k, v in {"most": 0.2, **others}.items()},
            "change_most_minus": {k: metric(v) for k, v in against.items()},
        }
        for share in (0.1, 0.2)
    ]  # fmt: skip
    return {"reason": None, "believed": more > 0.01, "judged_share": 0.2, "tests": tests}


def make_document(more: float = 0.05, newest: float = -0.1) -> dict[str, Any]:
    features = [
        {"name": f"feature_{k}", "kind": "feature", "members": [f"feature_{k}"], "rank": k + 1,
         "delta_mse": metric(0.1 - 0.01 * k), "share": 0.1, "distinguishable": k < 9}
        for k in range(17)
    ]  # fmt: skip
    group = {**features[0], "name": "group of feature_0", "kind": "group",
             "members": ["feature_0", "feature_1"]}  # fmt: skip
    lags = [
        {"lag_first": k, "lag_last": k, "delta_mse": metric(0.1 / (1 + k)), "share": 0.1,
         "distinguishable": k < 8}
        for k in range(30)
    ]  # fmt: skip
    gates = [{"name": f"feature_{k}", "mean": 1.0, "q05": 0.9, "q95": 1.1} for k in range(17)]
    one = {
        "first": "2020-01-01T00:00:00Z", "last": "2020-07-18T00:00:00Z", "windows": 200,
        "folds": 1, "seeds": 3, "overlapping_folds": 0, "mse": metric(1.8),
        "target_variance": metric(3.6, None),
        "importance": [*features, group], "lags": lags,
        "gates": {"reason": None, "features": gates},
        "attention": {"reason": None, "lags": [{"lag": k, "mean": 1 / 30} for k in range(30)]},
        "deletion": {"attention": deletion(more, newest), "gates": deletion(0.0, None)},
    }  # fmt: skip
    return {
        "schema": 1, "forecaster": "dual_attention", "target": "trend",
        "target_units": {SYMBOL: "trend/σ"}, "simulated": True, "symbols": [SYMBOL],
        "interval": "1d", "window_bars": 30, "level": 0.95, "warnings": [],
        "explained": {SYMBOL: one},
    }  # fmt: skip


def bare_document() -> dict[str, Any]:
    """Of a forecaster without gates and attention, with too few forecasts for intervals."""
    document = make_document()
    one = document["explained"][SYMBOL]
    none = {"reason": "nothing to delete by", "believed": None, "tests": []}
    one["gates"] = {"reason": "this forecaster has no feature gates", "features": []}
    one["attention"] = {"reason": "this forecaster has no attention over time", "lags": []}
    one["deletion"] = {"attention": none, "gates": none}
    for row in [*one["importance"], *one["lags"]]:
        row |= {"delta_mse": metric(row["delta_mse"]["value"], None), "distinguishable": None}
    return document


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    return make_explanation(TIMES)


@pytest.fixture(scope="module")
def page(explanation: Explanation) -> str:
    return render_explanation(make_document(), {SYMBOL: explanation})


def test_the_page_asks_for_nothing_outside_itself_and_ids_are_unique(page: str) -> None:
    reader = Reader(page)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert not {"script", "iframe", "object", "embed"} & set(reader.tags)
    assert len(reader.ids) == len(set(reader.ids))
    used = {link[1:] for link in reader.links if link.startswith("#")}
    assert used <= set(reader.ids)


def test_every_figure_has_words_for_those_who_cannot_see_it(page: str) -> None:
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', page)
    assert len(labels) == 6
    assert "Increase of the squared error by feature; the largest is feature_0." in labels


def test_equal_explanations_give_equal_bytes(page: str, explanation: Explanation) -> None:
    assert render_explanation(make_document(), {SYMBOL: explanation}) == page


def test_names_from_files_are_escaped(explanation: Explanation) -> None:
    document = make_document()
    one = document["explained"][SYMBOL]
    one["importance"][0] |= {"name": HOSTILE, "members": [HOSTILE]}
    document["symbols"] = [HOSTILE]
    document["explained"] = {HOSTILE: one}
    document["target_units"] = {HOSTILE: HOSTILE}
    names = (HOSTILE, *explanation.feature_names[1:])
    page = render_explanation(document, {HOSTILE: replace(explanation, feature_names=names)})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_several_symbols_have_sections_and_ids_of_their_own(explanation: Explanation) -> None:
    document = make_document()
    document["symbols"].append("ETH-USD")
    document["explained"]["ETH-USD"] = copy.deepcopy(document["explained"][SYMBOL])
    document["target_units"]["ETH-USD"] = "trend/σ"
    page = render_explanation(document, {SYMBOL: explanation, "ETH-USD": explanation})
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert "At a glance: ETH-USD" in page


def test_a_simulated_market_is_said(page: str) -> None:
    assert "SIMULATED MARKET" in page
    assert "<title>SIMULATED" in page


def test_what_is_absent_is_said_and_never_drawn_as_nothing() -> None:
    page = render_explanation(bare_document(), {})
    assert page.count('<p class="absent">') == 4
    assert "this forecaster has no attention over time" in page
    assert "Too few forecasts" in page
    assert "nan" not in page.lower().replace("finance", "").replace("financ", "")


def test_two_forecasts_are_needed_for_a_picture_over_time(explanation: Explanation) -> None:
    one = Explanation(
        explanation.times[:1], explanation.feature_names, explanation.gates[:1],
        explanation.attention[:1], {},
    )  # fmt: skip
    page = render_explanation(make_document(), {SYMBOL: one})
    assert "fewer than two forecasts" in page


@pytest.mark.parametrize(
    ("more", "newest", "tone", "text"),
    [
        (0.05, 0.1, "good", "Attention can be believed so far"),
        (0.05, -0.1, "warn", "no better than the clock"),
        (0.005, -0.1, "bad", "Attention cannot be believed"),
        (-0.1, -0.1, "bad", "Attention cannot be believed"),
    ],
)
def test_the_verdict_says_its_numbers(more: float, newest: float, tone: str, text: str) -> None:
    verdict = words.attention_verdict(make_document(more, newest)["explained"][SYMBOL])
    assert verdict.tone == tone
    assert text in verdict.text
    assert "without the 6 of 30 bars weighted most" in verdict.numbers
    assert f"difference {more:.3g} [" in verdict.numbers
    assert ("less than at random" in verdict.numbers) == (more < -0.01)


@pytest.mark.parametrize("target", ["trend", "next_return", "direction", "scaled_close"])
def test_every_target_says_that_importance_is_not_money_or_skill(target: str) -> None:
    said = words.about_target({"target": target}).text
    assert "money" in said or "where the price goes" in said


def test_the_terminal_shows_ten_features_and_marks_noise() -> None:
    said = explanation_summary(make_document(), run_folder="runs/x", page="runs/x/e.html")
    lines = said.splitlines()
    assert lines[0].startswith("dual_attention on BTC-USD, 1d, 2020-01-01 to 2020-07-18")
    assert lines[3].split()[:2] == ["1", "feature_0"]
    assert [line.endswith("not distinguishable from noise") for line in lines[3:13]] == [
        *[False] * 9, True]  # fmt: skip
    assert "Moved together, of features that go together: feature_0, feature_1" in said
    assert lines[-2:] == ["Run folder  runs/x", "Explanation runs/x/e.html"]


def test_escape_sequences_of_a_file_do_not_reach_the_terminal() -> None:
    document = make_document()
    document["explained"][SYMBOL]["importance"][0]["name"] = "\x1b[31mred\n"
    said = explanation_summary(document, run_folder="runs/x", page="p")
    assert "\x1b" not in said


def test_a_forecaster_that_knows_nothing_is_said_to() -> None:
    one = make_document()["explained"][SYMBOL]
    assert "explains 50.0% of the variance" in words.skill_sentence(one).text
    one["target_variance"] = metric(1.7, None)
    assert "says nothing about the market" in words.skill_sentence(one).text


def test_short_folds_are_a_caution() -> None:
    document = make_document()
    assert words.caution(document["explained"][SYMBOL]) is None
    document["explained"][SYMBOL]["overlapping_folds"] = 1
    caution = words.caution(document["explained"][SYMBOL])
    assert caution is not None
    assert caution.text.startswith("1 of 1 fold too short")


def test_zero_is_written_as_zero_and_small_numbers_keep_their_digits() -> None:
    assert [words.small(value) for value in (0.0, 1.2866e-7, 12.3456, None)] == [
        "0", "1.29e-07", "12.3", "—"]  # fmt: skip
    assert np.isfinite(float(words.small(-0.00087)))
