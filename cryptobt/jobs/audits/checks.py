"""What an audit asks, and what came of it: one question, one outcome, one row of the document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from cryptobt.core.time import iso

PASSED, LEAK, NOTED, NOT_ASKED = "passed", "leak", "noted", "not asked"


class Place(NamedTuple):
    """A line of a user's code, and how to mend it.

    Attributes
    ----------
    line : int or None
        None where the file alone is known.
    code : str
        The line as it stands there, without the blanks around it.
    mend : str
        What to do, as an instruction.
    sure : bool
        Whether the line is known to look ahead by its shape.
    """

    file: str
    line: int | None
    code: str
    mend: str
    sure: bool = False


@dataclass(frozen=True)
class Check:
    """What came of one question.

    Attributes
    ----------
    part : str
        What was looked at: ``features``, ``orders`` …
    outcome : str
        ``passed``, ``leak``, ``noted`` or ``not asked``.
    expected : str
        What holds when all is well.
    seen : str
        What was seen instead, or why it was not asked.
    time : Timestamp or None
        First bar that leaked.
    column : str or None
        First column that leaked, in the order of its table.
    """

    name: str
    part: str
    outcome: str
    expected: str
    seen: str = ""
    time: pd.Timestamp | None = None
    column: str | None = None
    symbol: str | None = None
    place: Place | None = None
    mend: str | None = None

    def document(self) -> dict[str, Any]:
        """The check as a row of ``audit.json``."""
        place = self.place
        return {
            "name": self.name,
            "part": self.part,
            "outcome": self.outcome,
            "expected": self.expected,
            "seen": self.seen,
            "time": None if self.time is None else iso(self.time),
            "column": self.column,
            "symbol": self.symbol,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "code": (place.code or None) if place else None,
            "mend": self.mend or (place.mend if place else None),
        }


class Question(NamedTuple):
    """What is asked, of which part, and what holds when all is well."""

    name: str
    part: str
    expected: str

    def passed(self, seen: str = "") -> Check:
        """All is well."""
        return Check(self.name, self.part, PASSED, self.expected, seen)

    def leaked(self, seen: str, **found: Any) -> Check:
        """Something knows the future; ``found`` are further fields of :class:`Check`."""
        return Check(self.name, self.part, LEAK, self.expected, seen, **found)

    def noted(self, seen: str, **found: Any) -> Check:
        """No leak, and worth knowing."""
        return Check(self.name, self.part, NOTED, self.expected, seen, **found)

    def not_asked(self, why: str) -> Check:
        """It could not be asked, or an answer would mean nothing."""
        return Check(self.name, self.part, NOT_ASKED, self.expected, why)


def leaked(checks: Iterable[Check]) -> bool:
    """Whether one of them found a leak."""
    return any(check.outcome == LEAK for check in checks)


def every(questions: Iterable[Question], why: str) -> list[Check]:
    """Answer all questions by why they were not asked."""
    return [question.not_asked(why) for question in questions]


def listed(names: Sequence[str], most: int = 4) -> str:
    """Name a few things, and count the rest."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
