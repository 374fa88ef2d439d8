"""The tearsheet: one HTML file that needs nothing but itself."""

from collections.abc import Callable
from typing import Any

from cryptobt.reports import tables
from cryptobt.reports.account_figures import equity_panel
from cryptobt.reports.attribution_section import attribution_section
from cryptobt.reports.direction_figures import direction_panels
from cryptobt.reports.direction_section import always_up_note, direction_section
from cryptobt.reports.forecast_figures import forecast_panels, matched_forecasts
from cryptobt.reports.glance import findings
from cryptobt.reports.headline_table import comparison_table, legend
from cryptobt.reports.live_figures import live_panel
from cryptobt.reports.live_section import live_banner, live_findings, live_section
from cryptobt.reports.network_figures import network_panels
from cryptobt.reports.page import SIMULATED, banner_of, framed, merged, panel_html, panels_html
from cryptobt.reports.position_figures import position_panel
from cryptobt.reports.quantstats_page import quantstats_section
from cryptobt.reports.risk_figures import returns_panel
from cryptobt.reports.risk_section import risk_section
from cryptobt.reports.robustness_section import robustness_section
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.significance import forecast_tests, significance_tables
from cryptobt.reports.symbol_table import symbols_section
from cryptobt.reports.trades_section import trades_section
from cryptobt.reports.verdict import topics_said, verdict_section

_IN_FOOTER = ("Data", "Versions")


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
    matched = matched_forecasts(sheet)
    metrics = sheet.metrics
    live = "" if sheet.live is None else panel_html(live_panel(sheet.live, sheet.results))
    parts = {
        "verdict": _verdict(sheet),
        "live": live_section(sheet.live, metrics, live),
        "assumptions": tables.definitions(_assumptions(sheet), "assumptions"),
        "comparison": comparison_table(metrics, _short_rows(sheet)),
        "legend": legend(),
        "significance": significance_tables(metrics),
        "by_symbol": symbols_section(metrics),
        "accounts": panels_html([equity_panel(sheet), position_panel(sheet)]),
        "direction": always_up_note(metrics)
        + direction_section(metrics, direction_panels(sheet, matched)),
        "quality": tables.forecast_quality(metrics),
        "forecasts": panels_html(merged(forecast_panels(sheet, matched))),
        "tests": forecast_tests(metrics),
        "network": panels_html(merged(network_panels(sheet))),
        "robustness": robustness_section(metrics),
        "attribution": attribution_section(metrics),
        "risk": risk_section(metrics, returns_panel(sheet)),
        "quantstats": quantstats() if quantstats else _quantstats(sheet),
        "trades": trades_section(sheet.results.get("strategy")),
        "orders": tables.orders_table(metrics),
    }
    return framed(
        "tearsheet.html",
        parts,
        title=sheet.title,
        under=[_period(metrics)],
        simulated=sheet.simulated,
        banner=banner_of(SIMULATED if sheet.simulated else "") + live_banner(sheet.live),
        command=sheet.command,
        foot=tables.definitions(_made_from(sheet), "made-from"),
        script="explore.js",
        contents=True,
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
    said = [pair for pair in sheet.assumptions if pair[0] != "Versions"]
    return [*said, *tables.data_findings(sheet.metrics)]


def _made_from(sheet: Sheet) -> list[tuple[str, str]]:
    """What the numbers were made from: data with their hashes, and versions."""
    return [pair for pair in sheet.assumptions if pair[0] in _IN_FOOTER]


def _verdict(sheet: Sheet) -> str:
    metrics = sheet.metrics
    found = [*live_findings(sheet.live, metrics), *findings(metrics, topics_said(metrics))]
    return verdict_section(metrics, found, simulated=sheet.simulated)
