"""The document of a reproduction: claims beside runs, baselines, facts, and the paragraph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.jobs.comparison import measure
from cryptobt.jobs.papers.asking import Asked
from cryptobt.jobs.papers.measures import Scale, measure_of
from cryptobt.jobs.papers.paper import Claim, Paper
from cryptobt.metrics.accuracy import price_errors
from cryptobt.metrics.metric import Metric
from cryptobt.metrics.significance import binomial_band

OWN, TWIN, BASELINE, UNLEAKED = "own", "twin", "baseline", "unleaked"


@dataclass(frozen=True)
class Found:
    """Reads the numbers of a document, for the paragraph that is written from it."""

    document: Mapping[str, Any]

    @property
    def unit(self) -> str:
        """What prices are in."""
        return str(self.document["unit"])

    def claim(self, variant: str, measure: str) -> float | None:
        """Value in the text; None where it is a word."""
        value = self._row(variant, measure)["claim"]["value"]
        return float(value) if isinstance(value, int | float) else None

    def own(self, variant: str, measure: str) -> float | None:
        """Value of the paper's own recipe, the median of its seeds."""
        return self._cell(variant, measure, OWN)["value"]

    def spread(self, variant: str, measure: str) -> tuple[float, float] | None:
        """Lowest and highest value of the own recipe's seeds."""
        cell = self._cell(variant, measure, OWN)
        return None if cell["low"] is None else (cell["low"], cell["high"])

    def twin(self, variant: str, measure: str) -> float | None:
        """Value of the honest twin."""
        return self._cell(variant, measure, TWIN)["value"]

    def fact(self, name: str) -> float | None:
        """A number of the test bars that no model is needed for, or of the leak."""
        value = self.document["facts"].get(name)
        return None if value is None else float(value)

    def _row(self, variant: str, measure: str) -> Mapping[str, Any]:
        rows = self.document["claims"]
        return next(row for row in rows if row["variant"] == variant and row["measure"] == measure)

    def _cell(self, variant: str, measure: str, column: str) -> Any:
        return self._row(variant, measure)[column]


def claim_rows(paper: Paper, asked: Sequence[Asked], scale: Scale) -> list[dict[str, Any]]:
    """Set every claim beside the own recipe and the twin: the median of the seeds, and all."""
    rows = []
    for claim in paper.claims:
        columns = {
            column: _cell(_of(asked, column, claim.variant), scale, claim) for column in (OWN, TWIN)
        }
        rows.append(
            {
                "variant": claim.variant,
                "measure": claim.measure,
                "label": claim.label,
                "where": claim.where,
                "claim": {"value": claim.value, "unit": claim.unit},
                **columns,
            }
        )
    _rank(rows)
    return rows


def lead_rows(asked: Sequence[Asked], settings: Settings) -> dict[str, Any]:
    """Measure the models of both columns and the baselines alike, on the same bars.

    Of several horizons the nearest and the farthest are measured.
    """
    frames = []
    for one in typical(asked):
        label = row_label(one)
        frames.append(one.frame.assign(forecaster=label))
    together = pd.concat(frames, ignore_index=True)
    horizons = sorted(together["horizon_bars"].unique())
    ends = together["horizon_bars"].isin([horizons[0], horizons[-1]])
    return measure(together[ends], settings)


def skills(asked: Sequence[Asked]) -> dict[str, dict[str, float | None]]:
    """Skill of prices against no change, horizon by horizon, of each row with numbers."""
    found: dict[str, dict[str, float | None]] = {}
    for one in typical(asked):
        by_horizon: dict[str, float | None] = {}
        for horizon, rows in one.frame.groupby("horizon_bars"):
            before, actual, predicted = (
                rows[name].to_numpy() for name in ("last_close", "actual", "predicted")
            )
            skill = price_errors(before, actual, predicted, "quote")["skill"]
            by_horizon[str(horizon)] = skill.value if isinstance(skill, Metric) else None
        if any(value is not None for value in by_horizon.values()):
            found[row_label(one)] = by_horizon
    return found


def facts(
    paper: Paper, asked: Sequence[Asked], scale: Scale, parts: Mapping[str, int]
) -> dict[str, float | None]:
    """Numbers of the test bars that no model is needed for, and what the leak is worth."""
    still = _of(asked, BASELINE, "persistence")[0]
    up = _of(asked, BASELINE, "always_up")[0]
    calls = int(still.frame["time"].nunique()) - 1
    low, high = binomial_band(calls, 0.95)
    leaking, without = (
        _cell(_of(asked, column, paper.lead), scale, _leak_claim(paper))["value"]
        for column in (OWN, UNLEAKED)
    )
    moves = still.frame["actual_return"]
    return {
        "span": scale.span,
        **{
            f"persistence_{name}": measure_of(still, scale, name).value
            for name in ("rmse", "mae", "r2", "rmse_scaled", "mse_scaled", "mse_windows")
        },
        **{
            f"always_up_{name}": measure_of(up, scale, name).value
            for name in ("f1", "precision", "accuracy")
        },
        "differences": calls,
        "band_low": low,
        "band_high": high,
        "largest_rise": float(np.exp(moves.max()) - 1),
        "leak_with": leaking,
        "leak_without": without,
        **parts,
    }


def typical(asked: Sequence[Asked]) -> list[Asked]:
    """Of each row's seeds the one whose error is in the middle; the leak's own aside."""
    groups: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        if one.question.column != UNLEAKED:
            groups.setdefault((one.question.column, one.question.variant), []).append(one)
    return [sorted(group, key=_size)[(len(group) - 1) // 2] for group in groups.values()]


def row_label(asked: Asked) -> str:
    """Name a row of the table of baselines."""
    question = asked.question
    words = {OWN: "own recipe", TWIN: "twin"}.get(question.column)
    return f"{question.variant} ({words})" if words else question.variant


def _size(asked: Asked) -> float:
    frame = asked.frame
    return float(((frame["predicted"] - frame["actual"]) ** 2).mean())


def _of(asked: Sequence[Asked], column: str, variant: str) -> list[Asked]:
    return [
        one for one in asked if one.question.column == column and one.question.variant == variant
    ]


def _leak_claim(paper: Paper) -> Claim:
    return Claim(paper.lead, paper.leak_measure, paper.leak, None, "", "")


def _cell(asked: Sequence[Asked], scale: Scale, claim: Claim) -> dict[str, Any]:
    """Median, lowest and highest of the seeds; absent where one of them is."""
    metrics = [measure_of(one, scale, claim.measure) for one in asked]
    first = metrics[0]
    cell: dict[str, Any] = {
        "value": None,
        "low": None,
        "high": None,
        "unit": first.unit,
        "seeds": len(metrics),
    }
    missing = next((one for one in metrics if one.value is None), None)
    if missing is not None:
        return cell | {"reason": missing.reason}
    values = sorted(float(one.value) for one in metrics if one.value is not None)
    if len(values) > 1:
        cell |= {"low": values[0], "high": values[-1]}
    return cell | {"value": values[(len(values) - 1) // 2], "reason": None}


def _rank(rows: list[dict[str, Any]]) -> None:
    """Beside claims that rank, say the place of our value among those of the same measure."""
    worded = [
        row for row in rows if row["claim"]["unit"] == "rank" and row["claim"]["value"] is not None
    ]
    for column in (OWN, TWIN):
        for row in worded:
            peers = [
                other[column]["value"]
                for other in worded
                if other["measure"] == row["measure"] and other[column]["value"] is not None
            ]
            value = row[column]["value"]
            if value is not None:
                row[column]["rank"] = 1 + sum(peer < value for peer in peers)
                row[column]["of"] = len(peers)
