"""What an audit found, in words that terminal and page share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from cryptobt.reports.numbers import (
    DASH,
    finite,
    format_amount,
    format_percent,
    format_ratio,
)
from cryptobt.reports.runs_terminal import describe_grade

Document = Mapping[str, Any]
Check = Mapping[str, Any]

TITLES = {
    "leakage": "Does anything know the future?",
    "null": "How often is skill found where there is none?",
    "planted": "How much of a known edge is found?",
    "accounts": "Do the accounts add up?",
}
PARTS = {
    "settings": "settings",
    "data": "series beside the bars",
    "features": "features",
    "targets": "targets",
    "scaler": "scaler",
    "forecasts": "forecasts",
    "signals": "signals",
    "orders": "orders and fills",
    "process": "files and caches",
    "deep": "deep",
}
TONES: Mapping[str, Literal["good", "bad", "unknown"]] = {
    "clean": "good",
    "agrees": "good",
    "leak": "bad",
    "differs": "bad",
    "measured": "unknown",
}
_LIKE = {
    "bars": ("bars", format_amount),
    "drift_per_year": ("drift a year", format_percent),
    "volatility_per_year": ("volatility a year", format_percent),
}


@dataclass(frozen=True)
class Leak:
    """Checks that leaked by one cause: by the same line of code, or by themselves.

    Attributes
    ----------
    first : mapping
        The check that is told in full.
    others : tuple of str
        Names of the other checks that the same line fails.
    """

    first: Check
    others: tuple[str, ...]


def leaks_of(document: Document) -> list[Leak]:
    """Gather the checks that leaked by the line of code that they name, in their order."""
    causes: dict[object, list[Check]] = {}
    for number, check in enumerate(of_outcome(document, "leak")):
        line = check.get("line")
        causes.setdefault(number if line is None else (check.get("file"), line), []).append(check)
    return [Leak(one[0], tuple(str(other["name"]) for other in one[1:])) for one in causes.values()]


def of_outcome(document: Document, outcome: str) -> list[Check]:
    """Pick the checks of one outcome, in their order."""
    return [check for check in document["checks"] if check["outcome"] == outcome]


def by_part(checks: Iterable[Check]) -> dict[str, list[Check]]:
    """Sort checks by what they look at, from the data to the deep ones."""
    found: dict[str, list[Check]] = {name: [] for name in PARTS}
    for check in checks:
        found.setdefault(str(check["part"]), []).append(check)
    return {name: group for name, group in found.items() if group}


def headline(document: Document) -> str:
    """Give the sentence that the audit ends in."""
    return str(document["headline"]).removesuffix(".")


def title(document: Document) -> str:
    """Ask what the audit asked, of whom."""
    of_run = document["audit"] == "accounts"
    name = f"run {document['run']}" if of_run else _short(document["strategy"])
    return f"{TITLES[document['audit']]} ({name})"


def subject(document: Document) -> str:
    """Name the pipeline that was audited, with files by their names alone."""
    parts = ("strategy", "forecaster", "features")
    return ", ".join(f"{part} {_short(document[part])}" for part in parts if document.get(part))


def _short(name: object) -> str:
    return PurePath(str(name)).name


def period(document: Document) -> str:
    """Say which bars were used."""
    symbols = document["symbols"]
    shown = ", ".join(symbols[:3]) + (f" and {len(symbols) - 3} more" if len(symbols) > 3 else "")
    first, last = (day(document[end]) for end in ("first", "last"))
    return f"{shown}, {document['interval']}, {first} to {last}, {document['bars']:,} bars"


def like(document: Document) -> str:
    """Say what the simulated markets of an audit share with the real one."""
    found = document.get("like") or {}
    known = [f"{write(finite(found.get(key)))} {label}" for key, (label, write) in _LIKE.items()]
    return f"{document['markets']} simulated markets like it: {', '.join(known)}"


def under(document: Document) -> list[str]:
    """Say what was audited on what: the lines below the title."""
    lines = [subject(document), period(document)]
    return [*lines, like(document)] if document["audit"] in ("null", "planted") else lines


def day(time: object) -> str:
    """Write an instant as a date, with its time of day where that is not midnight."""
    text = str(time or DASH)
    return text[:10] if len(text) < 16 or text[10:16] == "T00:00" else text[:16].replace("T", " ")


def where(check: Check) -> str:
    """Say what leaked first: column, time and symbol, as far as they are known."""
    parts = [
        f"column '{check['column']}'" if check.get("column") else "",
        f"first at {day(check['time'])}" if check.get("time") else "",
        str(check.get("symbol") or ""),
    ]
    return ", ".join(part for part in parts if part)


def place(check: Check) -> str:
    """Name the file and line at fault; empty where none could be found."""
    if not check.get("file"):
        return ""
    line = f":{check['line']}" if check.get("line") is not None else ""
    return f"{check['file']}{line}"


def counted(document: Document) -> str:
    """Count the checks by their outcome."""
    words = {"passed": "passed", "leak": "leaked", "noted": "noted", "not asked": "not asked"}
    known = [(len(of_outcome(document, outcome)), word) for outcome, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in known if count)


def share_found(row: Mapping[str, Any]) -> str:
    """Write how often something was found: 3 of 20 is ``3 of 20 (15.0%)``."""
    of = int(row["of"])
    rate = format_percent(row["found"] / of) if of else DASH
    return f"{row['found']} of {of} ({rate})"


def interval(row: Mapping[str, Any]) -> str:
    """Write the interval of a share, or nothing where there is none."""
    low, high = finite(row.get("low")), finite(row.get("high"))
    if low is None or high is None:
        return ""
    return f"[{format_percent(low)}, {format_percent(high)}]"


def gap(document: Document) -> str:
    """Write the largest relative gap between what was recorded and what was recomputed."""
    found = finite(document.get("largest_relative_gap"))
    return DASH if found is None else f"{found:.1e}" if found else "0"


def compared(document: Document) -> list[tuple[str, str]]:
    """Count what was recomputed, table by table."""
    return [(str(name), format_amount(count)) for name, count in document["compared"].items()]


def difference_at(row: Mapping[str, Any]) -> str:
    """Name the place of a difference: table, row, column, bar and symbol."""
    parts = [
        f"{row['table']} row {row['row']}" if row.get("row") is not None else str(row["table"]),
        f"column '{row['column']}'" if row.get("column") else "",
        day(row["time"]) if row.get("time") else "",
        str(row.get("symbol") or ""),
    ]
    return ", ".join(part for part in parts if part)


def value(found: object) -> str:
    """Write a recorded value as the file has it; a dash where there is none."""
    return DASH if found is None else repr(found) if isinstance(found, float) else str(found)


def market_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Write one simulated market: Sharpe ratios, accuracy, verdict."""
    return (
        format_ratio(finite(row.get("sharpe"))),
        format_ratio(finite(row.get("excess_sharpe"))),
        format_percent(finite(row.get("accuracy"))),
        describe_grade(row.get("grade")),
    )


def worth_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Write what the pipeline shows with a leak of one strength."""
    return (
        format_percent(finite(row.get("accuracy"))),
        format_ratio(finite(row.get("sharpe"))),
        format_percent(finite(row.get("total_return"))),
    )


def rate_row(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Write how often a rule found skill, with the interval, and how often luck may."""
    return share_found(row), interval(row), nominal(row)


def nominal(row: Mapping[str, Any]) -> str:
    """Write the rate that luck alone is allowed; a dash where a rule promises none."""
    promised = finite(row.get("nominal"))
    return DASH if promised is None else format_percent(promised)


def correlation(row: Mapping[str, Any]) -> str:
    """Write the strength of a planted edge."""
    return format_ratio(finite(row["correlation"]))


def realised(row: Mapping[str, Any]) -> tuple[str, str]:
    """Write the share of a planted edge that was realised, and its interval."""
    found = row.get("share") or {}
    return format_percent(finite(found.get("value"))), interval(found)


def texts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Collect what rows say of themselves, each sentence once."""
    return list(dict.fromkeys(str(row["text"]) for row in rows if row.get("text")))
