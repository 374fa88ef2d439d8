"""How numbers, instants and names are written on the pages; a dash where there is none."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

DASH = "—"
_MINUS = "\N{MINUS SIGN}"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_ROUNDS_TO_NOTHING = frozenset("0.,% \N{MINUS SIGN}+")
_GRADES = {
    "evidence": "evidence of skill",
    "weak": "weak evidence of skill",
    "none": "no evidence of skill",
}
_AUDITS = {
    "leakage": "Does it know the future?",
    "null": "How often does chance look like skill?",
    "planted": "Would a real edge be found?",
    "accounts": "Is the account added up right?",
}
_TONES = {
    "clean": "good", "agrees": "good", "passed": "good", "leak": "bad", "differs": "bad",
    "noted": "warn", "evidence": "good", "weak": "warn", "none": "bad",
}  # fmt: skip
_OUTCOMES = {
    "clean": "no leak found", "agrees": "agrees", "leak": "leak found", "differs": "differs",
    "measured": "measured", "passed": "passed", "noted": "noted", "not asked": "not asked",
}  # fmt: skip


def number(value: Any, digits: int = 2) -> str:
    """Write a number with so many decimals: 1234.5 is ``1,234.50``."""
    return _signless(f"{float(value):,.{digits}f}") if _known(value) else DASH


def plain(value: Any, digits: int = 6) -> str:
    """Write a number with as many digits as it needs, at most ``digits`` that count."""
    return _signless(f"{float(value):,.{digits}g}") if _known(value) else DASH


def money(value: Any, unit: str | None = None) -> str:
    """Write an amount of quote currency: 9220.7 is ``9,220.70 USD``."""
    return f"{number(value)} {unit}".strip() if _known(value) and unit else number(value)


def price(value: Any, unit: str | None = None) -> str:
    """Write a price with six digits that count, or to the cent where that is more."""
    if not _known(value):
        return DASH
    written = number(value) if abs(float(value)) >= 1000 else plain(value)
    return f"{written} {unit}" if unit else written


def percent(value: Any, digits: int = 1) -> str:
    """Write a fraction as per cent: 0.5213 is ``52.1%``."""
    return _signless(f"{100 * float(value):,.{digits}f}%") if _known(value) else DASH


def change(value: Any, digits: int = 1) -> str:
    """Write a fraction as per cent with its sign: 0.012 is ``+1.2%``."""
    return _signless(f"{100 * float(value):+,.{digits}f}%") if _known(value) else DASH


def points(value: Any) -> str:
    """Write a difference of two fractions in percentage points: 0.053 is ``+5.3 points``."""
    return f"{change(value).removesuffix('%')} points" if _known(value) else DASH


def utc(instant: str | None) -> str:
    """Write an instant to the minute: ``2026-06-05 00:20 UTC``."""
    return f"{_instant(instant):%Y-%m-%d %H:%M} UTC" if instant else DASH


def day(instant: str | None) -> str:
    """Write the day of an instant: ``2026-06-05``."""
    return instant[:10] if instant else DASH


def ago(instant: str | None, now: str) -> str:
    """Say how long an instant is past, or ahead: ``2 h ago``, ``in 3 days``."""
    if not instant:
        return DASH
    seconds = (_instant(now) - _instant(instant)).total_seconds()
    if abs(seconds) < _MINUTE:
        return "just now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def delay(decided_at: str | None, bar: str) -> str:
    """Say how long after the close of a daily bar, which is named by its open, it was decided."""
    if not decided_at:
        return DASH
    seconds = (_instant(decided_at) - _instant(bar)).total_seconds() - _DAY
    return span(seconds)


def span(seconds: Any) -> str:
    """Say how long something takes in the largest whole unit: ``2 h``, ``3 days``."""
    if not _known(seconds):
        return DASH
    length = abs(float(seconds))
    if length < _HOUR:
        return f"{int(length // _MINUTE)} min"
    if length < 2 * _DAY:
        return f"{int(length // _HOUR)} h"
    return f"{int(length // _DAY):,} days"


def hours(value: Any) -> str:
    """Say how long so many hours are."""
    return span(float(value) * _HOUR) if _known(value) else DASH


def size(count: int) -> str:
    """Write a number of bytes: 15248 is ``15 kB``."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:,.0f} kB" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"


def grade(name: str | None) -> str:
    """Say a verdict's grade in words."""
    return _GRADES.get(name, name) if name else DASH


def audit_question(kind: str) -> str:
    """The question that a kind of audit answers."""
    return _AUDITS.get(kind, kind)


def outcome(name: str) -> str:
    """Say the outcome of an audit or a check in words."""
    return _OUTCOMES.get(name, name)


def tone(name: str | None) -> str:
    """Which colour an outcome or a grade has beside its word: good, bad, warn or plain."""
    return _TONES.get(name or "", "plain")


def spark(values: Sequence[float | None]) -> str:
    """Points of a small line 100 wide and 28 high through values; empty for fewer than two."""
    known = [float(value) for value in values if value is not None and _known(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    step, room = 100 / (len(known) - 1), (high - low) or 1.0
    heights = (26 - 24 * (value - low) / room for value in known)
    return " ".join(f"{step * place:.1f},{height:.1f}" for place, height in enumerate(heights))


def shares(rows: Sequence[dict[str, Any]], key: str = "weight") -> list[dict[str, Any]]:
    """Give each row its ``share`` of the largest, from 0 to 100, to draw it as a bar."""
    sizes = [abs(float(row[key])) if _known(row[key]) else 0.0 for row in rows]
    most = max(sizes, default=0.0) or 1.0
    pairs = zip(rows, sizes, strict=True)
    return [row | {"share": round(100 * length / most, 1)} for row, length in pairs]


def _signless(written: str) -> str:
    """Write the minus as one, and none before what rounds to nothing."""
    written = written.replace("-", _MINUS)
    nothing = set(written) <= _ROUNDS_TO_NOTHING
    return written.lstrip(f"{_MINUS}+") if nothing else written


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


FILTERS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        number, plain, money, price, percent, change, points, utc, day, ago, delay, span, hours,
        size, grade, audit_question, outcome, tone, spark, shares,
    )
}  # fmt: skip
"""By the name that templates use."""
