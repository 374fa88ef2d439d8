"""The page of an audit, of every kind: one HTML file that needs nothing but itself."""

from collections.abc import Callable, Mapping
from html import escape

from cryptobt.reports import audit_words as words
from cryptobt.reports.audit_checks import check_sections
from cryptobt.reports.audit_differences import account_sections
from cryptobt.reports.audit_rates import null_sections, planted_sections
from cryptobt.reports.audit_words import Document
from cryptobt.reports.page import SIMULATED, banner_of, framed

_SECTIONS: Mapping[str, Callable[[Document], str]] = {
    "leakage": check_sections,
    "null": null_sections,
    "planted": planted_sections,
    "accounts": account_sections,
}
_RULES = {
    "leakage": (
        "What is later than a bar was cut away or changed, and everything up to the bar was "
        "computed again. Equal values are no proof: a check sees what it moves, at the bars where "
        "it moves it."
    ),
    "null": (
        "The markets have the length, drift and volatility of the real bars, and nothing in them "
        "that a forecast could find. The whole pipeline ran on each, with its costs and verdict."
    ),
    "planted": (
        "The markets have the length and volatility of the real bars, no drift, and an edge in the "
        "bars themselves: the next return leans to the side on which the close stands of its mean "
        "of 50 bars. A pipeline that finds none of it could not find such a trend in real prices."
    ),
    "accounts": (
        "Two programs that share no code kept the same account. They agree where no value is "
        "farther off than one part in a thousand million."
    ),
}


def render_audit(document: Document) -> str:
    """Render the page of one audit as self-contained HTML; equal documents give equal pages.

    Parameters
    ----------
    document : mapping
        The ``audit.json`` document; every text in it is escaped.

    Returns
    -------
    str
        HTML, UTF-8; a number that is absent shows as a dash.
    """
    kind = document["audit"]
    simulated = bool(document["simulated"])
    parts = {
        "headline": escape(words.headline(document)),
        "tone": words.TONES[document["outcome"]],
        "notes": _notes(document),
        "rule": escape(_RULES[kind]),
        "sections": _SECTIONS[kind](document),
    }
    return framed(
        "audit.html",
        parts,
        title=words.title(document),
        under=words.under(document),
        simulated=simulated,
        banner=banner_of(SIMULATED if simulated else ""),
        css="audit.css",
    )


def _notes(document: Document) -> str:
    """List what was warned of while the audit ran."""
    items = "".join(f'<li class="warn">{escape(str(line))}</li>' for line in document["warnings"])
    return f'<ul class="notes">{items}</ul>\n' if items else ""
