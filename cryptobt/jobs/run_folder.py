"""The end of every run: its folder, with ``run.json`` and the bars that it was made from."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.columns import BARS, TIME
from cryptobt.core.errors import DataUnavailableError
from cryptobt.core.processes import usable_cores
from cryptobt.core.settings import Settings, home
from cryptobt.core.time import epoch_ns, interval_label, iso, parse_interval
from cryptobt.core.types import MarketData, QualityReport
from cryptobt.jobs.cache import fold_cache
from cryptobt.jobs.run_files import json_text
from cryptobt.records.content import ContentStore
from cryptobt.records.runs import check_writable, write_run


def check_folders(out: Path) -> None:
    """Refuse folders that cannot be written, before anything is computed.

    Raises
    ------
    CannotWriteError
        Naming the folder and the reason.
    """
    check_writable(out)
    for store in (fold_cache(), snapshots()):
        store.check_writable()


def write_run_folder(
    label: str,
    files: Mapping[str, str],
    shared: Mapping[str, Any],
    settings: Settings,
    markets: Sequence[MarketData],
    now: pd.Timestamp,
    command: str,
    timings: Mapping[str, Any],
) -> Path:
    """Write a run's folder, whole or not at all, and keep the bars that it was made from.

    Parameters
    ----------
    label : str
        What the run is, for the folder's name.
    files : mapping
        Name to text of every file but ``run.json``.
    shared : mapping
        What ``run.json`` of a repetition would have in common with it.
    command : str
        As the user typed it.
    timings : mapping
        Keys of ``run.json`` to seconds.
    """
    out, run_id = Path(settings.run.out), uuid.uuid4().hex[:8]
    manifest = {
        "run_id": run_id,
        "created_at": iso(now),
        "command": command,
        "workers": settings.run.workers or usable_cores(),
        "paths": {"out": str(out.resolve()), "cache": str(fold_cache().root)},
        **timings,
        **shared,
    }
    for market in markets:
        keep_snapshot(market)
    name = f"{now:%Y%m%dT%H%M%SZ}-{label}-{run_id}"
    return write_run(out, name, {**files, "run.json": json_text(manifest)})


def snapshots() -> ContentStore:
    """The store of the bars that runs were made from."""
    return ContentStore(home("data") / "snapshots")


def keep_snapshot(market: MarketData) -> None:
    """Keep the bars of a run by their content, so that it can be repeated after a rewrite."""
    store = snapshots()
    if market.hash not in store:
        arrays = {name: market.bars[name].to_numpy() for name in BARS}
        meta = {"symbol": market.symbol, "interval": interval_label(market.interval)}
        store.put(market.hash, {"time": epoch_ns(market.times)} | arrays, meta)


def kept_market(manifest: Mapping[str, Any], number: int) -> MarketData:
    """Give the bars of a run back as they were loaded, with what was said of them then.

    Parameters
    ----------
    manifest : mapping
        The run's ``run.json``.
    number : int
        Of the symbol, in the order of ``data``.

    Raises
    ------
    DataUnavailableError
        If their snapshot is not there, or is another than the run's.
    """
    told = manifest["data"][number]
    entry = snapshots().get(told["snapshot"])
    where = f"the bars of {told['symbol']} that the run was made from"
    if entry is None:
        raise DataUnavailableError(
            f"{where} are not in {snapshots().root}: their snapshot {told['snapshot'][:12]} was "
            "removed, or made on another machine; run the backtest anew"
        )
    times = pd.DatetimeIndex(entry.arrays["time"], tz="UTC", name=TIME)
    market = MarketData(
        symbol=told["symbol"],
        interval=parse_interval(told["interval"]),
        source=told["source"],
        bars=pd.DataFrame({name: entry.arrays[name] for name in BARS}, index=times),
        simulated=told["simulated"],
        fetched_at=pd.Timestamp(told["fetched_at"]) if told["fetched_at"] else None,
        quality=_kept_quality(told, manifest["quarantined"]),
    )
    if market.hash != told["hash"]:
        raise DataUnavailableError(f"{where} are not what its snapshot holds; run it anew")
    return market


def _kept_quality(
    told: Mapping[str, Any], quarantined: Sequence[Mapping[str, str]]
) -> QualityReport:
    return QualityReport(
        gaps=told["gaps"],
        quarantined=tuple(
            {"time": row["time"], "reason": row["reason"]}
            for row in quarantined
            if row["symbol"] == told["symbol"]
        ),
        warnings=tuple(told["warnings"]),
        unanswered=told["unanswered"],
    )


class Steps:
    """Seconds spent in each step of a job.

    Parameters
    ----------
    tell : callable
        Told of each step that begins.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.began = time.perf_counter()
        self.step = ""
        self.spent: dict[str, float] = {}

    def begin(self, step: str) -> None:
        """Begin a step, and with it end the one before."""
        self.end()
        self.step = step
        self.tell(step)

    def end(self) -> dict[str, float]:
        """End the step, and give the seconds of all."""
        now = time.perf_counter()
        if self.step:
            self.spent[self.step] = round(now - self.began, 3)
        self.began = now
        return self.spent
