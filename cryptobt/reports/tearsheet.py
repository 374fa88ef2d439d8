"""The tearsheet: one HTML file that needs nothing but itself."""

from collections.abc import Callable
from html import escape
from typing import Any

from cryptobt.reports import tables
from cryptobt.reports.account_figures import equity_panel
from cryptobt.reports.canvas import style
from cryptobt.reports.forecast_figures import forecast_panels
from cryptobt.reports.glance import findings, headline
from cryptobt.reports.live_figures import live_panel
from cryptobt.reports.live_section import live_banner, live_findings, live_section
from cryptobt.reports.network_figures import network_panels
from cryptobt.reports.page import SIMULATED, banner_of, framed, panel_html, panels_html
from cryptobt.reports.position_figures import position_panel
from cryptobt.reports.quantstats_page import quantstats_section
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.symbol_table import symbols_section

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
        accounts = panels_html([equity_panel(sheet), position_panel(sheet)])
        forecasts = panels_html(forecast_panels(sheet) + network_panels(sheet))
        live = "" if sheet.live is None else panel_html(live_panel(sheet.live, sheet.results))
    parts = {
        "glance": _glance(sheet),
        "live": live_section(sheet.live, sheet.metrics, live),
        "assumptions": tables.definitions(_assumptions(sheet), "assumptions"),
        "comparison": tables.comparison_table(sheet.metrics, _short_rows(sheet)),
        "legend": tables.legend(),
        "by_symbol": symbols_section(sheet.metrics),
        "orders": tables.orders_table(sheet.metrics),
        "accounts": accounts,
        "quality": tables.forecast_quality(sheet.metrics),
        "forecasts": forecasts,
        "quantstats": quantstats() if quantstats else _quantstats(sheet),
    }
    return framed(
        "tearsheet.html",
        parts,
        title=sheet.title,
        under=[_period(sheet.metrics)],
        simulated=sheet.simulated,
        banner=banner_of(SIMULATED if sheet.simulated else "") + live_banner(sheet.live),
        command=sheet.command,
    )


def _quantstats(sheet: Sheet) -> str:
    return quantstats_section(sheet.results.get("strategy"), sheet.results.get("buy_and_hold"))


def _short_rows(sheet: Sheet) -> set[str]:
    """Name the rows that ever held a short position."""
    return {row for row, result in sheet.results.items() if (result.weights["weight"] < 0).any()}


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
