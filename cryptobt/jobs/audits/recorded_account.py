"""The account that a run folder records, with the bars and settings that it was made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.hashing import hash_json
from cryptobt.core.settings import Settings, load_settings
from cryptobt.core.time import epoch_ns, parse_day
from cryptobt.core.types import MarketData
from cryptobt.jobs.audits.account_tables import TABLES, read_tables
from cryptobt.jobs.run_differences import flat_settings
from cryptobt.jobs.run_folder import kept_market
from cryptobt.jobs.symbols import common_times
from cryptobt.records.run_index import RunEntry

_FORECASTS = "forecasts.csv"
_KNOWN = {
    "side": ("buy", "sell"),
    "status": ("filled", "partial", "rejected", "cancelled", "expired", "pending"),
}


@dataclass(frozen=True)
class RecordedAccount:
    """An account as a finished run tells it.

    Attributes
    ----------
    settings : Settings
        Of the run; where its files lie is not in it.
    markets : list of MarketData
        The bars that it was made from, in the order in which the symbols were named.
    tables : dict
        Of :data:`~cryptobt.jobs.audits.account_tables.TABLES`.
    first : Timestamp
        The first decision, as settings, forecasts or the first night of a paper account tell it.
    forecasts_changed : bool
        Whether ``forecasts.csv`` is another than ``run.json`` says.
    """

    run: RunEntry
    settings: Settings
    markets: list[MarketData]
    tables: dict[str, pd.DataFrame]
    first: pd.Timestamp
    forecasts_changed: bool

    @property
    def interval(self) -> pd.Timedelta:
        """Of the bars."""
        return self.markets[0].interval

    @cached_property
    def times(self) -> pd.DatetimeIndex:
        """Every time at which some symbol has a bar, warm-up included."""
        return common_times(self.markets).as_unit("ns")

    @property
    def start(self) -> int:
        """Number of the first deciding time."""
        return int(np.searchsorted(epoch_ns(self.times), self.first.as_unit("ns").value))

    @cached_property
    def _rows(self) -> dict[int, int]:
        ids = self.tables["orders"]["order_id"].tolist()
        return {number: row for row, number in enumerate(ids, start=1)}

    def row_of(self, order_id: int) -> int | None:
        """Row of an order in its file, counted from 1; None where it is not there."""
        return self._rows.get(order_id)

    def numbers(self, times: pd.Series) -> np.ndarray:
        """Numbers of times; −1 where the run has no bar then, or had not begun."""
        known, asked = epoch_ns(self.times), epoch_ns(pd.DatetimeIndex(times))
        found = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        return np.where((known[found] == asked) & (found >= self.start), found, -1)


def read_account(run: RunEntry) -> RecordedAccount:
    """Read the account of a backtest, or of a paper account's report.

    Raises
    ------
    DataInvalidError
        If a file of the folder is damaged, with the place in it.
    DataUnavailableError
        If the bars that it was made from are not kept any more.
    """
    manifest, path = run.manifest, run.folder / "run.json"
    try:
        settings = load_settings(None, [], flat_settings(manifest))
        markets = [kept_market(manifest, number) for number in range(len(manifest["data"]))]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataInvalidError(f"{path} is damaged: it has no readable {error}") from error
    except UsageError as error:
        raise DataInvalidError(f"{path} is damaged: {error}") from error
    if not markets:
        raise DataInvalidError(f"{path} is damaged: 'data' names no bars")
    text = _text(run)
    tables = read_tables(run.folder)
    for line in _unknown(tables, [market.symbol for market in markets]):
        raise DataInvalidError(f"{run.folder / line}")
    first = _first(run, settings, markets, text)
    changed = hash_json(text) != manifest.get("forecasts_hash")
    return RecordedAccount(run, settings, markets, tables, first, changed)


def _text(run: RunEntry) -> str:
    path = run.folder / _FORECASTS
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise DataInvalidError(f"{run.folder} is no whole run: it has no {path.name}") from error
    except OSError as error:
        raise DataInvalidError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataInvalidError(f"{path} is damaged: it is no text in UTF-8") from error


def _first(
    run: RunEntry, settings: Settings, markets: list[MarketData], forecasts: str
) -> pd.Timestamp:
    """The first decision: a paper account's first night, else the first forecast or bar."""
    bars = common_times(markets)
    told: Any = None
    if run.manifest.get("account"):
        told = (run.metrics.get("live") or {}).get("first")
    rows = forecasts.split("\n", 2)
    if told is None and len(rows) > 1 and rows[1]:
        told = rows[1].partition(",")[0]
    told = told or settings.data.start
    try:
        first = bars[0] if told is None else max(parse_day(str(told), "first"), bars[0])
    except UsageError as error:
        raise DataInvalidError(f"{run.folder}: the first decision cannot be read: {error}") from (
            error
        )
    if first > bars[-1]:
        raise DataInvalidError(f"{run.folder} is damaged: it begins after its last bar, {bars[-1]}")
    return first


def _unknown(tables: dict[str, pd.DataFrame], symbols: list[str]) -> Iterator[str]:
    """Words that no account can have, each with its place."""
    for name in TABLES:
        for column, known in {**_KNOWN, "symbol": tuple(symbols)}.items():
            if column not in tables[name]:
                continue
            values = tables[name][column]
            for row in np.flatnonzero(~values.isin(known).to_numpy(bool)):
                yield (
                    f"{name}.csv is damaged: row {row + 1}, {column} is '{values[row]}'; "
                    f"expected one of {', '.join(known)}"
                )
