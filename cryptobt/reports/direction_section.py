"""The section on calls of up and down: what was called against what came, class by class."""

from html import escape
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.canvas import Panel
from cryptobt.reports.grid import absent, grid, number
from cryptobt.reports.numbers import Measure, format_percent, format_ratio, lookup
from cryptobt.reports.page import merged, panels_html

_NO_CALLS = "The strategy called no direction whose outcome is known."


def direction_section(metrics: dict[str, Any], panels: list[Panel]) -> str:
    """Write the confusion matrix, the measures of both classes, and the figures."""
    called = lookup(metrics, "rows", "strategy", "direction")
    if not isinstance(called, dict) or not numbers.count(called, "n"):
        return absent(_NO_CALLS) + _figures(panels)
    return f'<div class="beside-each">{_confusion(called)}<div>{_classes(metrics)}</div></div>' + (
        _figures(panels)
    )


def _figures(panels: list[Panel]) -> str:
    return f'<div class="panels">{panels_html(merged(panels))}</div>'


def _confusion(called: dict[str, Any]) -> str:
    tp, fp, tn, fn = (numbers.count(called, name) for name in ("tp", "fp", "tn", "fn"))
    total = max(tp + fp + tn + fn, 1)
    rows = [
        ("called up", _square(tp, total, right=True), _square(fp, total, right=False)),
        ("called down", _square(fn, total, right=False), _square(tn, total, right=True)),
    ]
    abstained = numbers.count(called, "abstained")
    without = f"; {abstained:,} bars without a call" if abstained else ""
    caption = f"What was called against what came, {total:,} calls{without}"
    return grid(caption, ("Call", "Rose", "Did not rise"), rows, kind="confusion")


def _square(count: int, total: int, *, right: bool) -> str:
    share = count / total
    kind = "right" if right else "wrong"
    said = "right" if right else "wrong"
    return (
        f'<td class="{kind}" style="--share:{share:.3f}">{count:,}'
        f'<span class="interval">{format_percent(share)}, {said}</span></td>'
    )


def _classes(metrics: dict[str, Any]) -> str:
    heads = ("Class", "Precision", "Recall", "F1")
    rows = [
        (name, *(number(_of(metrics, kind, one), format_percent) for one in heads_of))
        for name, kind, heads_of in (
            ("up", (), ("precision", "recall", "f1")),
            ("down", ("down",), ("precision", "recall", "f1")),
        )
    ]
    both = ("accuracy", "balanced_accuracy", "mcc")
    written = (format_percent, format_percent, format_ratio)
    cells = [number(_of(metrics, (), name), one) for name, one in zip(both, written, strict=True)]
    level = _of(metrics, (), "accuracy").level
    small = "" if level is None else f"; small print: {format_percent(level, 0)} intervals"
    return grid(f"Each class as the one that counts{small}", heads, rows) + grid(
        "Both classes together",
        ("Calls", "Accuracy", "Balanced accuracy", "MCC"),
        [("all", *cells)],
    )


def _of(metrics: dict[str, Any], kind: tuple[str, ...], name: str) -> Measure:
    return numbers.measure(metrics, "rows", "strategy", "direction", *kind, name)


def always_up_note(metrics: dict[str, Any]) -> str:
    """Say what always saying up would have got, which any caller has to beat."""
    value = numbers.direction(metrics, "always_up", "accuracy").value
    if value is None:
        return ""
    said = f"Always saying up would have been right {format_percent(value)} of the time."
    return f'<p class="lead">{escape(said)}</p>'
