"""Figures beside their limits, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

NO_LIMIT = "—"


class Figure(NamedTuple):
    """One figure: what, what is allowed, what came out, and how it was measured."""

    name: str
    limit: str
    measured: str
    how: str


@dataclass(frozen=True)
class Section:
    """Figures that were measured together.

    Attributes
    ----------
    notes : sequence of str
        What a reader needs to judge them, one paragraph each.
    """

    title: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """Heading, table and notes."""
        head = ["| figure | limit | measured | how |", "|---|---|---|---|"]
        rows = [f"| {' | '.join(figure)} |" for figure in self.figures]
        paragraphs = [f"## {self.title}", "\n".join(head + rows), *self.notes]
        return "\n\n".join(paragraphs)


def skipped(name: str, limit: str, reason: str) -> Figure:
    """Say in words why a figure was not measured."""
    return Figure(name, limit, "not measured", reason)


def spread(values: Sequence[float], digits: int) -> str:
    """Smallest and largest of repeated measurements."""
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
