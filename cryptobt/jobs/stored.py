"""What is stored of the market, how fresh it is, and what its examination says: no vendor asked."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cryptobt.core.errors import CryptobtError
from cryptobt.data.load import bar_store
from cryptobt.data.quality import examine
from cryptobt.data.store import Series
from cryptobt.data.sync import load_stored
from cryptobt.jobs.data import show_stored


def stored_sheet(now: pd.Timestamp) -> dict[str, Any]:
    """List every stored series, and examine the bars of each as `cryptobt data verify` does.

    Returns
    -------
    dict
        ``stored``, a row a series, and ``verified``, a row for each series of bars. Where a file
        of the store is damaged, ``stored`` is empty and ``problem`` says why.
    """
    verified = [_verified(series, now) for series in bar_store().all()]
    try:
        stored, problem = [_row(one.to_json()) for one in show_stored()], ""
    except CryptobtError as error:
        stored, problem = [], str(error)
    return {"stored": stored, "verified": verified, "problem": problem}


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    bars = "symbol" in told
    return {
        "kind": "bars" if bars else "series",
        "source": told["source"],
        "symbol": told.get("symbol"),
        "name": told.get("key"),
        "interval": told.get("interval"),
        "rows": told["bars" if bars else "rows"],
        **{key: told[key] for key in ("first", "last", "fetched_at", "rewrites")},
    }


def _verified(series: Series, now: pd.Timestamp) -> dict[str, Any]:
    head = {"source": series.source, "symbol": series.symbol, "interval": series.interval}
    try:
        market = load_stored(bar_store(), series, "quarantine", now)
        assert market is not None, "it was listed"
        found = examine(market, now)
    except CryptobtError as error:
        return head | {"state": "failed", "problem": str(error), "lines": [],
                       "quarantined": 0, "gaps": 0}  # fmt: skip
    return head | {"state": "ready", "problem": "", "lines": found.lines(),
                   "quarantined": len(found.quarantined), "gaps": len(found.gaps)}  # fmt: skip
