"""Files that a user's code reads beside the bars: tables with dates, and what is later in them."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MOST_BYTES = 50_000_000
_TEXT = (".csv", ".txt", ".tsv", ".dat")
_EPOCH_NAMES = ("time", "timestamp", "date", "unix", "ts")
PUBLISHED = ("available_at", "published", "published_at", "release", "released")
_PRICES = ("open", "high", "low", "close", "price")
_LONGEST = pd.Timedelta(days=32)
_REGULAR = 0.8
_FEW = 20


@dataclass(frozen=True)
class DatedFile:
    """A table of text whose rows name instants.

    Attributes
    ----------
    lines : list of list of str
        Without the header, where there is one.
    times : DatetimeIndex
        Of each line, aware; NaT where it names none.
    place : int
        Position of the column that they stand in.
    published : bool
        Whether the instants are those of publication.
    """

    path: str
    separator: str
    header: list[str]
    lines: list[list[str]]
    times: pd.DatetimeIndex
    place: int
    published: bool

    @classmethod
    def read(cls, path: str) -> "DatedFile | None":
        """Read it; None where it is no such table."""
        file = Path(path)
        if file.suffix.lower() not in _TEXT or file.stat().st_size > MOST_BYTES:
            return None
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None
        separator = max(",;\t", key=text[:10_000].count)
        rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if row]
        if len(rows) < 2:
            return None
        return cls._of(path, separator, rows)

    @classmethod
    def _of(cls, path: str, separator: str, rows: list[list[str]]) -> "DatedFile | None":
        header, lines = rows[0], rows[1:]
        names = [name.strip().lower() for name in header]
        order = sorted(range(len(names)), key=lambda place: names[place] not in PUBLISHED)
        for place in order:
            times = instants(
                [row[place] if place < len(row) else "" for row in lines], names[place]
            )
            if times is not None:
                published = names[place] in PUBLISHED
                return cls(path, separator, header, lines, times, place, published)
        return None

    @cached_property
    def spacing(self) -> pd.Timedelta | None:
        """Spacing of its rows, where it is regular and no longer than a month."""
        return spacing_of(self.times)

    @property
    def holds_prices(self) -> bool:
        """Whether its columns are a market's, whose bar is known when it closes."""
        return named_as_prices(self.header)

    def changed_from(self, instant: pd.Timestamp) -> str:
        """The text with other numbers in every row of this instant or a later one."""
        random = np.random.default_rng(int(instant.timestamp()))
        later = np.asarray(self.times >= instant)
        made = [self.header]
        for line, late in zip(self.lines, later, strict=True):
            made.append(self._changed(line, random) if late else line)
        return "\n".join(self.separator.join(map(_quoted, row)) for row in made) + "\n"

    def _changed(self, line: list[str], random: np.random.Generator) -> list[str]:
        return [
            cell if place == self.place else other_number(cell, random)
            for place, cell in enumerate(line)
        ]


def spacing_of(found: pd.DatetimeIndex) -> pd.Timedelta | None:
    """Spacing of instants where it is regular and no longer than a month."""
    times = found.dropna().unique().sort_values()
    if len(times) < _FEW:
        return None
    steps = pd.Series(times).diff().dropna()
    usual = steps.mode().iloc[0]
    regular = float((steps == usual).mean()) >= _REGULAR
    return usual if regular and usual <= _LONGEST else None


def named_as_prices(names: Iterable[str]) -> bool:
    """Whether columns are a market's by their names."""
    return any(name in column.lower() for column in names for name in _PRICES)


def holds_no_dates(path: str) -> bool:
    """Whether a file is known to hold settings alone: JSON, TOML or YAML without dates."""
    file = Path(path)
    if file.suffix.lower() in (".toml", ".yaml", ".yml", ".ini", ".cfg", ".env"):
        return True
    if file.suffix.lower() != ".json":
        return False
    try:
        return not _has_dates(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _has_dates(value: Any, least: int = 3) -> bool:
    found = sum(1 for text in _texts(value) if instants([text], "") is not None)
    return found >= least


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in [str(key), *_texts(one)]]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def instants(cells: list[str], name: str) -> pd.DatetimeIndex | None:
    """Instants that the cells of a column tell; None where it is no column of instants."""
    series = pd.Series(cells)
    numbers = pd.to_numeric(series, errors="coerce")
    if numbers.notna().mean() > 0.5:
        if not any(word in name for word in _EPOCH_NAMES):
            return None
        unit = {9: "s", 10: "s", 13: "ms"}.get(len(str(int(numbers.dropna().iloc[0]))))
        if unit is None:
            return None
        return pd.DatetimeIndex(
            pd.to_datetime(numbers * (1 if unit == "ms" else 1000), unit="ms", utc=True)
        )
    if not series.str.contains(r"\d{4}|\d{1,2}[/.]\d{1,2}", regex=True).mean() > 0.9:
        return None
    times = pd.to_datetime(series, errors="coerce", utc=True, format="mixed")
    return pd.DatetimeIndex(times) if times.notna().mean() > 0.9 else None


def other_number(cell: str, random: np.random.Generator) -> str:
    """Another number in place of one; text, and dates, stay."""
    try:
        value = float(cell)
    except ValueError:
        return cell
    if not np.isfinite(value):
        return cell
    return f"{value * float(np.exp(random.normal(0.3, 0.6))) + (1.0 if value == 0 else 0.0):.10g}"


def _quoted(cell: str) -> str:
    return f'"{cell}"' if any(mark in cell for mark in ',;\t"') else cell
