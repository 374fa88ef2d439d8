"""The sentence that an audit of leakage ends in."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptobt.jobs.audits.checks import LEAK, NOT_ASKED
from cryptobt.jobs.audits.process import LATER, SAME_PERIOD, STATE
from cryptobt.jobs.audits.ways import LAG

_KNOWS = {
    STATE.name: "depends on what was computed before",
    LATER.name: "knows later rows of a file",
    SAME_PERIOD.name: "knows a file's rows before they are published",
    LAG.name: "is used before it is published",
}
_KINDS = {
    "features": "feature",
    "data": "column",
    "settings": "series",
    "forecasts": "forecast",
    "signals": "signal",
    "orders": "order",
    "process": "",
}


def headline(rows: Sequence[Mapping[str, Any]]) -> str:
    """Sum the rows of the document up: the first leak, or that there is none."""
    leaks = [row for row in rows if row["outcome"] == LEAK]
    if not leaks:
        asked = [row for row in rows if row["outcome"] != NOT_ASKED]
        return f"No leak found in {len(asked)} checks"
    first = leaks[0]
    day = f" of {first['time'][:10]}" if first["time"] else ""
    if first["column"] and first["part"] in _KINDS:
        what = f"{_KINDS[first['part']]} '{first['column']}'{day}".strip()
        return f"Leak: {what} {_KNOWS.get(first['name'], 'knows later bars')}"
    return f"Leak in {first['name']}{day and f', at {day[4:]}'}: {first['seen']}"
