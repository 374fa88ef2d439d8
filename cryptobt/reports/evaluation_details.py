"""What was called against what came, and the bars on which forecasters were best and worst."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.reports.evaluation_sheet import adaptive, names, nearest, of
from cryptobt.reports.evaluation_tables import scrolled
from cryptobt.reports.numbers import format_percent

BEST_AND_WORST = 3


def confusion_grids(document: dict[str, Any]) -> str:
    """What was called against what came, one small grid a forecaster."""
    horizon = nearest(document)
    grids = (_grid(document, name, horizon) for name in names(document))
    return f'<div class="grids">{"".join(grids)}</div>'


def _grid(document: dict[str, Any], name: str, horizon: str) -> str:
    def count(cell: str) -> int:
        return int(of(document, name, horizon, "direction", cell).value or 0)

    total = count("n")
    if not total:
        return (
            f'<div class="grid"><h3>{escape(name)}</h3><p class="absent">It made no call.</p></div>'
        )

    def cell(key: str, right: bool) -> str:
        share = format_percent(count(key) / total, 0)
        mark = ' class="right"' if right else ""
        return f'<td{mark}>{count(key):,}<span class="interval">{share}</span></td>'

    return (
        f'<div class="grid"><h3>{escape(name)}</h3><table><thead><tr><td></td>'
        '<th scope="col">went up</th><th scope="col">did not</th></tr></thead><tbody>'
        f'<tr><th scope="row">called up</th>{cell("tp", True)}{cell("fp", False)}</tr>'
        f'<tr><th scope="row">called down</th>{cell("fn", False)}{cell("tn", True)}</tr>'
        "</tbody></table></div>"
    )


def days_table(frame: pd.DataFrame, name: str) -> str:
    """The days on which a forecaster was nearer than persistence, and farther, by the most.

    Parameters
    ----------
    frame : DataFrame
        Predictions of the nearest horizon.
    """
    rows = frame[(frame["forecaster"] == name) & frame["predicted_return"].notna()]
    rows = rows[rows["actual_return"].notna()]
    gain = rows["actual_return"].abs() - (rows["actual_return"] - rows["predicted_return"]).abs()
    if not len(gain) or not gain.abs().max():
        return ""
    order = np.argsort(-gain.to_numpy(), kind="stable")
    shown = [("nearer", place) for place in order[:BEST_AND_WORST]]
    shown += [("farther", place) for place in order[::-1][:BEST_AND_WORST]]
    body = "".join(_day(kind, rows.iloc[place], gain.iloc[place]) for kind, place in shown)
    titles = (
        "Bar", "Symbol", "Last close", "Predicted", "Actual", "Predicted change", "Actual change",
        "Than persistence",
    )  # fmt: skip
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return scrolled(name, head, body)


def _day(kind: str, row: pd.Series, gain: float) -> str:
    change = [np.expm1(row[key]) for key in ("predicted_return", "actual_return")]
    prices = [
        f"{adaptive(row[key])} {row['unit']}" for key in ("last_close", "predicted", "actual")
    ]
    moves = [format_percent(value, 2) for value in change]
    cells = [str(row["symbol"]), *prices, *moves, f"{kind} by {format_percent(abs(gain), 2)}"]
    body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    at = f"{row['time']:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    return f'<tr><th scope="row">{at}</th>{body}</tr>'
