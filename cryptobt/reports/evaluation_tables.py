"""The tables of an evaluation's page: errors, directions, tests, models, symbols."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.evaluation_findings import coin_band
from cryptobt.reports.evaluation_sheet import ALWAYS_UP, BASE, adaptive, nearest, of
from cryptobt.reports.evaluation_sheet import names as names_of
from cryptobt.reports.numbers import DASH, Measure, format_percent, format_ratio
from cryptobt.reports.tables import definitions


@dataclass(frozen=True)
class Column:
    """One column: where it is in the document, how it is written, what it means."""

    title: str
    path: tuple[str, ...]
    written: Callable[[float | None], str]
    meaning: str
    interval: bool = False


def _small(value: float | None) -> str:
    return DASH if value is None else f"{value:.5f}"


def _four(value: float | None) -> str:
    return format_ratio(value, 4)


def _three(value: float | None) -> str:
    return format_ratio(value, 3)


ERRORS = (
    Column("MAE", ("price", "mae"), adaptive, "mean absolute error of the price"),
    Column("RMSE", ("price", "rmse"), adaptive, "root of the mean squared error of the price"),
    Column("MAPE", ("price", "mape"), lambda v: format_percent(v, 2), "mean error over the price"),
    Column("R² price", ("price", "r2"), _four, "near 1 for any forecast near the last close"),
    Column("MAE return", ("return", "mae"), _small, "mean absolute error, log return"),
    Column("RMSE return", ("return", "rmse"), _small, "root mean squared error, log return"),
    Column("R² return", ("return", "r2"), _four, "0: no better than the mean return"),
    Column(
        "Skill",
        ("return", "skill"),
        lambda v: format_percent(v, 2),
        "squared error of persistence (of returns) that is done away with; below 0 it is worse",
        interval=True,
    ),
    Column("n", ("return", "n"), numbers.format_amount, "pairs of a predicted and a known return"),
)
DIRECTIONS = (
    Column(
        "Accuracy",
        ("direction", "accuracy"),
        format_percent,
        "share of calls that came true",
        interval=True,
    ),
    Column(
        "Precision",
        ("direction", "precision"),
        format_percent,
        "of the calls for up, how many came true",
        interval=True,
    ),
    Column(
        "Recall",
        ("direction", "recall"),
        format_percent,
        "of the rises, how many were called",
        interval=True,
    ),
    Column("F1", ("direction", "f1"), format_percent, "precision and recall in one", interval=True),
    Column("MCC", ("direction", "mcc"), format_ratio, "−1 to 1; 0 without skill", interval=True),
    Column("Coverage", ("direction", "coverage"), format_percent, "bars on which a call was made"),
)
TESTS = (
    Column(
        "PT p",
        ("pesaran_timmermann", "p_value"),
        _three,
        "Pesaran–Timmermann: calls right more often than independent ones, one-sided",
    ),
    Column(
        "DM", ("diebold_mariano", "statistic"), format_ratio, "above 0: better than persistence"
    ),
    Column(
        "DM p",
        ("diebold_mariano", "p_value"),
        _three,
        "Diebold–Mariano, small-sample form of Harvey, Leybourne and Newbold, two-sided",
    ),
    Column(
        "CW p",
        ("clark_west", "p_value"),
        _three,
        "Clark–West: knows more than zero, its own noise given back, one-sided",
    ),
    Column("Brier", ("brier",), _four, "of the probability of up; a coin's is 0.25"),
    Column("In 90%", ("interval_coverage",), format_percent, "returns inside q05 to q95"),
    Column("Pinball 5%", ("pinball", "q05"), _small, "loss of the 5% quantile, log return"),
    Column("Pinball 95%", ("pinball", "q95"), _small, "loss of the 95% quantile, log return"),
)
_TO_BEAT = {BASE: "no change: the row to beat for a price", ALWAYS_UP: "the row to beat for a call"}
_MEANINGS = {**_TO_BEAT, "trend_only": "the trend already known at the bar, nothing learnt"}


def errors_table(document: dict[str, Any], horizon: str) -> str:
    """Errors in price and in return, and skill, of every forecaster."""
    unit = document["unit"]
    if unit is None:
        return _table(document, horizon, ERRORS[4:], "Errors of returns, all symbols", {})
    titles = {"MAE": f"MAE {unit}", "RMSE": f"RMSE {unit}"}
    return _table(document, horizon, ERRORS, "Errors", titles)


def directions_table(document: dict[str, Any], horizon: str) -> str:
    """Calls of direction of every forecaster, beside what a coin reaches."""
    band = {name: _band(document, name, horizon) for name in names_of(document)}
    return _table(document, horizon, DIRECTIONS, "Directions", {}, ("Coin", band))


def tests_table(document: dict[str, Any], horizon: str) -> str:
    """Tests of significance, and how true the probabilities and quantiles were."""
    return _table(document, horizon, TESTS, "Significance and calibration", {})


def _band(document: dict[str, Any], name: str, horizon: str) -> str:
    band = coin_band(document, name, horizon)
    return DASH if band is None else f"{format_percent(band[0])} to {format_percent(band[1])}"


def _table(
    document: dict[str, Any],
    horizon: str,
    columns: tuple[Column, ...],
    title: str,
    titles: dict[str, str],
    last: tuple[str, dict[str, str]] | None = None,
) -> str:
    head = "".join(
        f'<th scope="col" title="{escape(c.meaning)}">{escape(titles.get(c.title, c.title))}</th>'
        for c in columns
    )
    head += f'<th scope="col">{last[0]}</th>' if last else ""
    body = ""
    for name in names_of(document):
        cells = "".join(_cell(c, of(document, name, horizon, *c.path)) for c in columns)
        cells += f"<td>{last[1][name]}</td>" if last else ""
        body += f"<tr{_kind(name)}>{_label(document, name)}{cells}</tr>"
    return scrolled(title, f'<th scope="col">Forecaster</th>{head}', body)


def _kind(name: str) -> str:
    return ' class="beat"' if name in _TO_BEAT else ""


def _label(document: dict[str, Any], name: str) -> str:
    meaning = _MEANINGS.get(name, str(document["forecasters"][name]["summary"]))
    said = f'<span class="meaning">{escape(meaning)}</span>'
    return f'<th scope="row">{escape(name)}{said}</th>'


def _cell(column: Column, found: Measure) -> str:
    if found.value is None:
        return f'<td title="{escape(found.reason)}">{DASH}</td>'
    interval = ""
    if column.interval and found.has_interval:
        ends = f"{column.written(found.low)} to {column.written(found.high)}"
        interval = f'<span class="interval">{ends}</span>'
    return f"<td>{column.written(found.value)}{interval}</td>"


def scrolled(title: str, head: str, body: str) -> str:
    """Put a table under its title, in a box that scrolls where the screen is narrow."""
    return (
        f'<h3>{escape(title)}</h3><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table class="comparison"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def legend() -> str:
    """Explain every column in a few words."""
    pairs = [(c.title, c.meaning) for c in (*ERRORS, *DIRECTIONS, *TESTS)]
    coin = ("Coin", "accuracies of a coin with as many calls, the luckiest left out")
    return definitions([*pairs, coin])


def models_table(document: dict[str, Any]) -> str:
    """Parameters and epochs of every forecaster that learns."""
    body = ""
    for name, one in document["forecasters"].items():
        epochs = one["epochs"]
        ran = DASH if epochs is None else f"{epochs['mean']:.1f} of {epochs['fits']} fits"
        count = numbers.format_amount(numbers.finite(one["parameters"]))
        body += f"<tr>{_label(document, name)}<td>{one['kind']}</td><td>{count}</td>"
        body += f"<td>{ran}</td></tr>"
    titles = ("Forecaster", "Kind", "Parameters", "Epochs, mean")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return scrolled("Models", head, body)


def symbols_table(document: dict[str, Any]) -> str:
    """Each symbol's own numbers; empty text for one, which the other tables describe."""
    symbols, horizon = numbers.symbols(document), nearest(document)
    if len(symbols) < 2:
        return ""
    columns = (*ERRORS[:4], ERRORS[7], DIRECTIONS[0], DIRECTIONS[4], *TESTS[:3])
    head = "".join(f'<th scope="col">{column.title}</th>' for column in columns)
    parts = (
        scrolled(symbol, f'<th scope="col">Forecaster</th>{head}', body)
        for symbol, body in _by_symbol(document, symbols, horizon, columns)
    )
    return "".join(parts)


def _by_symbol(
    document: dict[str, Any], symbols: list[str], horizon: str, columns: tuple[Column, ...]
) -> Iterable[tuple[str, str]]:
    for symbol in symbols:
        body = ""
        for name in names_of(document):
            found = (of(document, name, horizon, "per_symbol", symbol, *c.path) for c in columns)
            cells = "".join(_cell(c, one) for c, one in zip(columns, found, strict=True))
            body += f"<tr{_kind(name)}>{_label(document, name)}{cells}</tr>"
        path = ("forecasters", BASE, "horizons", horizon, "per_symbol", symbol, "price", "mae")
        unit = numbers.lookup(document, *path, "unit")
        yield f"{symbol}, MAE and RMSE in {unit}", body
