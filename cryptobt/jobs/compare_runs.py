"""``cryptobt runs compare``: two accounts over the dates that they share."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.files import read_whole, write_atomically
from cryptobt.core.settings import MetricSettings
from cryptobt.core.time import bars_per_year, interval_label, iso, parse_interval
from cryptobt.jobs.run_differences import flat_settings
from cryptobt.metrics.bootstrap import make_resampler
from cryptobt.metrics.pair import paired_performance
from cryptobt.records.run_index import RunEntry, find_run
from cryptobt.reports.comparison_page import render_comparison
from cryptobt.reports.comparison_terminal import comparison_summary

SCHEMA = 1
SHORTEST = 3
"""Closes that two accounts must share: of fewer there are no two returns to set side by side."""
_MOST_BYTES = 512 * 1024 * 1024
"""Of ``equity.csv``: a row has some hundred."""
_OWN = {
    "accuracy": ("direction", "accuracy"),
    "turnover_per_year": ("performance", "turnover_per_year"),
    "exposure": ("performance", "exposure"),
    "fees_quote": ("performance", "fees_quote"),
    "slippage_quote": ("performance", "slippage_quote"),
    "trades": ("performance", "trades"),
}


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side.

    Attributes
    ----------
    document : dict
        Every number.
    page : Path
        Where the page was written.
    """

    document: dict[str, Any]
    page: Path

    def summary(self) -> str:
        """Sum it up for a terminal."""
        return comparison_summary(self.document, page=str(self.page))


def compare_runs(one: str, other: str, out: Path) -> RunComparison:
    """Set two runs side by side, over the dates that both traded, and write the page.

    Both accounts are read at the instants at which a bar of each closes, so that runs on bars of
    different length can be compared too. Bootstrap and risk-free rate are set as in the first run.

    Parameters
    ----------
    one, other : str
        As :func:`cryptobt.records.run_index.find_run` finds them.
    out : Path
        Folder of runs; the page is written there.

    Raises
    ------
    UsageError
        If a run is not found, or both are the same.
    DataInvalidError
        If they have no dates in common, or a folder is damaged.
    CannotWriteError
    """
    runs = (find_run(one, out), find_run(other, out))
    if runs[0].folder.resolve() == runs[1].folder.resolve():
        raise UsageError(f"'{one}' and '{other}' are the same run; name two")
    document, equity = compared(*runs)
    page = out / f"compare-{runs[0].run_id}-{runs[1].run_id}.html"
    write_atomically(page, render_comparison(document, equity).encode())
    return RunComparison(document, page)


def compared(a: RunEntry, b: RunEntry) -> tuple[dict[str, Any], pd.DataFrame]:
    """Compare two runs without writing anything.

    Returns
    -------
    dict
        The document of :class:`RunComparison`.
    DataFrame
        Equity of both, in quote, at the closes that they share: columns a and b.

    Raises
    ------
    DataInvalidError
        If they have no dates in common, or a folder is damaged.
    """
    try:
        equity = _common_equity(a, b)
        return _document(a, b, equity), equity
    except (AttributeError, KeyError, TypeError, pydantic.ValidationError) as error:
        # documents of other programs, or of a cryptobt that is to come
        raise DataInvalidError(
            f"runs {a.run_id} and {b.run_id} cannot be compared: run.json or metrics.json of one "
            "is not as this cryptobt writes it"
        ) from error


def _document(a: RunEntry, b: RunEntry, equity: pd.DataFrame) -> dict[str, Any]:
    ours, theirs = (_returns(equity[name].to_numpy()) for name in ("a", "b"))
    chosen = MetricSettings.model_validate(a.manifest["settings"]["metrics"])
    interval = max(_interval(a), _interval(b))
    series = np.column_stack([ours, theirs])
    resampler = make_resampler(series, chosen.bootstrap_draws, chosen.bootstrap_seed)
    pairs = paired_performance(
        ours, theirs, resampler, bars_per_year(interval), chosen.risk_free, chosen.confidence
    )
    closed = pd.DatetimeIndex(equity.index)
    return {
        "schema": SCHEMA,
        "a": _run(a),
        "b": _run(b),
        "simulated": bool(a.metrics.get("simulated") or b.metrics.get("simulated")),
        "interval": interval_label(interval),
        "first": iso(closed[0] - interval),
        "last": iso(closed[-1] - interval),
        "bars": len(equity),
        "metrics": {
            name: {"a": pair.ours.to_json(), "b": pair.theirs.to_json(),
                   "difference": pair.difference.to_json()}
            for name, pair in pairs.items()
        },
        "own": {name: {"a": _own(a, *at), "b": _own(b, *at)} for name, at in _OWN.items()},
        "differs": _differences(a.manifest, b.manifest),
    }  # fmt: skip


