"""Plain tables: a caption, heads that name rows and columns, numbers with their intervals."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from cryptobt.reports.numbers import DASH, Measure, Write, finite

_WORDS = '<td class="words"'


def grid(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    kind: str = "",
    groups: Sequence[tuple[str, int]] = (),
    said: bool = False,
) -> str:
    """Write a table that scrolls by itself where the page is narrow.

    Parameters
    ----------
    caption : str
        What it shows; escaped here.
    heads : sequence of str
        Names of the columns, the rows' own first; escaped here.
    rows : iterable of sequences of str
        The name of the row, escaped here, and its cells as HTML.
    groups : sequence of (str, int)
        Titles above the columns, and how many columns each spans.
    said : bool
        Whether the words of the caption stand above the table already.
    """
    listed = [list(row) for row in rows]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>' for name, *cells in listed
    )
    hidden = ' class="unseen"' if said else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="grid {kind}"><caption{hidden}>{escape(caption)}</caption>'
        f"<thead>{_groups(groups)}<tr>{_heads(heads, listed)}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _heads(heads: Sequence[str], rows: list[list[str]]) -> str:
    """Name the columns; the name of a column of words stands where its words begin."""
    worded = [any(row[place].startswith(_WORDS) for row in rows) for place in range(len(heads))]
    return "".join(
        f'<th scope="col"{" class=words" if words_ else ""}>{escape(head)}</th>'
        for head, words_ in zip(heads, worded, strict=True)
    )


def _groups(groups: Sequence[tuple[str, int]]) -> str:
    cells = "".join(
        f'<th scope="colgroup" colspan="{span}">{escape(title)}</th>' if title
        else f'<td colspan="{span}"></td>'
        for title, span in groups
    )  # fmt: skip
    return f"<tr>{cells}</tr>" if cells else ""


def number(found: Measure, written: Write) -> str:
    """Write a cell: the number above its interval, or a dash with the reason."""
    if found.value is None:
        return dash(found.reason)
    ends = ""
    if found.has_interval:
        ends = f'<span class="interval">{written(found.low)} to {written(found.high)}</span>'
    return f"<td>{written(found.value)}{ends}</td>"


def dash(reason: str, kind: str = "") -> str:
    """Write the cell of an absent number; its reason is there on hover and for screen readers."""
    said = escape(reason)
    of_kind = f' class="{kind}"' if kind else ""
    return f'<td{of_kind} title="{said}">{DASH}<span class="unseen"> {said}</span></td>'


def bare(value: Any, written: Write) -> str:
    """Write the cell of a number that has neither interval nor reason."""
    known = finite(value)
    return f"<td>{DASH if known is None else written(known)}</td>"


def words(text: str) -> str:
    """Write a cell of words."""
    return f"{_WORDS}>{escape(text)}</td>"


def absent(text: str) -> str:
    """Write the sentence that stands where there is nothing to show."""
    return f'<p class="absent">{escape(text)}</p>'


def first_upper(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]
