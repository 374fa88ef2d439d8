"""An animal of the zoo: a file or settings of a trader, and how it is bound to a run."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptobt.core.settings import Settings, load_settings

from .worlds import World, world, write_beside

HERE = Path(__file__).parent
Kind = Literal["feature", "strategy", "forecaster", "settings"]

BASE = (
    "walkforward.refit_days=120",
    "walkforward.min_train_rows=60",
    "walkforward.ensemble_seeds=1",
    "forecaster.target=next_return",
    "forecaster.window_bars=10",
    "training.epochs=2",
    "robustness.enabled=false",
    "trials.ledger=false",
    "metrics.bootstrap_draws=100",
    "run.workers=1",
)
"""Settings with which an animal is fitted and traded in a second or two."""
FEATURES, ONCHAIN = "lagged_returns.py", "onchain_with_lag.py"
"""Clean feature sets that other animals learn from."""


@dataclass(frozen=True)
class Animal:
    """A file as a trader writes it, or settings, and the truth about it.

    Attributes
    ----------
    name : str
        The file's, without its ending.
    part : tuple of str
        Parts of the audit, any of which may name the leak.
    columns : tuple of str
        Columns that leak, any of which may be named; empty where none is asked for.
    first : int or None
        Bar of the first row that depends on what was not known at its close: of a feature the
        earliest row that any later bar can change. None where the leak has no time: a setting, or
        a request that ends the run before its first bar.
    last : int or None
        Latest bar that may be named in its place; None for a feature, where the first row that
        differs from what it would have been at its own close is found by trying.
    line : tuple of str
        Texts, any of which is in the line of code to be named; empty where none can be.
    """

    name: str
    kind: Kind
    leaks: bool
    binding: str
    world: str = "plain"
    assignments: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    first: int | None = 0
    last: int | None = None
    line: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """The file in the zoo."""
        return HERE / ("leaks" if self.leaks else "clean") / f"{self.name}.py"

    @property
    def given(self) -> World:
        """The world in which it lives."""
        return world(self.world)

    def settle(self, folder: Path, given: World | None = None) -> Path:
        """Copy it to a folder of its own, with the files that it reads, and give its path."""
        folder.mkdir(parents=True, exist_ok=True)
        write_beside(folder, given or self.given)
        for features in (FEATURES, ONCHAIN):
            shutil.copy(HERE / "clean" / features, folder)
        file = folder / self.source.name
        if self.kind != "settings":
            shutil.copy(self.source, file)
        return file

    def settings(self, folder: Path) -> Settings:
        """Settings that bind the animal settled in this folder."""
        own, usual = f"{folder / self.source.name}:{self.binding}", f"{folder / FEATURES}:columns"
        bound = {
            "feature": {"features.set": own, "forecaster.name": "linear"},
            "forecaster": {"features.set": usual, "forecaster.name": own},
            "strategy": {"features.set": usual, "strategy.name": own},
            "settings": {"features.set": f"{folder / self.binding}"},
        }[self.kind]
        return load_settings(None, [*BASE, *self.assignments], bound)
