"""JSON files that a user's code reads, whose entries name instants, and what is later in them."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.jobs.audits.dated import (
    MOST_BYTES,
    PUBLISHED,
    instants,
    named_as_prices,
    other_number,
    spacing_of,
)

_FEWEST = 2


@dataclass(frozen=True)
class DatedJson:
    """A document that holds values by their instants, or a list of records that name one.

    Attributes
    ----------
    keys : tuple of str
        Where its entries stand in the document.
    column : str
        Of records, the one that names the instant; empty for values by their instants.
    times : DatetimeIndex
        Of each entry, aware; NaT where it names none.
    """

    path: str
    document: Any
    keys: tuple[str, ...]
    column: str
    times: pd.DatetimeIndex

    @classmethod
    def read(cls, path: str) -> "DatedJson | None":
        """Read it; None where it is no such document."""
        file = Path(path)
        if file.suffix.lower() != ".json" or file.stat().st_size > MOST_BYTES:
            return None
        try:
            document = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            return None
        inner = document.items() if isinstance(document, dict) else ()
        for keys, entries in (((), document), *(((key,), value) for key, value in inner)):
            found = _times_of(entries)
            if found is not None:
                return cls(path, document, keys, *found)
        return None

    @property
    def published(self) -> bool:
        """Whether the instants are those of publication."""
        return self.column.lower() in PUBLISHED

    @property
    def spacing(self) -> pd.Timedelta | None:
        """Spacing of its entries, where it is regular and no longer than a month."""
        return spacing_of(self.times)

    @property
    def holds_prices(self) -> bool:
        """Whether its values are a market's; of values without a name that cannot be told."""
        entries = _inside(self.document, self.keys)
        first = entries[0] if isinstance(entries, list) else next(iter(entries.values()))
        return not isinstance(first, dict) or named_as_prices(first)

    def changed_from(self, instant: pd.Timestamp) -> str:
        """The text with other numbers in every entry of this instant or a later one."""
        random = np.random.default_rng(int(instant.timestamp()))
        made = copy.deepcopy(self.document)
        entries = _inside(made, self.keys)
        places = range(len(entries)) if isinstance(entries, list) else list(entries)
        for place, time in zip(places, self.times, strict=True):
            if time >= instant:
                entries[place] = _changed(entries[place], self.column, random)
        return json.dumps(made)


def _inside(document: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        document = document[key]
    return document


def _times_of(entries: Any) -> tuple[str, pd.DatetimeIndex] | None:
    """The column that names instants, and those; None where nothing does."""
    if isinstance(entries, dict) and len(entries) >= _FEWEST:
        times = instants(list(entries), "time")
        return None if times is None else ("", times)
    if not isinstance(entries, list) or len(entries) < _FEWEST:
        return None
    if not all(isinstance(one, dict) for one in entries):
        return None
    for column in sorted(entries[0], key=lambda name: name.lower() not in PUBLISHED):
        times = instants([str(one.get(column, "")) for one in entries], column.lower())
        if times is not None:
            return column, times
    return None


def _changed(value: Any, column: str, random: np.random.Generator) -> Any:
    """Other numbers in a value; text, and the instant, stay."""
    if isinstance(value, dict):
        return {
            key: one if key == column else _changed(one, "", random) for key, one in value.items()
        }
    if isinstance(value, list):
        return [_changed(one, "", random) for one in value]
    if isinstance(value, str):
        return other_number(value, random)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return float(other_number(str(value), random))
