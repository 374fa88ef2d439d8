"""``cryptobt audit planted``: how much of a known edge the whole pipeline finds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr  # type: ignore[import-untyped]
from scipy.stats import t  # type: ignore[import-untyped]

from cryptobt.core.settings import Settings
from cryptobt.jobs.audits.audited import Audited, load_audited
from cryptobt.jobs.audits.judged import Judgement
from cryptobt.jobs.audits.like import World, strength_of
from cryptobt.jobs.audits.null import apart, figures, like_of
from cryptobt.jobs.audits.rates import INTERVAL, exact_interval
from cryptobt.jobs.audits.report import AuditReport
from cryptobt.jobs.audits.worlds import Row, Wanted, judge_worlds
from cryptobt.jobs.events import Events
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.verdict import EVIDENCE, WEAK

CORRELATIONS = (0.05, 0.1, 0.2)
"""Of the planted signal with the next return."""
HELD = "it names no direction: what it holds is taken for its calls"
DRIFTLESS = "these markets do not drift: what holding earns is no edge"


def audit_planted(
    settings: Settings,
    markets_wanted: int,
    now: pd.Timestamp,
    events: Events,
    command: str = "",
) -> AuditReport:
    """Run the pipeline on simulated markets with an edge of known size, and write what it finds.

    The markets are those of :func:`~cryptobt.jobs.audits.null.audit_null` without their drift. The
    edge is in the bars, where every pipeline can see it: the conditional mean of the next return
    follows the distance of the close from its mean of 50 bars.

    Parameters
    ----------
    markets_wanted : int
        Simulated markets for each correlation.
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    command : str
        As the user typed it; kept in ``run.json`` alone.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    audited = load_audited(settings, now, events)
    like = like_of(audited.markets)
    wanted = [
        Wanted(number, strength_of(correlation), drifts=False)
        for correlation in CORRELATIONS
        for number in range(markets_wanted)
    ]
    rows = judge_worlds(audited, wanted, measured)
    return audited.written(_document(audited, rows, markets_wanted, like), now, command)


def measured(judgement: Judgement, world: World) -> Row:
    """What is told of one market: its numbers, and the share of the edge that its calls realise."""
    calls, named = _calls(judgement.measures)
    share, best = realised(calls, _edges(judgement.measures, world))
    return {"share": share, "best_accuracy": best, **figures(judgement), "named": named}


def realised(calls: np.ndarray, edges: np.ndarray) -> tuple[float | None, float | None]:
    """Share of the planted edge that calls realise, and the accuracy of the best calls there are.

    Each call is weighed by the chance that the signal gave it, in place of the return that came:
    what is left is free of the luck of the draw.

    Parameters
    ----------
    calls : ndarray, shape (n, S)
        Positive for up; 0 or NaN is an abstention, which realises nothing.
    edges : ndarray, shape (n, S)
        Chance over one half that the next bar goes up; NaN where there is no next bar.

    Returns
    -------
    tuple of float or None
        1 is all of the edge, 0 what a coin realises, −1 all of it on the wrong side; both None
        where there is no edge.
    """
    known = np.isfinite(edges)
    there = np.abs(edges[known])
    if not there.sum() > 0:
        return None, None
    got = np.sign(np.nan_to_num(calls[known])) * edges[known]
    return float(got.sum() / there.sum()), 0.5 + float(there.mean())


def _calls(measures: Measures) -> tuple[np.ndarray, bool]:
    """Calls at each decision, shape (T − 1, S), and whether the strategy names them itself.

    For a strategy that names no direction: up where it holds something over the next bar, down
    where it holds nothing, or less.
    """
    symbols = [market.symbol for market in measures.markets]
    calls, _ = measures.called(measures.rows["strategy"], symbols)
    if calls is not None:
        return calls, True
    weights = measures.rows["strategy"].account.weights
    wide = weights.pivot_table(index="time", columns="symbol", values="weight", dropna=False)
    held = wide.reindex(index=measures.times, columns=symbols).to_numpy(float)
    return np.where(np.nan_to_num(held[1:]) > 0, 1.0, -1.0), False


def _edges(measures: Measures, world: World) -> np.ndarray:
    """What the signal adds to the chance that the bar after each decision goes up."""
    columns = [
        ndtr(world.signals[market.symbol].shift(-1)).reindex(measures.times) - 0.5
        for market in measures.markets
    ]
    return np.column_stack(columns)[:-1]


def _document(
    audited: Audited, rows: Sequence[Row], markets: int, like: Mapping[str, Any]
) -> dict[str, Any]:
    groups = [rows[start : start + markets] for start in range(0, len(rows), markets)]
    edges = [_edge(rho, group) for rho, group in zip(CORRELATIONS, groups, strict=True)]
    said = [DRIFTLESS, *apart(audited.markets)]
    if not all(row["named"] for row in rows):
        said.append(HELD)
    return {
        **audited.common("planted", _headline(edges), said),
        "markets": markets,
        "edges": edges,
        "rows": [
            {"market": number, "correlation": rho, **_shown(row)}
            for rho, group in zip(CORRELATIONS, groups, strict=True)
            for number, row in enumerate(group, start=1)
        ],
        "like": {**like, "drift_per_year": 0.0},
    }


def _shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "named"}


def _edge(correlation: float, rows: Sequence[Row]) -> dict[str, Any]:
    share = _mean([row["share"] for row in rows if row["share"] is not None])
    grades = [row["grade"] for row in rows]
    found = grades.count(EVIDENCE)
    low, high = exact_interval(found, len(rows))
    best = [row["best_accuracy"] for row in rows if row["best_accuracy"] is not None]
    return {
        "correlation": correlation,
        "best_accuracy": sum(best) / len(best) if best else None,
        "share": share,
        "found": found,
        "of": len(rows),
        "low": low,
        "high": high,
        "weak": grades.count(WEAK),
        "text": _text(correlation, share, best, grades),
    }


def _mean(values: Sequence[float]) -> dict[str, float | None]:
    """Mean over independent markets with its interval, by Student's t."""
    if not values:
        return {"value": None, "low": None, "high": None}
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"value": mean, "low": None, "high": None}
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = error * float(t.ppf((1 + INTERVAL) / 2, len(values) - 1))
    return {"value": mean, "low": mean - reach, "high": mean + reach}


def _text(
    correlation: float,
    share: Mapping[str, float | None],
    best: Sequence[float],
    grades: Sequence[str],
) -> str:
    value = share["value"]
    if value is None:
        return f"A correlation of {correlation:g} could be measured on none of the markets"
    return (
        f"Of a correlation of {correlation:g}, which is right on {sum(best) / len(best):.1%} of "
        f"the bars at best, its calls realise {value:.0%}; the verdict says evidence on "
        f"{grades.count(EVIDENCE)} of {len(grades)} markets, weak evidence on {grades.count(WEAK)}"
    )


def _headline(edges: Sequence[Mapping[str, Any]]) -> str:
    shares = {edge["correlation"]: edge["share"]["value"] for edge in edges}
    told = [f"{value:.0%} of {rho:g}" for rho, value in shares.items() if value is not None]
    if not told:
        return "Its calls could be measured on none of these markets"
    return (
        f"Of an edge, by its correlation with the next return, its calls realise {', '.join(told)}"
    )
