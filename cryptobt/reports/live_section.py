"""The section on the record of a paper account: its nights, fills, and what went wrong."""

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from cryptobt.reports import numbers
from cryptobt.reports.glance import Finding
from cryptobt.reports.live_record import LiveRecord
from cryptobt.reports.live_tables import HINDSIGHT, fact_tables, format_bps
from cryptobt.reports.numbers import DASH, Measure, Write
from cryptobt.reports.tables import definitions

_MEASURES: tuple[tuple[str, str, Write], ...] = (
    ("sharpe", "Sharpe", numbers.format_ratio),
    ("volatility", "volatility", numbers.format_percent),
    ("max_drawdown", "max drawdown", numbers.format_percent),
    ("turnover_per_year", "turnover / yr", lambda value: numbers.format_ratio(value, 1)),
)


def live_banner(record: LiveRecord | None) -> str:
    """Say across the page that nights are simulated; empty text where none is."""
    if record is None or not record.simulated:
        return ""
    said = f"SIMULATED NIGHTS — {_share(record)} {_unbroken(HINDSIGHT)}"
    return f'<div class="simulated" role="alert">{said}</div>'


def _unbroken(said: str) -> str:
    """Keep the flag on one line, however narrow the page."""
    return said.replace("--as-of", '<span class="term">--as-of</span>')


def live_findings(record: LiveRecord | None, metrics: dict[str, Any]) -> list[Finding]:
    """Sentences for the top of the page; none for a backtest."""
    if record is None:
        return []
    found = [contradiction(metrics, len(record.nights))]
    if record.simulated:
        said = f"{_share(record)} {HINDSIGHT}. That is no live record."
        found.append(Finding("warn", said))
    if record.late:
        count = _counted(len(record.late), "decision was late", "decisions were late")
        said = "what they ordered waited for the first open after, or for a later decision"
        found.append(Finding("warn", f"{count}: {said}."))
    return found


def _share(record: LiveRecord) -> str:
    of = _counted(len(record.nights), "night", "nights")
    return f"{len(record.simulated):,} of {of}"


def contradiction(metrics: dict[str, Any], nights: int) -> Finding:
    """Say by a fixed rule whether the record contradicts the backtest before it."""
    stretch = ("live", "before", "stretches")
    outside: list[str] = []
    inside: list[str] = []
    for name, title, written in _MEASURES:
        value = numbers.performance(metrics, "strategy", name).value
        usual = numbers.measure(metrics, *stretch, name)
        if value is None or usual.low is None or usual.high is None:
            continue
        holds = usual.low <= value <= usual.high
        (inside if holds else outside).append(
            title if holds else f"{title} {written(value)}, not within {_ends(usual, written)}"
        )
    if outside:
        return Finding("bad", f"Unlike the backtest before it: {'; '.join(outside)}.")
    if not inside:
        record = f"The record is {_counted(nights, 'night', 'nights')} long"
        why = _too_early(metrics)
        return Finding("warn", f"{record}: it cannot be held against a backtest yet ({why}).")
    return Finding(
        "plain",
        f"It does not contradict the backtest: {_listed(inside)} where most of its stretches of as "
        "many nights do.",
    )


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} lies"
    return f"{', '.join(names[:-1])} and {names[-1]} lie"


def _too_early(metrics: dict[str, Any]) -> str:
    reason = numbers.lookup(metrics, "live", "before", "reason")
    own = numbers.performance(metrics, "strategy", "sharpe")
    usual = numbers.measure(metrics, "live", "before", "stretches", "sharpe")
    return str(reason or usual.reason or own.reason)


def live_section(record: LiveRecord | None, metrics: dict[str, Any], figure: str) -> str:
    """Write the section; empty text for a backtest."""
    if record is None:
        return ""
    hindsight = f'<p class="hindsight">{_said_of_simulated(record)}</p>' if record.simulated else ""
    return (
        '<section class="live" aria-labelledby="live">\n<h2 id="live">The live record</h2>\n'
        f"{hindsight}{definitions(_counts(record, metrics), 'quality')}"
        f'<div class="panels">{figure}{_comparison(record, metrics)}</div>\n'
        f"{fact_tables(record)}</section>\n"
    )


def _said_of_simulated(record: LiveRecord) -> str:
    return (
        f"{_share(record)} {_unbroken(HINDSIGHT)}. Such a night shows what the program would have "
        "done with the data of today, not what it did."
    )


