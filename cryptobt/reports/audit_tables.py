"""Pieces of an audit's page: a section, a table that scrolls by itself, a list of sentences."""

from collections.abc import Iterable, Sequence
from html import escape


def section(heading: str, mark: str, *parts: str) -> str:
    """Set parts, HTML already, under a heading; nothing where they are empty."""
    body = "".join(parts)
    if not body:
        return ""
    return (
        f'<section aria-labelledby="{mark}">\n<h2 id="{mark}">{escape(heading)}</h2>\n'
        f"{body}\n</section>\n"
    )


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table whose first cell of a row names it; every text is escaped.

    What follows a line break in a cell is set below the rest of it in small print.
    """
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(_row(row) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table class="grid"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def sentences(lines: Iterable[str]) -> str:
    """List sentences; nothing where there are none."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="said">{items}</ul>\n' if items else ""


def note(text: str) -> str:
    """Write a small explaining paragraph."""
    return f'<p class="note">{escape(text)}</p>\n'


def _row(row: Sequence[str]) -> str:
    first, *cells = row
    rest = "".join(f"<td>{_cell(cell, 'interval')}</td>" for cell in cells)
    return f'<tr><th scope="row">{_cell(first, "meaning")}</th>{rest}</tr>'


def _cell(text: str, kind: str) -> str:
    large, _, small = text.partition("\n")
    return escape(large) + (f'<span class="{kind}">{escape(small)}</span>' if small else "")