def _run(run: RunEntry) -> dict[str, Any]:
    verdict = run.metrics.get("verdict") or {}
    return {
        "run_id": run.run_id,
        "created_at": run.manifest["created_at"],
        "strategy": run.metrics["strategy"],
        "symbols": run.metrics.get("symbols") or [],
        "first": run.metrics.get("first"),
        "last": run.metrics.get("last"),
        "verdict": verdict.get("grade"),
        "folder": str(run.folder),
    }


def _own(run: RunEntry, part: str, name: str) -> Any:
    """Read a number over a run's own dates: a metric, a count, or None."""
    return ((run.metrics["rows"].get("strategy") or {}).get(part) or {}).get(name)


def _common_equity(a: RunEntry, b: RunEntry) -> pd.DataFrame:
    """Equity of both, in quote, at the closes that they share: columns a and b."""
    curves = {"a": _equity(a), "b": _equity(b)}
    both = pd.concat(curves, axis=1, join="inner").sort_index()
    if len(both) < SHORTEST:
        spans = [f"{curve.index[0]:%Y-%m-%d} to {curve.index[-1]:%Y-%m-%d}" for curve in
                 curves.values()]  # fmt: skip
        raise DataInvalidError(
            f"runs {a.run_id} and {b.run_id} share {len(both)} closes of {SHORTEST} that are "
            f"needed: one trades from {spans[0]}, the other from {spans[1]}; "
            "set data.start and data.end so that they overlap"
        )
    return both


def _equity(run: RunEntry) -> pd.Series:
    path = run.folder / "equity.csv"
    try:
        content = io.BytesIO(read_whole(path, _MOST_BYTES))
        table = pd.read_csv(
            content, usecols=["time", "equity_quote"], dtype={"equity_quote": float}
        )
        opened = pd.DatetimeIndex(pd.to_datetime(table["time"], utc=True, format="ISO8601"))
    except OSError as error:
        raise DataInvalidError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataInvalidError(f"{path} is damaged: {' '.join(str(error).split())}") from error
    equity = pd.Series(table["equity_quote"].to_numpy(), opened + _interval(run))
    if equity.empty or not np.isfinite(equity).all() or not opened.is_monotonic_increasing:
        raise DataInvalidError(f"{path} is damaged: it is no account with a number at every time")
    return equity


def _interval(run: RunEntry) -> pd.Timedelta:
    return parse_interval(str(run.metrics["interval"]))


def _returns(equity: np.ndarray) -> np.ndarray:
    """Simple returns; an account that was lost earns nothing on nothing."""
    before, now = equity[:-1], equity[1:]
    return np.divide(now, before, out=np.ones(len(now)), where=before > 0) - 1


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings, data, code and libraries in which two runs differ, in the order of ``run.json``."""
    found = [_flat(run) for run in (a, b)]
    return [
        {"key": key, "a": found[0].get(key), "b": found[1].get(key)}
        for key in dict.fromkeys([*found[0], *found[1]])
        if found[0].get(key) != found[1].get(key)
    ]


def _flat(manifest: Mapping[str, Any]) -> dict[str, Any]:
    bars = {f"bars of {told['symbol']}": told["hash"][:12] for told in manifest["data"]}
    code = {"code_version": manifest.get("code_version")}
    libraries = {f"library {k}": v for k, v in (manifest.get("libraries") or {}).items()}
    return flat_settings(manifest) | bars | code | libraries
