"""The few lines that end a run in the terminal: plain text, no colour codes."""

from typing import Any

from cryptobt.reports import numbers, orders
from cryptobt.reports.glance import describe_lead, lead_over
from cryptobt.reports.numbers import DASH, ROW_TO_BEAT, ROWS
from cryptobt.reports.runs_terminal import WIDTH, fit
from cryptobt.reports.verdict import grade, mark_of, telling_reasons, warnings_of

SIMULATED = "SIMULATED MARKET: not real prices"
_HEADER = (
    "", "Acc [lo, hi]", "Prec", "Rec", "F1", "Sharpe [lo, hi]", "CAGR", "MaxDD", "Turn/yr", "Costs",
)  # fmt: skip
_LABELS = ("", "accuracy ", "exposure ", "profit ", "trades ", "")
_MAX_REASONS = 2
_MAX_SYMBOLS = 3
_LONGEST_NAME = 16
# Both lists together leave room for the rest: fewer than 25 lines.
_MAX_LISTED = 4


def summary(metrics: dict[str, Any], *, run_folder: str, tearsheet: str) -> str:
    """Sum a run up in fewer than 25 lines of at most 118 columns (paths may be longer).

    Parameters
    ----------
    metrics : dict
        The ``metrics.json`` document; absent numbers show as a dash.
    run_folder, tearsheet : str
        Where the run was written.
    """
    by_symbol = _by_symbol(metrics)
    lines = [
        *_verdict(metrics),
        *_head(metrics),
        SIMULATED if metrics.get("simulated") else "",
        *_table(metrics),
        *(by_symbol or [""]),
        _row_to_beat(metrics),
        *_troubles(metrics),
        *_pending(metrics, min(2, _MAX_LISTED - len(by_symbol))),
    ]
    paths = [f"Run folder  {run_folder}", f"Tearsheet   {tearsheet}"]
    return "\n".join([*(fit(line) for line in lines), *paths])


def _verdict(metrics: dict[str, Any]) -> list[str]:
    """Begin with the grade, and the two reasons that say most of it."""
    chosen = telling_reasons(metrics, _MAX_REASONS)
    return [
        grade(metrics).text,
        *(f"  {mark_of(reason)} {reason['text']}" for reason in chosen),
    ]


def _head(metrics: dict[str, Any]) -> list[str]:
    name = str(metrics.get("strategy") or "strategy")
    first, last = (str(metrics.get(key) or DASH)[:10] for key in ("first", "last"))
    decisions = numbers.count(metrics, "decisions")
    interval = metrics.get("interval") or DASH
    rest = f", {interval}, {first} to {last}, {decisions:,} decisions"
    symbols = _listed(numbers.symbols(metrics), WIDTH - len(f"{name} on {rest}"))
    return [f"{name} on {symbols or DASH}{rest}"]


def _listed(symbols: list[str], room: int) -> str:
    """List as many symbols as fit, the first one always, and count the others."""
    for shown in range(len(symbols), 0, -1):
        left = len(symbols) - shown
        text = ", ".join(symbols[:shown]) + (f" and {left} more" if left else "")
        if len(text) <= room or shown == 1:
            return text
    return ""


def _table(metrics: dict[str, Any]) -> list[str]:
    cells = [_HEADER, *(_row(metrics, row) for row in ROWS)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADER))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    return [gap.join(_align(row, widths)).rstrip() for row in cells]


def _align(row: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *rest = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]


def _row(metrics: dict[str, Any], row: str) -> tuple[str, ...]:
    accuracy = numbers.direction(metrics, row, "accuracy")
    sharpe = numbers.performance(metrics, row, "sharpe")
    rates = [numbers.direction(metrics, row, name).value for name in ("precision", "recall", "f1")]
    growth, drawdown, turnover = (
        numbers.performance(metrics, row, name).value
        for name in ("cagr", "max_drawdown", "turnover_per_year")
    )
    return (
        row,
        _with_interval(accuracy, _percent),
        *(_percent(rate) for rate in rates),
        _with_interval(sharpe, numbers.format_ratio),
        numbers.format_percent(growth),
        numbers.format_percent(drawdown),
        numbers.format_ratio(turnover, 1),
        numbers.format_amount(numbers.costs(metrics, row).value),
    )


