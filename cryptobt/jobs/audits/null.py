"""``cryptobt audit null``: how often the whole pipeline finds skill where there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.jobs.audits.audited import Audited, load_audited
from cryptobt.jobs.audits.judged import Judgement
from cryptobt.jobs.audits.like import World, likeness
from cryptobt.jobs.audits.rates import exact_interval, found_by, not_judged, rates
from cryptobt.jobs.audits.report import AuditReport
from cryptobt.jobs.audits.worlds import Row, Wanted, judge_worlds
from cryptobt.jobs.events import Events
from cryptobt.jobs.verdict import EVIDENCE, LEVEL, WEAK

APART = "each symbol is simulated on its own: the real ones move together, these do not"


def audit_null(
    settings: Settings,
    markets_wanted: int,
    now: pd.Timestamp,
    events: Events,
    command: str = "",
) -> AuditReport:
    """Run the pipeline on simulated markets without skill, count what it finds, and write that.

    The markets are martingales around their drift: as long as the real one, with bars at the same
    times, its drift and its volatility, which clusters. One setting counts as tried, the kindest
    case; what the verdict claims after many trials is rarer still.

    Parameters
    ----------
    markets_wanted : int
        Simulated markets; of several symbols, times that all of them are simulated.
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
    wanted = [Wanted(number) for number in range(markets_wanted)]
    rows = judge_worlds(audited, wanted, measured)
    document = _document(audited, rows, like)
    return audited.written(document, now, command)


def measured(judgement: Judgement, _world: World) -> Row:
    """What is told of one market, and which rules find skill in it."""
    return {**figures(judgement), "found": found_by(judgement.document)}


def figures(judgement: Judgement) -> Row:
    """The numbers of one judgement that are shown of every simulated market."""
    own = judgement.document["rows"]["strategy"]
    return {
        "sharpe": own["performance"]["sharpe"]["value"],
        "excess_sharpe": judgement.excess,
        "accuracy": own["direction"]["accuracy"]["value"],
        "grade": judgement.grade,
    }


def like_of(markets: Sequence[MarketData]) -> dict[str, Any]:
    """What the simulated markets share with the real ones: ``like`` of ``audit.json``.

    Of several symbols the first is told at the top; all of them are by their names.
    """
    each = {market.symbol: likeness(market) for market in markets}
    told = {
        market.symbol: {
            "bars": each[market.symbol].bars,
            **each[market.symbol].per_year(market.interval),
        }
        for market in markets
    }
    return {**told[markets[0].symbol], "symbols": told}


def apart(markets: Sequence[MarketData]) -> list[str]:
    """What is to be known of several symbols that are simulated."""
    return [APART] if len(markets) > 1 else []


def _document(audited: Audited, rows: Sequence[Row], like: Mapping[str, Any]) -> dict[str, Any]:
    found = [row["found"] for row in rows]
    counted = rates(found, audited.settings.metrics.confidence, drifts=like["drift_per_year"] != 0)
    said = apart(audited.markets)
    if unjudged := not_judged(found):
        said.append(f"could be judged on none of these markets: {', '.join(unjudged)}")
    return {
        **audited.common("null", _headline(rows), said),
        "markets": len(rows),
        "rates": counted,
        "rows": [
            {
                "market": number,
                **row,
                "found": [name for name, held in row["found"].items() if held],
            }
            for number, row in enumerate(rows, start=1)
        ],
        "like": dict(like),
    }


def _row(number: int, row: Row) -> Row:
    found = [name for name, held in row["found"].items() if held]
    return {"market": number, **row, "found": found}


def _headline(rows: Sequence[Row]) -> str:
    claims = sum(row["grade"] in (WEAK, EVIDENCE) for row in rows)
    low, high = exact_interval(claims, len(rows))
    return (
        f"The verdict claimed skill on {claims} of {len(rows)} simulated markets that have none: "
        f"{claims / len(rows):.1%} [{low:.1%}, {high:.1%}], where {LEVEL:.0%} at most is allowed"
    )
