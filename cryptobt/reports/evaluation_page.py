"""The page of an evaluation: one HTML file that needs nothing but itself."""

from html import escape
from typing import Any

from cryptobt.reports import evaluation_tables as tables
from cryptobt.reports.canvas import style
from cryptobt.reports.evaluation_details import confusion_grids, days_table
from cryptobt.reports.evaluation_figures import drawn, forecast_panels, loss_panels, nearest_rows
from cryptobt.reports.evaluation_findings import evaluation_findings, tone_of
from cryptobt.reports.evaluation_sheet import BASE, EvaluationSheet, days
from cryptobt.reports.page import SIMULATED, banner_of, framed, panels_html
from cryptobt.reports.tables import data_findings, definitions

_HEADLINES = {
    "good": "Something here beats both persistence and always-up by more than noise: look harder.",
    "bad": "Nothing here beats both persistence and always-up by more than noise.",
}


def render_evaluation(sheet: EvaluationSheet) -> str:
    """Render the page of one evaluation as self-contained HTML.

    Parameters
    ----------
    sheet : EvaluationSheet
        What was compared; every text in it is escaped.

    Returns
    -------
    str
        HTML, UTF-8; a number that is absent shows as a dash, with its reason on hover.
    """
    document = sheet.document
    with style():
        figures, losses = panels_html(forecast_panels(sheet)), panels_html(loss_panels(sheet))
    parts = {
        "glance": _glance(document),
        "comparison": _comparison(document),
        "legend": tables.legend(),
        "models": tables.models_table(document),
        "by_symbol": _by_symbol(document),
        "figures": figures,
        "days": _days(sheet),
        "confusion": confusion_grids(document),
        "losses": losses,
        "assumptions": definitions([*sheet.assumptions, *data_findings(document)], "assumptions"),
        "settings": escape(sheet.settings),
    }
    simulated = bool(document["simulated"])
    return framed(
        "evaluation.html",
        parts,
        title=f"Forecasters side by side: {sheet.title}",
        under=[_period(document)],
        simulated=simulated,
        banner=banner_of(SIMULATED if simulated else ""),
        css="evaluation.css",
        command=sheet.command,
    )


def _period(document: dict[str, Any]) -> str:
    first, last = (str(document[key])[:10] for key in ("first", "last"))
    return (
        f"{first} to {last} · {document['decisions']:,} bars forecast of {document['bars']:,} · "
        f"target {document['target']}"
    )


def _glance(document: dict[str, Any]) -> str:
    tone = tone_of(document)
    found = evaluation_findings(document)
    items = "".join(f'<li class="{one.tone}">{escape(one.text)}</li>' for one in found)
    warned = "".join(
        f'<li class="warn">{escape(line)}</li>' for line in document["data"]["warnings"]
    )
    return f'<p class="answer {tone}">{_HEADLINES[tone]}</p><ul>{items}{warned}</ul>'


def _comparison(document: dict[str, Any]) -> str:
    return "".join(_horizon(document, str(horizon)) for horizon in document["horizons"])


def _horizon(document: dict[str, Any], horizon: str) -> str:
    ahead = days(horizon, str(document["interval"]))
    note = (
        "Tests see every "
        f"{horizon}th bar, so that outcomes do not overlap; the coin has as many calls as those."
    )
    said = f'<p class="note">{note}</p>' if horizon != "1" else ""
    return (
        f'<h2 class="horizon">{escape(ahead[0].upper() + ahead[1:])}</h2>{said}'
        + tables.errors_table(document, horizon)
        + tables.directions_table(document, horizon)
        + tables.tests_table(document, horizon)
    )


def _by_symbol(document: dict[str, Any]) -> str:
    table = tables.symbols_table(document)
    if not table:
        return ""
    return (
        '<section aria-labelledby="symbols">\n<h2 id="symbols">By symbol</h2>\n'
        '<p class="note">Among many symbols the best looks good by luck alone.</p>\n'
        f"{table}\n</section>\n"
    )


def _days(sheet: EvaluationSheet) -> str:
    rows = nearest_rows(sheet)
    shown = [name for name in drawn(sheet)[0] if name != BASE]
    found = "".join(days_table(rows, name) for name in shown)
    return found or '<p class="absent">No forecaster here predicts a number but persistence.</p>'
