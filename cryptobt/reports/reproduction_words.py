"""How the numbers of ``reproduction.json`` are written, the same in terminal and page."""

from collections.abc import Mapping
from typing import Any

from cryptobt.reports.numbers import DASH, format_percent

COLUMNS = ("own", "twin")
HEADS = {
    "own": "its own recipe, run here",
    "twin": "honest twin",
}


GROUPS = {
    "results": "Results",
    "days": "Single days",
    "importance": "What shuffling one feature adds to the squared error",
}
_DAYS = ("actual_on", "predicted_for", "scaled_error_on")


def grouped(document: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Claims by group of :data:`GROUPS`, without the groups that a paper does not have."""
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in GROUPS}
    for row in document["claims"]:
        measure = str(row["measure"]).partition(":")[0]
        name = "days" if measure in _DAYS else measure
        groups[name if name in GROUPS else "results"].append(row)
    return {name: rows for name, rows in groups.items() if rows}


def written(value: Any, unit: str) -> str:
    """Write a value with as many digits as its unit bears; a word as it is."""
    if value is None:
        return DASH
    if isinstance(value, str):
        return value
    if unit == "share":
        return format_percent(value, 2)
    if unit in {"days", "epochs", "fitted numbers"}:
        return f"{value:,.0f}"
    if unit in {"ratio", "scaled"}:
        return f"{value:,.4f}"
    if unit.startswith("MSE"):
        return f"{value:.3g}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def claimed(row: Mapping[str, Any]) -> str:
    """Write what the text claims, with its unit."""
    value, unit = row["claim"]["value"], row["claim"]["unit"]
    if isinstance(value, str):
        return value
    if value is None:
        return DASH
    # A claim keeps the digits that it was printed with.
    text = f"{value:,.2f}" if unit == "USD" else written(value, unit)
    return with_unit(f"{value:.7g}" if unit.startswith("MSE") else text, unit)


def cell(found: Mapping[str, Any]) -> str:
    """Write a value of a run with its unit, and its place where the text ranks."""
    if found["value"] is None:
        return DASH
    place = f" (place {found['rank']} of {found['of']})" if "rank" in found else ""
    return with_unit(written(found["value"], found["unit"]), found["unit"]) + place


def spread(found: Mapping[str, Any]) -> str:
    """Write lowest and highest of the seeds; empty where there is one, or where they agree."""
    if found["value"] is None or found["low"] is None:
        return ""
    if found["low"] == found["high"]:
        return ""
    if found["unit"].startswith("MSE"):
        return f"[{found['low']:.3g}, {found['high']:.3g}]"
    low, high = (written(found[end], found["unit"]) for end in ("low", "high"))
    return f"[{low}, {high}]"


def with_unit(text: str, unit: str) -> str:
    """Put the unit behind a number, where it is not in it."""
    short = {
        "share": "",
        "ratio": "",
        "MSE of scaled closes": " scaled²",
        "MSE of window-relative closes": " window²",
        "MSE of returns in σ": " σ²",
        "fitted numbers": " weights",
    }
    return f"{text}{short.get(unit, f' {unit}')}"


def period(document: Mapping[str, Any]) -> str:
    """Say which rows were used, and which were tested."""
    first, last, test_first, test_last = (
        str(document[key])[: 10 if document["interval"].endswith("d") else 16]
        for key in ("first", "last", "test_first", "test_last")
    )
    return (
        f"{document['symbol']}, {document['interval']}: {document['rows_taken']:,} rows, {first} "
        f"to {last} ({document['days']}); tested on {document['test_bars']:,} forecasts made "
        f"{test_first} to {test_last}"
    )


def baseline_rows(document: Mapping[str, Any], horizon: str) -> list[tuple[str, ...]]:
    """Cells of the table of baselines at one horizon, its head first."""
    unit = document["unit"]
    head = (
        "",
        f"RMSE {unit}",
        f"MAE {unit}",
        "R² price",
        "skill",
        "direction",
        "[low, high]",
        "F1",
    )
    rows: list[tuple[str, ...]] = [head]
    for name, horizons in document["rows"].items():
        found = horizons[horizon]
        price, accuracy = found["price"], found["direction"]["accuracy"]
        band = ""
        if accuracy["low"] is not None:
            ends = (format_percent(accuracy[end]) for end in ("low", "high"))
            band = f"[{', '.join(ends)}]"
        rows.append(
            (
                name,
                *(written(price[key]["value"], unit) for key in ("rmse", "mae")),
                *(written(price[key]["value"], "ratio") for key in ("r2", "skill")),
                format_percent(accuracy["value"]),
                band,
                written(found["direction"]["f1"]["value"], "ratio")[:5],
            )
        )
    return rows


def horizons_of(document: Mapping[str, Any]) -> list[str]:
    """Horizons of the table of baselines, from the nearest."""
    return list(next(iter(document["rows"].values())))


def horizon_rows(document: Mapping[str, Any], shown: frozenset[int]) -> list[tuple[str, ...]]:
    """Cells of the table of skill by horizon, its head first; none where there is one horizon.

    Parameters
    ----------
    shown : frozenset of int
        Horizons that have a column, beside the farthest; empty for all.
    """
    found = document["skill_by_horizon"]
    horizons = list(next(iter(found.values()), {}))
    if len(horizons) < 2:
        return []
    kept = [one for one in horizons if not shown or int(one) in shown or one == horizons[-1]]
    rows: list[tuple[str, ...]] = [("skill, bars ahead", *kept)]
    for name, skills in found.items():
        rows.append((name, *(DASH if skills[h] is None else f"{skills[h]:.3f}" for h in kept)))
    return rows
