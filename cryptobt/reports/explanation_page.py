"""The page of an explanation: one HTML file that needs nothing but itself."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from cryptobt.core.types import Explanation
from cryptobt.reports import explanation_words as words
from cryptobt.reports.canvas import Panel, style
from cryptobt.reports.explanation_figures import (
    deletion_panel,
    gates_panel,
    importance_panel,
    lags_panel,
)
from cryptobt.reports.network_figures import attention_panel
from cryptobt.reports.numbers import format_percent, measure
from cryptobt.reports.page import SIMULATED, banner_of, framed, panels_html

_YES_NO = {True: "yes", False: "no, noise", None: "—"}
_CHOICES = {
    "most": "weighted most",
    "random": "random",
    "least": "weighted least",
    "newest": "newest",
}


def render_explanation(document: dict[str, Any], shown: Mapping[str, Explanation]) -> str:
    """Render an explanation as a self-contained HTML page; equal ones give equal pages.

    Parameters
    ----------
    document : dict
        The ``explanation.json`` document; every text in it is escaped.
    shown : mapping
        Symbol to its gates and attention over time, where there are any.
    """
    title = f"{document['forecaster']} explained: {', '.join(document['symbols'])}"
    title += f", {document['interval']}"
    with style():
        parts = [
            _symbol(document, symbol, shown.get(symbol), str(number))
            for number, symbol in enumerate(document["symbols"])
        ]
    simulated = document["simulated"]
    warnings = [f"Warning: {line}" for line in document["warnings"]]
    return framed(
        "explanation.html",
        {"symbols": "".join(parts), "level": format_percent(document["level"], 0)},
        title=title,
        under=[words.about_target(document).text, *warnings],
        simulated=simulated,
        banner=banner_of(SIMULATED if simulated else ""),
    )


def _symbol(
    document: dict[str, Any], symbol: str, explanation: Explanation | None, mark: str
) -> str:
    explained, unit = document["explained"][symbol], document["target_units"][symbol]
    deletion = explained["deletion"]
    looks = [gates_panel(explanation, mark), attention_panel(explanation, mark)]
    needs = [importance_panel(explained, unit, mark), lags_panel(explained, unit, mark)]
    tests = [
        deletion_panel(deletion["attention"], "attention", unit, f"attention{mark}"),
        deletion_panel(deletion["gates"], "the gates", unit, f"gates{mark}"),
    ]
    return "".join(
        [
            _glance(document, symbol, mark),
            _section(f"What it needs: {symbol}", f"needs{mark}", _panels(needs)
                     + _details("Every feature and group", _importance(explained, unit))
                     + _details("Every lag", _lags(explained, unit))),
            _section(f"What it looks at: {symbol}", f"looks{mark}", _panels(looks)),
            _section(f"Can that be believed: {symbol}", f"tests{mark}", _panels(tests)
                     + _deletions(deletion, unit)),
        ]
    )  # fmt: skip


def _glance(document: dict[str, Any], symbol: str, mark: str) -> str:
    explained = document["explained"][symbol]
    verdict = words.attention_verdict(explained)
    numbers = verdict.numbers
    said = [
        words.Sentence(numbers[0].upper() + numbers[1:], verdict.tone) if numbers else None,
        words.gates_verdict(explained),
        words.skill_sentence(explained),
        words.features_sentence(explained, document["level"]),
        words.group_sentence(explained),
        words.lag_sentence(explained),
        words.caution(explained),
    ]
    items = "".join(f'<li class="{one.tone}">{escape(one.whole)}</li>' for one in said if one)
    span = f"{explained['first'][:10]} to {explained['last'][:10]}"
    mse = words.with_interval(measure(explained, "mse"))
    asked = (
        f"{span}: {explained['windows']:,} windows of {document['window_bars']} bars, "
        f"{words.counted(explained['folds'], 'fold')}, {words.counted(explained['seeds'], 'fit')} "
        "each, all out of sample. MSE with "
        f"nothing moved: {mse} ({document['target_units'][symbol]})²."
    )
    return (
        f'<section class="glance" aria-labelledby="glance{mark}">'
        f'<h2 id="glance{mark}">At a glance: {escape(symbol)}</h2>'
        f'<p class="answer {verdict.tone}">{escape(verdict.text)}</p><ul>{items}</ul>'
        f'<p class="rule">{escape(asked)}</p></section>'
    )


def _section(title: str, name: str, body: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{body}</section>'


def _panels(panels: Sequence[Panel]) -> str:
    return f'<div class="panels">{panels_html(panels)}</div>'


def _details(summary: str, table: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{table}</details>"


def _importance(explained: dict[str, Any], unit: str) -> str:
    rows = [
        [
            str(row["rank"]),
            row["name"],
            "" if row["kind"] == "feature" else ", ".join(row["members"]),
            *_numbers(row),
        ]
        for row in explained["importance"]
    ]
    head = ["Rank", "Feature", "Members", f"ΔMSE, ({unit})²", "Interval", "Of the MSE", "Known"]
    return _table(head, rows)


def _lags(explained: dict[str, Any], unit: str) -> str:
    rows = [[_ages(row["lag_first"], row["lag_last"]), *_numbers(row)] for row in explained["lags"]]
    return _table(["Lag", f"ΔMSE, ({unit})²", "Interval", "Of the MSE", "Known"], rows)


def _numbers(row: dict[str, Any]) -> list[str]:
    found = measure(row, "delta_mse")
    value, _, interval = words.with_interval(found).partition(" ")
    return [value, interval, format_percent(row["share"]), _YES_NO[row["distinguishable"]]]


def _ages(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _deletions(deletion: dict[str, Any], unit: str) -> str:
    rows = [
        [
            f"{what}, {test['count']} of {test['of']}",
            _CHOICES[choice],
            words.with_interval(measure(test, "change", choice)),
            words.with_interval(measure(test, "delta_mse", choice)),
            words.with_interval(measure(test, "change_most_minus", choice))
            if choice != "most" else "",
        ]
        for what, key in (("bars", "attention"), ("features", "gates"))
        for test in deletion[key]["tests"]
        for choice in test["change"]
    ]  # fmt: skip
    if not rows:
        return ""
    head = ["Deleted", "Which", f"Change, {unit}", f"ΔMSE, ({unit})²", "Most less this one"]
    return _details("Every deletion", _table(head, rows))


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table class="facts"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
