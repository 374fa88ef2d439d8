"""The tearsheet: one HTML file that needs nothing but itself."""

from collections.abc import Callable
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from cryptobt.reports import tables
from cryptobt.reports.account_figures import equity_panel
from cryptobt.reports.canvas import Panel, style
from cryptobt.reports.forecast_figures import forecast_panels
from cryptobt.reports.glance import findings, headline
from cryptobt.reports.live_figures import live_panel
from cryptobt.reports.live_section import live_banner, live_findings, live_section
from cryptobt.reports.network_figures import network_panels
from cryptobt.reports.position_figures import position_panel
from cryptobt.reports.quantstats_page import quantstats_section
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.symbol_table import symbols_section

_BANNER = '<div class="simulated" role="alert">SIMULATED MARKET — not real prices</div>'
_SIMULATED_NOTE = (
    "The prices are simulated. Whatever this page shows, it shows how the program works, and says "
    "nothing about any real market."
)


def render_tearsheet(sheet: Sheet, quantstats: Callable[[], str] | None = None) -> str:
    """Render the tearsheet of one run as a self-contained HTML page.

    The page asks for nothing outside itself, and equal sheets give equal pages, byte for byte, with
    equal versions of the libraries.

    Parameters
    ----------
    sheet : Sheet
        The run; every text in it is escaped.
    quantstats : callable, optional
        Gives the part of the page that
        :class:`~cryptobt.reports.quantstats_page.QuantstatsProcess` draws meanwhile; drawn here if
        it is not given.

    Returns
    -------
    str
        HTML, UTF-8; a number that is absent shows as a dash, a figure that cannot be drawn as a
        sentence that says why.
    """
    with style():
        accounts = _panels([equity_panel(sheet), position_panel(sheet)])
        forecasts = _panels(forecast_panels(sheet) + network_panels(sheet))
        live = "" if sheet.live is None else _panel(live_panel(sheet.live, sheet.results))
    return Template(_part("page.html")).substitute(
        css=_part("page.css"),
        title=escape(sheet.title),
        page_title=escape(f"SIMULATED — {sheet.title}" if sheet.simulated else sheet.title),
        banner=(_BANNER if sheet.simulated else "") + live_banner(sheet.live),
        period=escape(_period(sheet.metrics)),
        glance=_glance(sheet),
        live=live_section(sheet.live, sheet.metrics, live),
        assumptions=tables.definitions(_assumptions(sheet), "assumptions"),
        comparison=tables.comparison_table(sheet.metrics, _short_rows(sheet)),
        legend=tables.legend(),
        by_symbol=symbols_section(sheet.metrics),
        orders=tables.orders_table(sheet.metrics),
        accounts=accounts,
        quality=tables.forecast_quality(sheet.metrics),
        forecasts=forecasts,
        quantstats=quantstats() if quantstats else _quantstats(sheet),
        command=escape(sheet.command),
    )


def _quantstats(sheet: Sheet) -> str:
    return quantstats_section(sheet.results.get("strategy"), sheet.results.get("buy_and_hold"))


def _short_rows(sheet: Sheet) -> set[str]:
    """Name the rows that ever held a short position."""
    return {row for row, result in sheet.results.items() if (result.weights["weight"] < 0).any()}


def _part(name: str) -> str:
    return (files("cryptobt.reports") / name).read_text(encoding="utf-8")


def _period(metrics: dict[str, Any]) -> str:
    first, last = (str(metrics.get(key) or "?")[:10] for key in ("first", "last"))
    bars, decisions = (metrics.get(key) or 0 for key in ("bars", "decisions"))
    return f"{first} to {last} · {bars:,} bars · {decisions:,} decisions"


def _assumptions(sheet: Sheet) -> list[tuple[str, str]]:
    return [*sheet.assumptions, *tables.data_findings(sheet.metrics)]


def _glance(sheet: Sheet) -> str:
    answer = headline(sheet.metrics)
    note = f'<li class="warn">{_SIMULATED_NOTE}</li>' if sheet.simulated else ""
    found = [*live_findings(sheet.live, sheet.metrics), *findings(sheet.metrics)]
    items = "".join(f'<li class="{one.tone}">{escape(one.text)}</li>' for one in found)
    return f'<p class="answer {answer.tone}">{escape(answer.text)}</p><ul>{note}{items}</ul>'


def _panels(panels: list[Panel]) -> str:
    return "".join(_panel(panel) for panel in panels)


def _panel(panel: Panel) -> str:
    kind = "panel wide" if panel.wide else "panel"
    heading = f"<h3>{escape(panel.title)}</h3>"
    if panel.absent:
        return f'<div class="{kind}">{heading}<p class="absent">{escape(panel.absent)}</p></div>'
    caption = f"<figcaption>{escape(panel.caption)}</figcaption>"
    return (
        f'<figure class="{kind}">{heading}<div class="drawing">{panel.svg}</div>{caption}</figure>'
    )
