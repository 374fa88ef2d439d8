"""What is stored of vendors: bars, and the series beside them, each under its own key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.time import parse_interval
from cryptobt.data.row_store import FETCHED_AT, RowStore


@dataclass(frozen=True)
class Series:
    """Which bars: their source, symbol and interval label."""

    source: str
    symbol: str
    interval: str

    unit: ClassVar[str] = "bar"
    """What one row is called."""

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval} of {self.source}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its folders and file."""
        return (self.source, self.symbol, self.interval)

    @property
    def spacing(self) -> pd.Timedelta:
        """Time between two bars."""
        return parse_interval(self.interval)

    def to_json(self) -> dict[str, str]:
        """Give its names for a document."""
        return {"source": self.source, "symbol": self.symbol, "interval": self.interval}


@dataclass(frozen=True)
class Extra:
    """Which series beside the bars: its source, and what that is asked for; empty where it has one.

    As text it is as ``--extra`` names it: ``feargreed``, ``macro:sp500``.
    """

    source: str
    key: str

    unit: ClassVar[str] = "row"
    """What one row is called."""

    def __str__(self) -> str:
        return f"{self.source}:{self.key}" if self.key else self.source

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its folder and file."""
        return (self.source, self.key)

    def to_json(self) -> dict[str, str]:
        """Give its names for a document."""
        return {"source": self.source, "key": self.key}


@dataclass(frozen=True)
class BarStore(RowStore[Series]):
    """Bars: ``time`` (the open), open … volume, ``fetched_at``; complete ones only."""

    what = "bars"
    required = (columns.TIME, *columns.BARS, FETCHED_AT)

    def all(self) -> Iterator[Series]:
        """Every series that is stored, by source, symbol and interval."""
        return (Series(*parts) for parts in self._stored(3))


@dataclass(frozen=True)
class ExtraStore(RowStore[Extra]):
    """Series beside the bars: ``time``, values, ``available_at``, ``fetched_at``.

    It shares the folder of the bars, which lie one folder deeper. ``available_at`` is without any
    lag of the settings, which is added when rows are loaded. The attributes are ``name`` and
    ``lag_hours`` of :class:`cryptobt.core.types.ExtraSeries`.
    """

    what = "rows"
    required = (columns.TIME, columns.AVAILABLE_AT, FETCHED_AT)
    notes = ("name", "lag_hours")

    def all(self) -> Iterator[Extra]:
        """Every series that is stored, by source and key."""
        return (Extra(*parts) for parts in self._stored(2))