def _percent(value: float | None) -> str:
    return numbers.format_percent(value).removesuffix("%")


def _with_interval(found: numbers.Measure, written: Any) -> str:
    if found.value is None:
        return DASH
    return f"{written(found.value)} {numbers.format_interval(found, written)}".rstrip()


def _by_symbol(metrics: dict[str, Any]) -> list[str]:
    """Write a line for each of the first symbols; none where there is one."""
    symbols = numbers.symbols(metrics)
    if len(symbols) < 2:
        return []
    # Where some are left, the line that counts them takes the place of one.
    shown = symbols if len(symbols) <= _MAX_SYMBOLS else symbols[: _MAX_SYMBOLS - 1]
    cells = [_symbol(metrics, symbol) for symbol in shown]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_LABELS))]
    lines = [_labelled(row, widths) for row in cells]
    left = len(symbols) - len(shown)
    return [*lines, f"and {left} more in the tearsheet"] if left > 0 else lines


def _labelled(row: tuple[str, ...], widths: list[int]) -> str:
    name, *values = _align(row, widths)
    cells = [f"{label}{value}" for label, value in zip(_LABELS[1:], values, strict=True)]
    return "  ".join([name, *cells]).rstrip()


def _symbol(metrics: dict[str, Any], symbol: str) -> tuple[str, ...]:
    exposure, profit = (
        numbers.of_symbol(metrics, symbol, "account", name).value
        for name in ("exposure", "pnl_quote")
    )
    accuracy = numbers.of_symbol(metrics, symbol, "direction", "accuracy")
    trades = numbers.of_symbol(metrics, symbol, "trades").value
    return (
        numbers.short_name(symbol, _LONGEST_NAME),
        _with_interval(accuracy, _percent),
        numbers.format_percent(exposure),
        numbers.format_amount(profit),
        numbers.format_amount(trades),
        _absences(metrics, symbol),
    )


def _absences(metrics: dict[str, Any], symbol: str) -> str:
    joined = numbers.day_of(metrics, symbol, "joined")
    late = joined is not None and joined > str(metrics.get("first"))[:10]
    words = [f"joined {joined or 'never'}"] if late or joined is None else []
    missed = numbers.of_symbol(metrics, symbol, "missed_bars").value
    return " ".join([*words, f"missed {numbers.format_amount(missed)}"] if missed else words)


def _row_to_beat(metrics: dict[str, Any]) -> str:
    lead = lead_over(metrics, ROW_TO_BEAT)
    verb = "" if lead.size is None else "is "
    return f"The row to beat: the strategy {verb}{describe_lead(lead)}"


def _troubles(metrics: dict[str, Any]) -> list[str]:
    rejected, calls = orders.describe_rejections(metrics), orders.margin_calls(metrics)
    lines = [f"Orders: {'; '.join(filter(None, (calls, rejected)))}"] if calls or rejected else []
    warnings = [*warnings_of(metrics), *(numbers.lookup(metrics, "data", "warnings") or [])]
    if warnings:
        more = f" (and {len(warnings) - 1} more in the tearsheet)" if len(warnings) > 1 else ""
        room = WIDTH - len("Warning: ") - len(more)
        first = str(warnings[0])
        first = first if len(first) <= room else first[: room - 1] + "…"
        lines.append(f"Warning: {first}{more}")
    return lines


def _pending(metrics: dict[str, Any], most: int) -> list[str]:
    waiting = orders.pending_orders(metrics)
    if not waiting:
        return [f"Next bar: {orders.NONE_PENDING}"]
    shown = [f"Next bar: {order}" for order in waiting[:most]]
    left = len(waiting) - most
    return [*shown, f"Next bar: and {left} more"] if left > 0 else shown