def _counts(record: LiveRecord, metrics: dict[str, Any]) -> list[tuple[str, str]]:
    nights = record.nights
    missed = sum(night.missed for night in nights)
    return [
        ("Nights", f"{len(nights):,}"),
        ("First night", f"{record.first:%Y-%m-%d}"),
        ("Last night", f"{nights[-1].bar_at:%Y-%m-%d}"),
        ("On time", f"{len(nights) - len(record.late):,}"),
        ("Late", f"{len(record.late):,}"),
        ("Missed, caught up later", f"{missed:,}"),
        ("Simulated (--as-of)", f"{len(record.simulated):,}"),
        ("Days without a bar of any symbol", _days(record.without)),
        ("Mean shortfall of fills", _mean_shortfall(metrics)),
        ("Nights without a symbol", f"{len({night for night, _ in record.absent}):,}"),
        ("Recorded bars told otherwise later", f"{len(record.rewrites):,}"),
    ]


def _days(days: Sequence[pd.Timestamp]) -> str:
    if not days:
        return "0"
    named = ", ".join(f"{day:%Y-%m-%d}" for day in days[:3])
    return f"{len(days):,} ({named}{', …' if len(days) > 3 else ''})"


def _mean_shortfall(metrics: dict[str, Any]) -> str:
    mean = numbers.measure(metrics, "live", "shortfall_bps", "mean").value
    quoted, of = (numbers.count(metrics, "live", "shortfall_bps", key) for key in ("quoted", "of"))
    if mean is None:
        return f"{DASH} ({'no quote was recorded' if of else 'nothing was filled'})"
    return f"{format_bps(mean)} bps ({quoted:,} of {of:,} fills have a quote)"


def _comparison(record: LiveRecord, metrics: dict[str, Any]) -> str:
    before = ("live", "before")
    reason = numbers.lookup(metrics, *before, "reason")
    if reason:
        return (
            '<div class="panel"><h3>The backtest before, in numbers</h3>'
            f'<p class="absent">There is none: {escape(str(reason))}.</p>'
            f"{_numbers(metrics, with_before=False)}</div>"
        )
    first, last = (str(numbers.lookup(metrics, *before, key))[:10] for key in ("first", "last"))
    level = numbers.measure(metrics, *before, "performance", "sharpe").level
    small = "" if level is None else f" Small print: {numbers.format_percent(level, 0)} intervals."
    return (
        '<div class="panel"><h3>The backtest before, in numbers</h3>'
        f'<p class="note">Same settings, {first} to {last}, against the record of '
        f"{_counted(len(record.nights), 'night', 'nights')}.{small}</p>"
        f"{_numbers(metrics, with_before=True)}"
        '<p class="note">A stretch: as many nights of that backtest as the record has, each that '
        "there is. A short record is to be held against its stretches: the deepest loss of years "
        "is not that of weeks.</p></div>"
    )


def _numbers(metrics: dict[str, Any], *, with_before: bool) -> str:
    heads = ["Live", "Backtest before", "95% of its stretches"][: 3 if with_before else 1]
    usual = numbers.measure(metrics, "live", "before", "stretches", "sharpe")
    if with_before and usual.level is not None:
        heads[2] = f"{numbers.format_percent(usual.level, 0)} of its stretches"
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    body = "".join(
        _number_row(metrics, name, title, written, with_before=with_before)
        for name, title, written in _MEASURES
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Live against the backtest">'
        '<table class="beside"><caption class="unseen">Live against the backtest</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _number_row(
    metrics: dict[str, Any], name: str, title: str, written: Write, *, with_before: bool
) -> str:
    cells = [_cell(numbers.performance(metrics, "strategy", name), written)]
    if with_before:
        before = ("live", "before")
        cells.append(_cell(numbers.measure(metrics, *before, "performance", name), written))
        usual = numbers.measure(metrics, *before, "stretches", name)
        ends = _ends(usual, written) if usual.has_interval else DASH
        cells.append(f'<td title="{escape(usual.reason)}">{ends}</td>')
    return f'<tr><th scope="row">{title[0].upper()}{title[1:]}</th>{"".join(cells)}</tr>'


def _cell(found: Measure, written: Write) -> str:
    if found.value is None:
        return f'<td title="{escape(found.reason)}">{DASH}</td>'
    ends = f'<span class="interval">{_ends(found, written)}</span>' if found.has_interval else ""
    return f"<td>{written(found.value)}{ends}</td>"


def _ends(found: Measure, written: Write) -> str:
    return f"{written(found.low)} to {written(found.high)}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
