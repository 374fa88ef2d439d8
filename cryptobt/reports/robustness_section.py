"""The section on robustness: whether the result hangs on a cost, a day, a seed or a year."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from cryptobt.reports.grid import absent, bare, first_upper, grid, number
from cryptobt.reports.numbers import (
    DASH,
    finite,
    format_basis_points,
    format_percent,
    format_ratio,
    lookup,
    measure,
    performance,
)
from cryptobt.reports.page import panels_html
from cryptobt.reports.robustness_figures import BREAK_EVENS, ROWS, robustness_panels

_NOT_TESTED = "This run holds no tests of robustness: it was made before there were any."
_HEADS = ("Case", "Sharpe", "Return")
_GROUPS = (("", 2), ("Sharpe ratio, a year", len(ROWS)), ("Return of all its bars", len(ROWS)))


def robustness_section(metrics: dict[str, Any]) -> str:
    """Write every table and figure; a sentence where a run was not put to the test."""
    found = lookup(metrics, "robustness")
    if not isinstance(found, dict):
        return absent(_NOT_TESTED)
    if found.get("reason"):
        return absent(f"Not put to the test: {found['reason']}.")
    return (
        f'<p class="lead">{_basis(found)}</p>'
        f'<div class="panels">{panels_html(robustness_panels(metrics))}</div>'
        f'<div class="beside-each"><div>{_break_evens(found)}{_seeds(found)}</div>'
        f"{_shocks(metrics)}</div>"
        f"{_periods(found)}{_regimes(found)}"
    )


def _basis(found: dict[str, Any]) -> str:
    weights = "the weights it wanted" if found.get("basis") == "targets" else "the weights it held"
    return (
        f"The account is worked out again from {weights}, at {_bps(found.get('assumed_bps'))} a "
        "fill unless another cost is named."
    )


def _bps(value: Any) -> str:
    return format_basis_points(finite(value))


def _break_evens(found: dict[str, Any]) -> str:
    rows = [
        (first_upper(said), number(measure(found, name), format_basis_points))
        for name, said in BREAK_EVENS
    ]
    caption = f"Break-even cost of a fill; this run assumes {_bps(found.get('assumed_bps'))}"
    return grid(caption, ("Where the strategy's", "Cost"), rows)


def _shocks(metrics: dict[str, Any]) -> str:
    """Write what one bar of delay and a few missing days do."""
    found = lookup(metrics, "robustness")
    rows = [*_delay(found), *_without_best(found)]
    if not rows:
        return ""
    sharpe, total = (performance(metrics, "strategy", name) for name in ("sharpe", "total_return"))
    own = ("The strategy", bare(sharpe.value, format_ratio), bare(total.value, format_percent))
    return grid("A bar late, and without its best days", _HEADS, [own, *rows])


def _delay(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    delay = found.get("delay")
    if isinstance(delay, dict):
        bars = int(finite(delay.get("bars")) or 1)
        name = f"Filled {bars} bar{'s' if bars > 1 else ''} later"
        yield (
            name,
            number(measure(delay, "sharpe"), format_ratio),
            number(measure(delay, "total_return"), format_percent),
        )


def _without_best(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in found.get("without_best") or []:
        yield (
            f"Without its best {finite(one.get('bars')) or 0:.0f} days",
            bare(lookup(one, "sharpe", "strategy"), format_ratio),
            bare(lookup(one, "total_return", "strategy"), format_percent),
        )


def _seeds(found: dict[str, Any]) -> str:
    seeds = found.get("seeds") or []
    if not seeds:
        return ""
    rows = [
        (
            f"Seed {finite(one.get('seed')) or 0:.0f} alone",
            number(measure(one, "sharpe"), format_ratio),
            number(measure(one, "total_return"), format_percent),
        )
        for one in seeds
    ]
    spread = measure(found, "seed_spread")
    said = "" if spread.value is None else f"; their Sharpe ratios spread by {spread.value:.2f}"
    return grid(f"Each seed by itself{said}", _HEADS, rows)


def _periods(found: dict[str, Any]) -> str:
    periods = found.get("periods") or []
    if not periods:
        return ""
    return _table("By period", "Period", (str(one.get("name")) for one in periods), periods)


def _regimes(found: dict[str, Any]) -> str:
    regimes = found.get("regimes") or []
    if not regimes:
        return ""
    meanings = "; ".join(f"{one.get('name')}: {one.get('meaning')}" for one in regimes)
    table = _table(
        "By kind of market", "Market", (str(one.get("name")) for one in regimes), regimes
    )
    return table + _small_print(meanings)


def _small_print(text: str) -> str:
    return f'<p class="note">{escape(first_upper(text))}.</p>'


def _table(caption: str, first: str, names: Iterable[str], found: list[Any]) -> str:
    rows = (
        (
            name,
            bare(one.get("bars"), lambda value: f"{value:,.0f}" if value is not None else DASH),
            *(bare(lookup(one, "sharpe", row), format_ratio) for row in ROWS),
            *(bare(lookup(one, "total_return", row), format_percent) for row in ROWS),
        )
        for name, one in zip(names, found, strict=True)
    )
    return grid(caption, (first, "Bars", *ROWS, *ROWS), rows, groups=_GROUPS)
