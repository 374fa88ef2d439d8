"""Definition lists and small tables: assumptions, the quality of forecasts, the orders."""

from collections.abc import Iterable
from html import escape
from typing import Any

from cryptobt.reports import numbers, orders
from cryptobt.reports.numbers import DASH, Write


def definitions(pairs: Iterable[tuple[str, str]], kind: str = "legend") -> str:
    """Write labels and texts as a definition list."""
    items = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in pairs
    )
    return f'<dl class="{kind}">{items}</dl>'


_MOST_ROWS = 50
"""Rows taken out that the page lists."""


def data_findings(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what was wrong with the data, and how the forecasts did as numbers."""
    pairs = [("Gaps in the data", f"{numbers.count(metrics, 'data', 'gaps')} bars missing")]
    quarantined = numbers.lookup(metrics, "data", "quarantined")
    if quarantined:
        pairs.append(("Quarantined rows", f"{len(quarantined):,}"))
        pairs += [
            ("Quarantined", f"{row['symbol']}: {row['reason']}") for row in quarantined[:_MOST_ROWS]
        ]
        if len(quarantined) > _MOST_ROWS:
            pairs.append(("Quarantined", f"and {len(quarantined) - _MOST_ROWS:,} more in run.json"))
    missing = numbers.lookup(metrics, "data", "missing_columns")
    if missing:
        pairs.append(("Missing columns", ", ".join(str(name) for name in missing)))
    warnings = numbers.lookup(metrics, "data", "warnings") or []
    return pairs + [("Warning", str(warning)) for warning in warnings]


_FORECAST_MEASURES: tuple[tuple[str, str, Write], ...] = (
    ("mae", "Mean absolute error, log return", lambda value: numbers.format_ratio(value, 4)),
    ("rmse", "Root mean squared error, log return", lambda value: numbers.format_ratio(value, 4)),
    ("r2", "R² (0: no better than the mean)", lambda value: numbers.format_ratio(value, 4)),
    ("skill", "Skill over forecasting no change", lambda value: numbers.format_ratio(value, 4)),
    ("interval_coverage", "Returns inside the 90% range", numbers.format_percent),
    ("seed_correlation", "Agreement between seeds", numbers.format_ratio),
)


def forecast_quality(metrics: dict[str, Any]) -> str:
    """Write how close the forecast returns came; empty text where none of it was measured."""
    found = [
        (label, written(numbers.measure(metrics, "forecast", name).value))
        for name, label, written in _FORECAST_MEASURES
    ]
    return definitions(found, "quality") if any(text != DASH for _, text in found) else ""


def orders_table(metrics: dict[str, Any]) -> str:
    """Write what became of the orders, why some were rejected, and which wait for the next bar."""
    counted = [(word, ("orders", word)) for word in ("submitted", "filled", "rejected")]
    rows = "".join(
        f'<tr><th scope="row">{word}</th><td>{numbers.count(metrics, *path):,}</td></tr>'
        for word, path in counted
    )
    rows += "".join(
        f'<tr class="sub"><th scope="row">{escape(reason)}</th><td>{times:,}</td></tr>'
        for reason, times in orders.rejections(metrics)
    )
    waiting = "".join(f"<li>{escape(order)}</li>" for order in orders.pending_orders(metrics))
    pending = f"<ul>{waiting}</ul>" if waiting else f"<p>{orders.NONE_PENDING.capitalize()}.</p>"
    head = '<thead><tr><th scope="col">Orders</th><th scope="col">Count</th></tr></thead>'
    return (
        '<div class="pair"><table class="orders">'
        f'<caption class="unseen">What became of the orders</caption>{head}'
        f"<tbody>{rows}</tbody></table>"
        f'<div class="pending"><h3>For the next bar</h3>{pending}</div></div>'
    )
