"""Two runs side by side in the terminal: plain text, no colour codes."""

from typing import Any

from cryptobt.reports.comparison_words import (
    OWN,
    PAIRED,
    describe_difference,
    name_of,
    written,
)
from cryptobt.reports.numbers import format_interval, measure
from cryptobt.reports.runs_terminal import describe_grade, fit, set_in_columns

_MOST_SETTINGS = 8
_LONGEST = 24


def comparison_summary(document: dict[str, Any], *, page: str) -> str:
    """Sum a comparison up in lines of at most 118 columns (the path may be longer).

    Parameters
    ----------
    document : dict
        As :func:`cryptobt.jobs.compare_runs.compare_runs` makes it.
    page : str
        Where the page was written.
    """
    lines = [
        f"A  {name_of(document, 'a')}",
        f"B  {name_of(document, 'b')}",
        f"Both traded {document['first'][:10]} to {document['last'][:10]}: {document['bars']:,} "
        f"closes of {document['interval']} in common",
        *(["SIMULATED MARKET: not real prices"] if document["simulated"] else []),
        "",
        *set_in_columns(_table(document), {1, 2, 3, 4}),
        "",
        *(describe_difference(document, name) for name in ("sharpe", "cagr")),
        *_settings(document),
    ]
    return "\n".join([*(fit(line) for line in lines), f"Page  {page}"])


def _table(document: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "A", "B", "A − B", "interval")]
    for name, (label, write) in PAIRED.items():
        found = [measure(document, "metrics", name, which) for which in ("a", "b", "difference")]
        interval = format_interval(found[2], write)
        rows.append((label, *(write(one.value) for one in found), interval))
    for name, (label, write) in OWN.items():
        values = [write(measure(document, "own", name, which).value) for which in ("a", "b")]
        rows.append((f"{label}, own dates", *values, "", ""))
    verdicts = [describe_grade(document[which]["verdict"]) for which in ("a", "b")]
    return [*rows, ("verdict, own dates", *verdicts, "", "")]


def _settings(document: dict[str, Any]) -> list[str]:
    differs = document["differs"]
    if not differs:
        return ["Settings, bars, code and libraries are the same."]
    shown = [
        f"{one['key']}: {written(one['a'], _LONGEST)} against {written(one['b'], _LONGEST)}"
        for one in differs[:_MOST_SETTINGS]
    ]
    left = len(differs) - len(shown)
    return ["They differ in", *(f"  {line}" for line in shown)] + (
        [f"  and {left} more on the page"] if left else []
    )
