"""The lines that end an audit in the terminal: plain text, no colour codes."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cryptobt.reports import audit_words as words
from cryptobt.reports.audit_words import Check, Document
from cryptobt.reports.numbers import DASH
from cryptobt.reports.runs_terminal import WIDTH, set_in_columns

_MOST_LINES = 29
_MOST_DIFFERENCES = 8
_MOST_WARNINGS = 3
_INDENT = "    "
_UNPROMISED = f"{DASH}: no rate is promised where markets drift: holding them earns something"


def audit_summary(document: Document, *, run_folder: str, page: str) -> str:
    """Sum an audit up in fewer than 30 lines of at most 118 columns (paths may be longer).

    Parameters
    ----------
    document : mapping
        The ``audit.json`` document; absent numbers show as a dash.
    run_folder, page : str
        Where it was written.
    """
    head = [*_wrapped(words.headline(document)), *_under(document)]
    foot = [*_warnings(document), f"Run folder  {run_folder}", f"Page        {page}"]
    room = _MOST_LINES - len(head) - len(foot)
    return "\n".join([*head, *_BODIES[document["audit"]](document, room), *foot])


def _under(document: Document) -> Iterator[str]:
    of_run = f"run {document['run']}: " if document["audit"] == "accounts" else ""
    yield from _wrapped(f"{of_run}{words.subject(document)}")
    yield from _wrapped(words.period(document))
    if document["audit"] in ("null", "planted"):
        yield from _wrapped(words.like(document))
    if document["simulated"]:
        yield "SIMULATED MARKET: not real prices"


def _warnings(document: Document) -> list[str]:
    return _as_fits([_cut(f"Warning: {line}") for line in document["warnings"]], _MOST_WARNINGS)


def _leakage(document: Document, room: int) -> list[str]:
    """Tell what leaked first; then what was noted and not asked, as far as there is room."""
    foot = [*_passed(document)]
    rest = [
        *_noted(words.of_outcome(document, "noted")),
        *_not_asked(words.of_outcome(document, "not asked")),
    ]
    worth = _worth(document)
    leaks = _leaks(words.leaks_of(document), room - len(foot) - len(worth))
    left = room - len(leaks) - len(foot) - len(worth)
    return [*leaks, *foot, *_as_fits(rest, left), *worth]


def _leaks(leaks: Sequence[words.Leak], room: int) -> list[str]:
    """Tell leaks in full, the first one always; count those that find no room."""
    lines: list[str] = []
    for number, leak in enumerate(leaks):
        told = list(_leak(leak))
        last = number == len(leaks) - 1
        if number and len(lines) + len(told) + (not last) > room:
            return [*lines, f"✗ and {len(leaks) - number} more on the page"]
        lines += told
    return lines


def _leak(leak: words.Leak) -> Iterator[str]:
    check = leak.first
    at = words.where(check)
    yield _cut(f"✗ {check['name']}{f': {at}' if at else ''}")
    yield from _wrapped(str(check["seen"]), _INDENT)[:2]
    yield from _code(words.place(check), str(check.get("code") or "").strip())
    if check.get("mend"):
        yield from _wrapped(f"Mend: {check['mend']}", _INDENT)[:2]
    if leak.others:
        yield _cut(f"{_INDENT}The same line fails: {'; '.join(leak.others)}")


def _code(place: str, code: str) -> list[str]:
    """Show the line at fault beside its place, or below it where a path is long."""
    told = [text for text in (place, code) if text]
    line = _INDENT + "   ".join(told)
    return [_cut(line)] if told and len(line) <= WIDTH else [_cut(_INDENT + text) for text in told]


def _passed(document: Document) -> list[str]:
    """Count the checks that passed, by what they look at."""
    groups = words.by_part(words.of_outcome(document, "passed"))
    counts = (f"{words.PARTS.get(part, part)} {len(checks)}" for part, checks in groups.items())
    return _wrapped(f"Passed: {', '.join(counts)}") if groups else ["Passed: none"]


def _noted(checks: Iterable[Check]) -> list[str]:
    return [_cut(f"Noted: {check['name']}: {check['seen']}") for check in checks]


def _not_asked(checks: Iterable[Check]) -> list[str]:
    """Say why checks were not asked, those with the same reason in one line."""
    names: dict[str, list[str]] = {}
    for check in checks:
        names.setdefault(str(check["seen"]), []).append(str(check["name"]))
    return [_cut(f"Not asked: {_these(found)}: {why}") for why, found in names.items()]


def _these(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} checks"


def _as_fits(lines: Sequence[str], room: int) -> list[str]:
    """Take as many lines as fit, and count the others."""
    if len(lines) <= room:
        return list(lines)
    kept = list(lines[: max(0, room - 1)])
    return [*kept, f"and {len(lines) - len(kept)} more on the page"] if room > 0 else []


def _worth(document: Document) -> list[str]:
    worth = document.get("worth")
    if not worth:
        return []
    head = ("What a leak would be worth", "accuracy", "Sharpe", "return")
    rows = [(str(row["name"]), *words.worth_row(row)) for row in worth["rows"]]
    return [*set_in_columns([head, *rows], {1, 2, 3}), *_wrapped(str(worth["text"]))]


def _null(document: Document, room: int) -> list[str]:
    head = ("Found skill by", "markets", "95 % interval", "nominal")
    rows = [(str(row["name"]), *words.rate_row(row)) for row in document["rates"]]
    lines = set_in_columns([head, *rows], {1, 2, 3})
    unpromised = any(row["nominal"] is None for row in document["rates"])
    return [*lines, *_as_fits([_UNPROMISED] if unpromised else [], room - len(lines))]


def _planted(document: Document, room: int) -> list[str]:
    head = (
        "Planted correlation",
        "share of it found",
        "95 % interval",
        "evidence",
        "95 % interval",
    )
    rows = [
        (words.correlation(row), *words.realised(row), words.share_found(row), words.interval(row))
        for row in document["edges"]
    ]
    lines = set_in_columns([head, *rows], {1, 2, 3, 4})
    return [*lines, *_said(words.texts(document["edges"]), room - len(lines))]


def _accounts(document: Document, room: int) -> list[str]:
    counts = ", ".join(f"{name} {count}" for name, count in words.compared(document))
    lines = _wrapped(f"Compared: {counts}; largest relative gap {words.gap(document)}")
    shown = document["differences"][:_MOST_DIFFERENCES]
    lines += [_cut(f"✗ {row['text']}") for row in shown]
    left = int(document["differing"]) - len(shown)
    lines += [f"✗ and {left:,} more on the page"] if left > 0 else []
    unjudged = [_cut(f"Not judged: {line}") for line in document["not_judged"]]
    return [*lines, *_as_fits(unjudged, room - len(lines))]


def _said(texts: Sequence[str], room: int) -> list[str]:
    return _as_fits([line for text in texts for line in _wrapped(text)], room)


_BODIES: Mapping[str, Callable[[Document, int], list[str]]] = {
    "leakage": _leakage,
    "null": _null,
    "planted": _planted,
    "accounts": _accounts,
}


def _wrapped(text: str, indent: str = "") -> list[str]:
    lines = textwrap.wrap(_flat(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
    return lines or [""]


def _cut(text: str, width: int = WIDTH) -> str:
    flat = _flat(text)
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _flat(text: str) -> str:
    """Names and code are a user's: no line break or escape sequence reaches the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
