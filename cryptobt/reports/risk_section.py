"""The section on risk: tails, whether the forecast of them held, and how long losses lasted."""

from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.canvas import Panel
from cryptobt.reports.grid import absent, bare, dash, grid, number, words
from cryptobt.reports.numbers import (
    DASH,
    Write,
    finite,
    format_amount,
    format_percent,
    format_probability,
    format_ratio,
    lookup,
    measure,
)
from cryptobt.reports.page import panel_html

_ABSENT = "This run holds no measures of risk: it was made before there were any."
_KEPT = (
    "A hit is a return below the quantile; hits at 5% of the bars would be right. Below 0.05, "
    "Kupiec says that hits are not as many as they should be, Christoffersen that they follow each "
    "other. The account's own quantile is that of its 250 bars before, the forecaster's is of "
    "{whose}."
)
_TESTS = (
    ("kupiec", "Kupiec, p"),
    ("christoffersen", "Christoffersen, p"),
    ("conditional", "Both, p"),
)
_EXTREMES = (
    ("worst_day", "Worst day"), ("best_day", "Best day"),
    ("worst_month", "Worst month"), ("best_month", "Best month"),
)  # fmt: skip
_FACTS: tuple[tuple[str, str, Write, str], ...] = (
    ("tail_ratio", "Tail ratio", format_ratio, "95th percentile over the 5th; above 1: gains win"),
    ("time_under_water", "Time under water", format_percent, "share of bars below a former high"),
    ("longest_under_water_bars", "Longest under water", format_amount, "bars"),
    ("invested", "Invested", format_percent, "share of bars with a position"),
)


def risk_section(metrics: dict[str, Any], returns: Panel) -> str:
    """Write the tables beside the figure of returns; a sentence for a document without any."""
    found = lookup(metrics, "risk")
    if not isinstance(found, dict):
        return absent(_ABSENT) + f'<div class="panels">{panel_html(returns)}</div>'
    return (
        f'<div class="beside-each"><div>{_realised(found)}{panel_html(returns)}</div>'
        f"{_facts(found)}</div>"
        f"{_coverage(metrics, found)}{_drawdowns(found)}"
    )


def _two(value: float | None) -> str:
    return format_percent(value, 2)


def _realised(found: dict[str, Any]) -> str:
    at = "realised"
    rows = [
        (
            f"{share}%",
            *(number(measure(found, at, f"{kind}_{share}"), _two) for kind in ("var", "es")),
        )
        for share in (95, 99)
    ]
    return grid(
        "Loss of a bar, share of equity, as it came",
        ("Level", "Value at risk", "Expected shortfall"),
        rows,
    )


def _facts(found: dict[str, Any]) -> str:
    extremes = [
        (title, number(measure(found, name, "value"), format_percent), words(_at(found, name)))
        for name, title in _EXTREMES
    ]
    facts = [
        (title, number(measure(found, name), written), words(meaning))
        for name, title, written, meaning in _FACTS
    ]
    return grid(
        "Extremes and the time that losses took",
        ("Measure", "Value", "When, what"),
        [*extremes, *facts],
    )


def _at(found: dict[str, Any], name: str) -> str:
    return str(lookup(found, name, "at") or DASH)


def _kept(metrics: dict[str, Any]) -> str:
    several = len(numbers.symbols(metrics)) > 1
    return _KEPT.format(
        whose="a symbol's log return, all symbols together" if several else "the log return"
    )


def _coverage(metrics: dict[str, Any], found: dict[str, Any]) -> str:
    """Write how often the 5 % quantile was broken, forecast and trailing side by side."""
    kinds = [(name, found.get(key)) for name, key in _QUANTILES if numbers.count(found, key, "n")]
    if not kinds:
        return ""
    rows = [(name, *_coverage_cells(one)) for name, one in kinds if isinstance(one, dict)]
    heads = (
        "Quantile",
        "Bars",
        "Hits",
        "Rate",
        "Mean return at hits",
        *(title for _, title in _TESTS),
    )
    return grid("Was the 5% quantile kept?", heads, rows) + f'<p class="note">{_kept(metrics)}</p>'


_QUANTILES = (("Forecaster's", "quantile"), ("Account's own", "trailing"))


def _coverage_cells(one: dict[str, Any]) -> list[str]:
    tests = (number(measure(one, test, "p_value"), format_probability) for test, _ in _TESTS)
    return [
        f"<td>{numbers.count(one, 'n'):,}</td>",
        f"<td>{numbers.count(one, 'hits'):,}</td>",
        number(measure(one, "rate"), format_percent),
        number(measure(one, "es"), _two),
        *tests,
    ]


def _drawdowns(found: dict[str, Any]) -> str:
    listed = found.get("drawdowns") or []
    if not listed:
        return ""
    rows = [
        (
            str(number_ + 1),
            bare(one.get("depth"), format_percent),
            *(words(str(one.get(key) or "")[:10]) for key in ("start", "bottom")),
            _recovered(one),
            *(_bars(one.get(key)) for key in ("bars", "bars_down")),
        )
        for number_, one in enumerate(listed)
    ]
    heads = ("Rank", "Depth", "High before", "Bottom", "Recovered", "Bars in all", "Bars down")
    return grid("The deepest drawdowns", heads, rows, kind="dates")


def _recovered(one: dict[str, Any]) -> str:
    at = one.get("recovered")
    return words(str(at)[:10]) if at else dash("not recovered by the end", "words")


def _bars(value: Any) -> str:
    known = finite(value)
    return f"<td>{DASH if known is None else format_amount(known)}</td>"
