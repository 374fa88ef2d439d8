"""The lines that end an evaluation in the terminal: plain text, no colour codes."""

import textwrap
from collections.abc import Mapping
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.evaluation_findings import evaluation_findings, of_no_price
from cryptobt.reports.evaluation_sheet import BASE, adaptive, days, names, nearest, of
from cryptobt.reports.numbers import DASH, Measure, format_percent, format_ratio

WIDTH = 100
_MOST_LINES = 29
_WORST = 9.99
Seconds = Mapping[str, float]


def evaluation_summary(
    document: dict[str, Any], seconds: Seconds, *, run_folder: str, page: str
) -> str:
    """Sum an evaluation up in fewer than 30 lines of at most 100 columns (paths may be longer).

    Parameters
    ----------
    document : dict
        The ``evaluation.json`` document; absent numbers show as a dash.
    seconds : mapping
        Forecaster to the seconds that its fits took.
    """
    lines = [*_head(document), "", *_table(document, seconds), ""]
    lines += _findings(document, _MOST_LINES - 2 - len(lines))
    paths = [f"Run folder  {run_folder}", f"Page        {page}"]
    return "\n".join([*(_fit(line) for line in lines), *paths])


def _fit(line: str) -> str:
    # Names come from files: no line break or escape sequence of theirs reaches the terminal.
    flat = "".join(letter if letter.isprintable() else " " for letter in line)
    return flat if len(flat) <= WIDTH else flat[: WIDTH - 1] + "…"


def _head(document: dict[str, Any]) -> list[str]:
    symbols = numbers.symbols(document)
    shown = ", ".join(symbols[:3]) + (f" and {len(symbols) - 3} more" if len(symbols) > 3 else "")
    first, last = (str(document[key])[:10] for key in ("first", "last"))
    horizon, more = nearest(document), len(document["horizons"]) - 1
    ahead = days(horizon, str(document["interval"]))
    others = f" ({more} farther on the page)" if more else ""
    unit = "% of log return" if len(symbols) > 1 else f"{document['unit']}"
    target = str(document["target"])
    if of_no_price(document):
        target += " (prices: calibrated mean)"
    head = [
        f"Forecasters on {shown}, {first} to {last}, {document['decisions']:,} bars",
        f"Target {target}, {ahead}{others}; errors in {unit}",
    ]
    if document["simulated"]:
        head.append("SIMULATED MARKET: not real prices")
    return head


def _table(document: dict[str, Any], seconds: Seconds) -> list[str]:
    several = len(numbers.symbols(document)) > 1
    header = (
        "", "MAE", "RMSE", "R² price", "skill% [lo,hi]", "acc% [lo,hi]", "MCC", "PT p", "DM p",
        "fit s", "params",
    )  # fmt: skip
    cells = [header, *(_row(document, name, seconds, several) for name in names(document))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    return [gap.join(_align(row, widths)).rstrip() for row in cells]


def _align(row: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *rest = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]


def _row(document: dict[str, Any], name: str, seconds: Seconds, several: bool) -> tuple[str, ...]:
    def read(*path: str) -> Measure:
        return of(document, name, nearest(document), *path)

    kind, written = ("return", _two_digits) if several else ("price", adaptive)
    parameters = numbers.finite(document["forecasters"][name]["parameters"])
    spent = seconds.get(name, 0.0)
    return (
        numbers.short_name(name, 18),
        written(read(kind, "mae").value),
        written(read(kind, "rmse").value),
        format_ratio(read("price", "r2").value, 4),
        "0.0" if name == BASE else _with_interval(read("return", "skill"), 1),
        _with_interval(read("direction", "accuracy"), 1),
        format_ratio(read("direction", "mcc").value),
        format_ratio(read("pesaran_timmermann", "p_value").value),
        format_ratio(read("diebold_mariano", "p_value").value),
        DASH if not spent else f"{spent:,.1f}" if spent < 100 else f"{spent:,.0f}",
        numbers.format_amount(parameters),
    )


def _two_digits(value: float | None) -> str:
    return format_percent(value, 2).removesuffix("%")


def _with_interval(found: Measure, digits: int) -> str:
    if found.value is None:
        return DASH

    def whole(value: float | None) -> str:
        return format_percent(value, 0).removesuffix("%")

    if found.value < -_WORST:  # of prices off their level; the page has the number
        return f"<-{100 * _WORST:.0f}"
    point = format_percent(found.value, digits).removesuffix("%")
    ends = f" [{whole(found.low)},{whole(found.high)}]" if found.has_interval else ""
    return point + ends


def _findings(document: dict[str, Any], room: int) -> list[str]:
    """Say as much of what was found as there is room for; what matters most comes first."""
    said: list[str] = []
    for finding in evaluation_findings(document):
        lines = _wrapped(finding.text)
        if len(said) + len(lines) < room:
            said += lines
    warnings = document["data"]["warnings"]
    return [*said, f"Warnings: {len(warnings)}; on the page and above"] if warnings else said


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")
