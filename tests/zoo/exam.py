"""The exam: an animal is put before the audit, and what is said of it held against the truth."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.jobs.audits.leakage import leakage_document
from cryptobt.jobs.events import Events

from .animal import Animal
from .truth import Features, columns_of, decides_alike, orders_of

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)


@dataclass(frozen=True)
class Judged:
    """What the audit said of an animal, and what of that is wrong.

    Attributes
    ----------
    document : dict
        As ``audit.json`` has it.
    folder : Path
        A folder in which the truth may be tried.
    """

    animal: Animal
    document: dict[str, Any]
    folder: Path

    @property
    def leaking(self) -> list[dict[str, Any]]:
        """Checks that leaked."""
        return [check for check in self.document["checks"] if check["outcome"] == "leak"]

    @cached_property
    def named(self) -> dict[str, Any] | None:
        """The first check that leaked in the right part."""
        right = (check for check in self.leaking if check["part"] in self.animal.part)
        return next(right, None)

    def faults(self) -> list[str]:
        """Say what is wrong, one line each; empty where all is right."""
        if not self.animal.leaks:
            return [f"false alarm: {check['name']}: {told(check)}" for check in self.leaking]
        if self.document["outcome"] != "leak":
            return ["not caught"]
        if self.named is None:
            parts = ", ".join(check["part"] for check in self.leaking)
            return [f"caught in {parts}; expected {' or '.join(self.animal.part)}"]
        wrong = (self._column(), self._line(), self._time())
        return [f"{line} ({told(self.named)})" for line in wrong if line]

    def _column(self) -> str:
        assert self.named is not None
        wanted, column = self.animal.columns, self.named["column"]
        if not wanted or column in wanted:
            return ""
        return f"column {column}; expected {' or '.join(wanted)}"

    def _line(self) -> str:
        assert self.named is not None
        wanted, code = self.animal.line, self.named["code"] or ""
        if not wanted:
            return ""
        if Path(self.named["file"] or "").name != self.animal.source.name:
            return f"file {self.named['file']}; expected {self.animal.source.name}"
        lines = self.animal.source.read_text(encoding="utf-8").splitlines()
        if code.strip() != lines[self.named["line"] - 1].strip():
            return f"line {self.named['line']} is not {code!r}"
        return "" if any(text in code for text in wanted) else f"line {code!r}; expected {wanted}"

    def _time(self) -> str:
        assert self.named is not None
        if self.animal.first is None:
            return ""
        if self.named["time"] is None:
            return "no time"
        times = self.animal.given.times
        time = pd.Timestamp(self.named["time"])
        if time not in times:
            return f"time {time} is no bar"
        bar = int(times.get_loc(time))
        last = self._last()
        if not self.animal.first <= bar <= last:
            return f"bar {bar}; expected {self.animal.first} to {last}"
        if self.animal.kind == "strategy" and self._decided_alike(bar):
            return f"bar {bar} does not depend on later ones"
        return ""

    def _last(self) -> int:
        if self.animal.last is not None:
            return self.animal.last
        return Features(self.animal, columns_of(self.animal, self.folder / "truth")).first_ahead()

    def _decided_alike(self, bar: int) -> bool:
        """Whether nothing that was decided by this bar depends on later ones."""
        file = self.animal.settle(self.folder / "truth")
        given = self.animal.given
        whole = orders_of(self.animal, file, given)
        if bar >= len(given.times) - 2:
            return False
        changed = [given.cut(bar), given.cut(bar + 1)]
        changed += [given.poisoned(bar, seed) for seed in (3, 4, 5, 6)]
        others = (orders_of(self.animal, file, other) for other in changed)
        return all(decides_alike(whole, other, given, bar) for other in others)


def told(check: dict[str, Any]) -> str:
    """What a check says, in one line."""
    kept = ("part", "time", "column", "symbol", "line", "code", "seen")
    return ", ".join(f"{name}={check[name]}" for name in kept if check[name] is not None)


def examine(animal: Animal, folder: Path) -> Judged:
    """Audit an animal in a folder of its own."""
    animal.settle(folder / "own")
    settings, given = animal.settings(folder / "own"), animal.given
    document = leakage_document(settings, given.markets, given.extras, QUIET)
    return Judged(animal, document, folder)
