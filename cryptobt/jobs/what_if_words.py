"""The answer to an edited bar as numbers and words: prices, direction, distance, looks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.time import iso
from cryptobt.forecasters.folds import Samples
from cryptobt.forecasters.last_window import Reply
from cryptobt.jobs.edits import shown
from cryptobt.jobs.outlook import NOT_CALIBRATED

_NUMBERS = ("score", "mean", "p_up", "q05", "q50", "q95")
_PRICES = {"price": "mean", "price_low": "q05", "price_high": "q95"}
_USUAL = 0.95


def answer_of(row: Mapping[Any, Any], close: float) -> dict[str, Any]:
    """Give a row of forecasts as an answer, its prices counted from a close.

    Returns
    -------
    dict
        ``mean`` and the quantiles are log returns. What is not calibrated yet is None, with a
        ``reason``; the direction is then the score's.
    """
    numbers = {name: None if pd.isna(row[name]) else float(row[name]) for name in _NUMBERS}
    prices = {
        name: None if (value := numbers[of]) is None else close * float(np.exp(value))
        for name, of in _PRICES.items()
    }
    call = numbers["score"] if numbers["mean"] is None else numbers["mean"]
    reason = NOT_CALIBRATED if numbers["mean"] is None else ""
    return {**numbers, **prices, "direction": _direction(call), "reason": reason}


def distance_text(found: Mapping[str, Any]) -> str:
    """Say in a sentence how far an edited row lies from what was seen in training."""
    share = "each" if found["quantile"] == 1 else f"{found['quantile']:.0%}"
    if not found["outside"]:
        if found["quantile"] <= _USUAL:
            return (
                f"Like rows seen in training: {share} of them lie nearer to the nearest of another "
                "time than this one does to the nearest of them."
            )
        return (
            "Unlike any row seen in training, though each field is within its range: it lies "
            f"farther from the nearest of them than {share} of them do from one of another time."
        )
    first, more = found["outside"][0], len(found["outside"]) - 1
    side = "above" if first["value"] > first["high"] else "below"
    others = f", and {more} more field{'s' * (more > 1)} outside too" if more else ""
    return (
        f"{first['name']} {shown(first['value'])} lies {side} everything seen in training "
        f"({shown(first['low'])} to {shown(first['high'])}){others}: the answer is extrapolated."
    )


def looked_at_of(reply: Reply, samples: Samples) -> dict[str, Any] | None:
    """Give gates by feature and attention by bar, mean over the heads; None where neither is."""
    gates = [
        {"name": name, "weight": float(gate)}
        for name, gate in zip(samples.names, reply.gates, strict=True)
        if np.isfinite(gate)
    ]
    bars = []
    if len(reply.attention):
        weights, times = reply.attention.mean(axis=0), samples.times[-samples.length :]
        bars = [
            {"time": iso(time), "weight": float(weight)}
            for time, weight in zip(times, weights, strict=True)
        ]
    return {"features": gates, "bars": bars} if gates or bars else None


def _direction(call: float | None) -> str:
    if not call:
        return "NONE"
    return "UP" if call > 0 else "DOWN"
