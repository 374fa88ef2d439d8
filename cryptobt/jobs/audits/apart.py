"""A user's code run in a process of its own: empty home, empty caches, a disk of its own.

Request and answer go between the two processes as pickled values; nothing of that is ever kept.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.errors import CryptobtError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.jobs.audits.asking import same_random_numbers
from cryptobt.jobs.audits.disk import Disk
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.audits.learning import Learning
from cryptobt.jobs.audits.recall import refitted
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.events import Events

_LONGEST_S = 300
_MOST_TRIED = 6
_FAILED = "Traceback (most recent call last)"
FEATURES, FORECASTER, STRATEGY = "features", "forecaster", "strategy"


@dataclass(frozen=True)
class Errand:
    """What is to be run, on what.

    Attributes
    ----------
    parts : tuple of str
        ``features``, ``forecaster``, ``strategy``: what is the user's own.
    rounds : tuple of sequence of World
        Run one after the other; the last one's results are given back.
    hidden, replaced
        As in :class:`~cryptobt.jobs.audits.disk.Disk`; a file's text in place of another file.
    """

    settings: Settings
    parts: tuple[str, ...]
    rounds: tuple[Sequence[World], ...]
    forecasts: Forecasts | None = None
    hidden: tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of an errand.

    Attributes
    ----------
    tables : dict
        ``features`` and ``forecaster``: a frame indexed by the bar.
    account : BacktestResult or None
        Of the strategy.
    read, written : tuple of str
        Files that were opened.
    kept : tuple of str
        Of those read, the ones that the code writes anew where they are missing.
    failed : str
        One line where it failed; empty else.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    account: BacktestResult | None = None
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: str = ""


def run_apart(errands: Sequence[Errand], *, explore: bool = False) -> list[Outcome]:
    """Run errands in one new process with an empty home, cache and temporary folder.

    Parameters
    ----------
    explore : bool
        Whether, after the first errand, each file that it read is hidden in turn, to see which the
        code makes itself; one more outcome is given, of the first errand without all of those.

    Returns
    -------
    list of Outcome
        One for each errand; all failed where the process takes too long or fails itself.

    Raises
    ------
    UsageError
        If the user's code ends the process: it would end this one as well.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-c", f"from {__name__} import answer; answer()"],
                input=pickle.dumps((list(errands), explore, folder)),
                capture_output=True,
                env=_environment(folder),
                timeout=_LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [Outcome(failed=f"it takes longer than {_LONGEST_S} s")] * (
                len(errands) + explore
            )
    if done.returncode or not done.stdout:
        told = done.stderr.decode(errors="replace")
        if _FAILED not in told:
            raise UsageError(
                "your code ends the process that it runs in (os._exit, a signal, no memory left; "
                f"status {done.returncode}): let its functions return"
            )
        return [Outcome(failed=told.strip().splitlines()[-1])] * (len(errands) + explore)
    outcomes: list[Outcome] = pickle.loads(done.stdout)  # noqa: S301 from our own child
    return outcomes


def _environment(folder: str) -> dict[str, str]:
    """The user's own, but for places where something could have been kept."""
    here = str(Path(__file__).resolve().parents[3])
    empty = {name: str(Path(folder) / name.lower()) for name in (
        "HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR", "CRYPTOBT_HOME"
    )}  # fmt: skip
    for path in empty.values():
        Path(path).mkdir()
    paths = os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH")) if path)
    # Sets of text are gone through in the same order in every process.
    return {**os.environ, **empty, "PYTHONPATH": paths, "PYTHONHASHSEED": "0"}


def answer() -> None:
    """Read a request, run it and give its outcomes: all that the new process does."""
    answer_to, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr
    os.dup2(2, 1)
    errands, explore, folder = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 of our parent
    outcomes = [_done(errand, folder, str(place)) for place, errand in enumerate(errands)]
    if explore:
        outcomes += _explored(errands[0], outcomes[0], folder)
    answer_to.write(pickle.dumps(outcomes))
    answer_to.close()


def _explored(errand: Errand, first: Outcome, folder: str) -> list[Outcome]:
    """Hide each file that was read: one that is written then is a cache of the code's own."""
    kept = list(first.written)
    for place, path in enumerate(first.read[:_MOST_TRIED]):
        tried = _done(replace(errand, hidden=(path,)), folder, f"hidden-{place}")
        if not tried.failed and path in tried.written:
            kept.append(path)
    kept = list(dict.fromkeys(kept))
    again = _done(replace(errand, hidden=tuple(kept)), folder, "without")
    return [replace(again, kept=tuple(kept))]


def _done(errand: Errand, folder: str, name: str) -> Outcome:
    root = Path(folder) / "disk" / name
    root.mkdir(parents=True)
    texts = {}
    for place, (path, text) in enumerate(errand.replaced.items()):
        texts[path] = str(Path(folder) / f"{name}-{place}.txt")
        Path(texts[path]).write_text(text, encoding="utf-8")
    disk = Disk(root, frozenset(errand.hidden), texts)
    tables: dict[str, pd.DataFrame] = {}
    account, failed = None, ""
    with disk.in_use():
        try:
            for worlds in errand.rounds:
                tables, account = _results(errand, _subject(errand, worlds))
        except (CryptobtError, OSError) as error:
            # A folder that is made for this process alone is called otherwise the next time.
            failed = " ".join(str(error).split()).partition(folder)[0].rstrip(" :'\"")
    return Outcome(tables, account, tuple(disk.read), tuple(disk.written), (), failed)


_loaded: dict[int, Subject] = {}


def _subject(errand: Errand, worlds: Sequence[World]) -> Subject:
    """The user's code on a world; loaded once for an errand, as by a long-running program."""
    if id(errand) not in _loaded:
        markets = [world.market for world in worlds]
        extras = {world.market.symbol: world.extras for world in worlds}
        silent = Events(lambda _: None, lambda _: None, lambda _: None)
        _loaded[id(errand)] = Subject.of(errand.settings, markets, extras, silent)
    return replace(_loaded[id(errand)], worlds=worlds)


def _results(
    errand: Errand, subject: Subject
) -> tuple[dict[str, pd.DataFrame], BacktestResult | None]:
    tables: dict[str, Any] = {}
    if FEATURES in errand.parts:
        tables[FEATURES] = subject.columns.of(subject.lead)
    if FORECASTER in errand.parts:
        tables[FORECASTER] = _answers(subject)
    account = None
    if STRATEGY in errand.parts:
        from cryptobt.backtests.run import run_backtest

        with same_random_numbers():
            account = run_backtest(
                subject.markets, errand.forecasts, subject.trader, subject.settings
            )
    return tables, account


def _answers(subject: Subject) -> pd.DataFrame:
    """What the user's forecaster answers in its first fold that forecasts anything."""
    from cryptobt.forecasters.tasks import plan_tasks

    learning = Learning(subject, subject.lead)
    fold = next(one for one in learning.folds if len(one.predicted))
    assert subject.forecaster is not None, "else it is not asked for"
    (task, *_) = plan_tasks(subject.forecaster, learning.samples, [fold], subject.settings)
    with same_random_numbers():
        answers = refitted(task, learning.samples)
    names = [f"answer_{number}" for number in range(1, answers.shape[1] + 1)]
    return pd.DataFrame(answers, learning.samples.times[fold.predicted], names)
