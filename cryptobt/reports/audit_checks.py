"""The page of `audit leakage`: what leaked, how to mend it, every check, what a leak is worth."""

from collections.abc import Sequence
from html import escape

from cryptobt.reports import audit_words as words
from cryptobt.reports.audit_tables import note, section, table
from cryptobt.reports.audit_words import Check, Document

_KINDS = {"passed": "passed", "leak": "leaked", "noted": "noted", "not asked": "unasked"}
_MARKS = {"passed": "✓ passed", "leak": "✗ leaked", "noted": "! noted", "not asked": "· not asked"}


def check_sections(document: Document) -> str:
    """Write the sections of a leakage audit; every text of a user's is escaped."""
    return _leaks(document) + _checks(document) + _worth(document)


def _leaks(document: Document) -> str:
    found = words.leaks_of(document)
    said = (
        "What leaked first in each place, as far as it could be traced. Mend the first one and "
        "audit again: what comes later in the pipeline often leaks only because of it."
    )
    cards = "".join(_leak(one) for one in found)
    return section("What leaked, and how to mend it", "leaks", note(said), cards) if found else ""


def _leak(leak: words.Leak) -> str:
    check = leak.first
    at = words.where(check)
    heading = f"<h3>{escape(str(check['name']))}{escape(f': {at}' if at else '')}</h3>"
    parts = [heading, f"<p>{escape(str(check['seen']))}</p>", _code(check)]
    if check.get("mend"):
        parts.append(f'<p class="mend">Mend: {escape(str(check["mend"]))}</p>')
    if leak.others:
        parts.append(f"<p>The same line fails: {escape('; '.join(leak.others))}</p>")
    return f'<div class="leak">{"".join(parts)}</div>'


def _code(check: Check) -> str:
    """Show the line at fault, below the place where it stands."""
    place = words.place(check)
    where = f"<p>In {escape(place)}:</p>" if place else ""
    code = str(check.get("code") or "").strip()
    return where + (f"<pre><code>{escape(code)}</code></pre>" if code else "")


def _checks(document: Document) -> str:
    groups = words.by_part(document["checks"])
    body = "".join(_group(part, checks) for part, checks in groups.items())
    return section(
        f"Every check: {words.counted(document)}",
        "checks",
        _cuts(document),
        '<div class="scroll" role="region" tabindex="0" aria-label="Every check">'
        '<table class="checks"><caption class="unseen">Every check</caption><thead><tr>'
        '<th scope="col">check</th><th scope="col">what holds when all is well, and what was seen'
        f"</th></tr></thead>{body}</table></div>",
    )


def _cuts(document: Document) -> str:
    """Say at how many bars the future was taken away."""
    cuts = document["cuts"]
    if not cuts:
        return ""
    return note(
        f"The future was cut away, and replaced by another one, at {len(cuts)} bars from "
        f"{words.day(cuts[0])} to {words.day(cuts[-1])}: nothing up to such a bar may move."
    )


def _group(part: str, checks: Sequence[Check]) -> str:
    name = escape(words.PARTS.get(part, part))
    rows = "".join(_check(check) for check in checks)
    return f'<tbody><tr><th scope="rowgroup" colspan="2">{name}</th></tr>{rows}</tbody>'


def _check(check: Check) -> str:
    outcome = str(check["outcome"])
    said = [str(check["seen"] or "")]
    if outcome == "leak":
        said = [words.where(check), *said]
    seen = ". ".join(text for text in said if text)
    shown = f'<span class="seen">{escape(seen)}</span>' if seen else ""
    return (
        f'<tr class="{_KINDS[outcome]}"><th scope="row">{escape(str(check["name"]))}'
        f'<span class="outcome">{_MARKS[outcome]}</span></th>'
        f"<td>{escape(str(check['expected']))}{shown}</td></tr>"
    )


def _worth(document: Document) -> str:
    """Set the honest pipeline beside twins of it that were given tomorrow's return."""
    worth = document.get("worth")
    if not worth:
        return ""
    rows = [(f"{row['name']}\n{row['meaning']}", *words.worth_row(row)) for row in worth["rows"]]
    heads = ("", "accuracy", "Sharpe", "return")
    return section(
        "What a leak would be worth",
        "worth",
        f"<p>{escape(str(worth['text']))}</p>",
        table("The pipeline, and twins of it that leak", heads, rows),
    )
