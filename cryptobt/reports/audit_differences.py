"""The page of `audit accounts`: what was recomputed, and every difference."""

from html import escape

from cryptobt.reports import audit_words as words
from cryptobt.reports.audit_tables import note, section, sentences, table
from cryptobt.reports.audit_words import Document
from cryptobt.reports.tables import definitions


def account_sections(document: Document) -> str:
    """Write the sections of an audit of a run's accounts."""
    gap = ("largest relative gap", words.gap(document))
    return (
        _differences(document)
        + section(
            "What was recomputed",
            "compared",
            note(
                "A second set of books, which shares no code with the backtest, was kept from the "
                "bars, the settings and the orders of the run."
            ),
            definitions([*words.compared(document), gap], "quality"),
        )
        + section("What could not be judged", "unjudged", sentences(document["not_judged"]))
    )


def _differences(document: Document) -> str:
    shown, every = document["differences"], int(document["differing"])
    if not shown:
        return ""
    left = every - len(shown)
    more = f"<p>And {left:,} more.</p>" if left > 0 else ""
    first = f'<div class="leak"><p>{escape(str(shown[0]["text"]))}</p></div>'
    heads = ("where", "recorded", "recomputed")
    rows = [
        (words.difference_at(row), words.value(row["recorded"]), words.value(row["recomputed"]))
        for row in shown
    ]
    return section(
        "The first difference, and all others",
        "differences",
        note("What comes later often differs only because of the first one."),
        first,
        table(f"{every:,} values differ", heads, rows),
        more,
    )
