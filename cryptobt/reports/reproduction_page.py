"""The page of a reproduction: one HTML file that needs nothing but itself."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from cryptobt.reports import reproduction_words as words
from cryptobt.reports.canvas import style
from cryptobt.reports.page import banner_of, framed, panels_html
from cryptobt.reports.reproduction_figures import Figures, panels

_SIMULATED = "SIMULATED MARKET: not real prices, and not comparable with the claims"
_OTHER_DATA = "NOT THE PAPER’S DATA: its claims are about other days"


def render_reproduction(document: Mapping[str, Any], figures: Figures) -> str:
    """Render a reproduction as a self-contained HTML page.

    Equal documents and figures give equal pages, byte for byte, with equal versions of the
    libraries. Every text is escaped.

    Parameters
    ----------
    document : dict
        ``reproduction.json``; a number that is absent shows as a dash, with its reason.
    """
    with style():
        drawn = panels_html(panels(figures, document["unit"]))
    parts = {
        "paragraph": f"<p>{escape(' '.join(document['paragraph']))}</p>",
        "claims": _claims(document),
        "baselines": "".join(_baselines(document, h) for h in words.horizons_of(document))
        + _horizons(document),
        "panels": drawn,
        "notes": _listed([*document["warnings"], *document["notes"]]),
        "settings": _settings(document),
    }
    return framed(
        "reproduction.html",
        parts,
        title=f"{document['title']}: claim, recipe, twin",
        under=[document["source"], words.period(document)],
        simulated=document["simulated"],
        banner=_banner(document),
    )


def _banner(document: Mapping[str, Any]) -> str:
    if document["simulated"]:
        return banner_of(_SIMULATED)
    return banner_of("" if document["comparable"] else _OTHER_DATA)


def _claims(document: Mapping[str, Any]) -> str:
    parts = []
    for name, rows in words.grouped(document).items():
        table = _claim_table(rows)
        if name != "results":
            summary = f"<summary>{words.GROUPS[name]} ({len(rows)} rows)</summary>"
            table = f"<details>{summary}{table}</details>"
        parts.append(table)
    return "".join(parts)


def _claim_table(claims: Iterable[Mapping[str, Any]]) -> str:
    heads = ["", "the paper’s claim", *(words.HEADS[column] for column in words.COLUMNS)]
    rows = []
    for row in claims:
        where = f'<span class="meaning">{escape(row["where"])}</span>'
        cells = "".join(_cell(row[column]) for column in words.COLUMNS)
        rows.append(
            f'<tr><th scope="row">{escape(row["label"])}{where}</th>'
            f"<td>{escape(words.claimed(row))}</td>{cells}</tr>"
        )
    return _table(heads, rows)


def _cell(found: Mapping[str, Any]) -> str:
    under = words.spread(found) or (found["reason"] or "" if found["value"] is None else "")
    small = f'<span class="meaning">{escape(under)}</span>' if under else ""
    return f"<td>{escape(words.cell(found))}{small}</td>"


def _baselines(document: Mapping[str, Any], horizon: str) -> str:
    bars = "The next bar" if horizon == "1" else f"{horizon} bars ahead"
    return f"<h3>{bars}</h3>{_of_cells(words.baseline_rows(document, horizon))}"


def _horizons(document: Mapping[str, Any]) -> str:
    rows = words.horizon_rows(document, frozenset())
    return f"<h3>Skill at every horizon</h3>{_of_cells(rows)}" if rows else ""


def _of_cells(rows: Sequence[tuple[str, ...]]) -> str:
    head, *rest = rows
    lines = [
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rest
    ]
    return _table(head, lines)


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(rows)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table class="beside">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _listed(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _settings(document: Mapping[str, Any]) -> str:
    own, twin = (document["settings"][column] for column in words.COLUMNS)
    rows = []
    for section, values in own.items():
        for key, value in values.items():
            other = twin[section][key]
            mark = ' class="beat"' if other != value else ""
            rows.append(
                f'<tr{mark}><th scope="row">{section}.{key}</th><td>{escape(str(value))}</td>'
                f"<td>{escape(str(other))}</td></tr>"
            )
    table = _table(["", "own recipe", "honest twin"], rows)
    return (
        f"<details><summary>Every setting; those that differ are marked</summary>{table}</details>"
    )
