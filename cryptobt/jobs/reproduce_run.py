"""``cryptobt runs reproduce``: a run made anew from its ``run.json``, compared byte for byte."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.errors import DataInvalidError, DataUnavailableError, UsageError
from cryptobt.core.settings import Settings, load_settings
from cryptobt.core.types import MarketData
from cryptobt.features.sets import FeatureSet, find_feature_set
from cryptobt.forecasters.registry import ForecasterSpec
from cryptobt.jobs.backtest import Given, backtest
from cryptobt.jobs.events import Events
from cryptobt.jobs.loading import load_beside
from cryptobt.jobs.manifest import code_version, libraries
from cryptobt.jobs.run_differences import compare_folders, flat_settings
from cryptobt.jobs.run_folder import kept_market
from cryptobt.jobs.trader import forecaster_of
from cryptobt.jobs.trials import TrialCount
from cryptobt.records.run_index import RunEntry, find_run
from cryptobt.reports.runs_terminal import fit
from cryptobt.strategies.registry import StrategySpec, find_strategy


@dataclass(frozen=True)
class Repetition:
    """What a run made anew has in common with the first one.

    Attributes
    ----------
    folder : Path
        Of the run that was repeated.
    changed : list of str
        What is not as it was then: code and libraries; a line each.
    differing : list of str
        A line for each file that differs, with the first difference.
    files : int
        Files that were compared.
    """

    folder: Path
    changed: list[str]
    differing: list[str]
    files: int

    def text(self) -> str:
        """Say whether it is byte-identical, and what is not."""
        lines = [fit(line) for line in (*self.changed, *self.differing)]
        if self.differing:
            end = f"{len(self.differing)} of {self.files} files of {self.folder} differ"
        else:
            end = f"byte-identical: {self.files} files of {self.folder}"
        return "\n".join([*lines, end])

    def problem(self) -> str:
        """Say in one line what the check found."""
        why = "; code or libraries are not those of then" if self.changed else ""
        count = f"{len(self.differing)} of {self.files} files differ"
        return f"{self.folder} was not repeated: {count}{why}"


def reproduce_run(name: str, out: Path, events: Events) -> Repetition:
    """Make a run anew from the bars, settings, clock and trial counts that it was made from.

    It is written into a temporary folder; the trial ledger is not asked. Series beside the bars
    are loaded as always, and must be what they were.

    Parameters
    ----------
    name : str
        As :func:`cryptobt.records.run_index.find_run` finds it.
    out : Path
        Folder of runs.

    Raises
    ------
    UsageError
        If there is no such run, or a setting or name of it is not known any more.
    DataUnavailableError
        If its bars are not kept, or a series beside them is another.
    DataInvalidError
        If its folder is damaged, or it was made before runs could be repeated.
    """
    run = find_run(name, out)
    settings, trials = _recorded(run)
    markets = [kept_market(run.manifest, number) for number in range(len(run.manifest["data"]))]
    now = pd.Timestamp(run.manifest["created_at"])
    # what a run of then warned of is no news
    quiet = replace(events, warn=lambda _: None)
    _check_series(run, settings, markets, now, quiet)
    changed = list(_changes(run.manifest, settings))
    with tempfile.TemporaryDirectory(prefix="cryptobt-") as folder:
        place = settings.run.model_copy(update={"out": folder})
        alike = settings.model_copy(update={"run": place})
        again = backtest(alike, now, quiet, given=Given(markets, trials)).folder
        files, differing = compare_folders(run.folder, again, {"run.json"})
    return Repetition(run.folder, changed, differing, files)


def _recorded(run: RunEntry) -> tuple[Settings, TrialCount]:
    manifest = run.manifest
    if account := manifest.get("account"):
        raise UsageError(
            f"{run.folder} is the record of a paper account; "
            f"`cryptobt paper replay {account}` makes it anew"
        )
    try:
        trials = TrialCount.from_json(manifest["trials"])
        for told in manifest["data"]:
            told["simulated"], told["unanswered"]
    except KeyError as error:
        raise DataInvalidError(
            f"{run.folder} cannot be repeated: its run.json has no {error}, which runs have since "
            "trials are counted; run it anew"
        ) from error
    return load_settings(None, [], flat_settings(manifest)), trials


def _check_series(
    run: RunEntry,
    settings: Settings,
    markets: Sequence[MarketData],
    now: pd.Timestamp,
    events: Events,
) -> None:
    """Refuse series beside the bars that are not those of the run."""
    loaded = load_beside(settings.data, markets, now, events)
    found = [series for group in loaded.values() for series in group]
    told = [series["hash"] for series in run.manifest["extras"]]
    if [series.hash for series in found] == told:
        return
    others = [one.name for one, was in zip(found, told, strict=False) if one.hash != was]
    what = (
        f"the series '{others[0]}' beside the bars is" if others else "series beside the bars are"
    )
    raise DataUnavailableError(
        f"{what} not what {run.folder} was made from, and series are not kept with a run; "
        "bring back what was there then, or run it anew"
    )


def _changes(manifest: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Say what is not as it was when the run was made, a line each."""
    spec = find_strategy(settings.strategy.name)
    own = {
        "strategy": spec,
        "forecaster": forecaster_of(settings, spec),
        "features": find_feature_set(settings.features.set),
    }
    for what, found in own.items():
        if _file_hash(manifest.get(what)) != _file_hash(found):
            yield f"the file of {what} {found.name if found else ''} is another than then"
    then = {"cryptobt": manifest["code_version"], **manifest["libraries"]}
    for name, version in ({"cryptobt": code_version()} | libraries()).items():
        if then.get(name) != version:
            yield f"{name} is {version}, and was {then.get(name)}"


def _file_hash(
    code: StrategySpec | ForecasterSpec | FeatureSet | Mapping[str, Any] | None,
) -> str | None:
    if code is None or isinstance(code, Mapping):
        return None if code is None else code["file_hash"]
    return code.file_hash or None
