"""Runs in the terminal: a table of them, a line each; plain text, no colour codes."""

from collections.abc import Sequence
from typing import Any

from cryptobt.reports.numbers import DASH, finite, format_ratio, short_name

WIDTH = 118
_HEADER = ("id", "made", "strategy", "symbols", "from", "to", "Sharpe", "verdict", "trials")
_NUMBERS = {6, 8}
"""Columns that are set to the right."""
_LONGEST_NAME = 20
_ROOM_FOR_SYMBOLS = 26
"""Columns; then every line with its numbers fits."""
_GRADES = {"none": "no evidence", "weak": "weak evidence", "evidence": "evidence"}


def runs_table(rows: Sequence[dict[str, Any]]) -> str:
    """Write a table of runs.

    Parameters
    ----------
    rows : sequence of dict
        With ``run_id``, ``created_at``, ``strategy``, ``account``, ``symbols``, ``first``,
        ``last``, ``simulated``, ``sharpe``, ``verdict`` and ``trials``; None where there is none.
    """
    return "\n".join(set_in_columns([_HEADER, *(_row(row) for row in rows)], _NUMBERS))


def set_in_columns(cells: Sequence[Sequence[str]], numbers: set[int]) -> list[str]:
    """Set cells below each other, those of numbers to the right, and cut lines to the terminal."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        fit(
            "  ".join(
                cell.rjust(width) if column in numbers else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
        for row in cells
    ]


def fit(line: str) -> str:
    """Cut a line to the terminal; no line break or escape sequence of a file's gets there."""
    flat = "".join(letter if letter.isprintable() else " " for letter in line)
    return flat if len(flat) <= WIDTH else flat[: WIDTH - 1] + "…"


def describe_grade(grade: str | None) -> str:
    """Say the grade of a verdict in two words; a dash where there is none."""
    return _GRADES.get(str(grade), DASH)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    account = f" (paper {row['account']})" if row["account"] else ""
    return (
        row["run_id"],
        row["created_at"][:16].replace("T", " "),
        short_name(f"{row['strategy']}{account}", _LONGEST_NAME),
        _symbols(row),
        *(str(row[end] or DASH)[:10] for end in ("first", "last")),
        format_ratio(finite(row["sharpe"])),
        describe_grade(row["verdict"]),
        DASH if row["trials"] is None else str(row["trials"]),
    )


def _symbols(row: dict[str, Any]) -> str:
    end = " (simulated)" if row["simulated"] else ""
    names = [short_name(symbol, 12) for symbol in row["symbols"]]
    for shown in range(len(names), 0, -1):
        left = len(names) - shown
        text = ", ".join(names[:shown]) + (f" and {left} more" if left else "") + end
        if len(text) <= _ROOM_FOR_SYMBOLS:
            break
    return text if names else end
