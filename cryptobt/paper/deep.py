"""Forecasts made again from the recorded bars, and compared with those that were traded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.errors import LedgerError
from cryptobt.core.time import DAY, iso
from cryptobt.core.types import MarketData
from cryptobt.data.extras import load_extras
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.paper.account import PaperAccount, existing_ledger, read_account
from cryptobt.paper.facts import Night
from cryptobt.paper.ledger import Ledger, open_ledger
from cryptobt.paper.replay import begun
from cryptobt.paper.standing import stand

TOLERANCE = 1e-6
"""How far a forecast may be off: other versions of torch and other processors round otherwise."""
_KEYS = ["time", "symbol", "model_id"]
_NUMBERS = ["score", "mean", "p_up", "q05", "q50", "q95"]


@dataclass(frozen=True)
class Replayed:
    """What a replay compared.

    Attributes
    ----------
    nights, forecasts : int
        How many agree.
    furthest : float
        Largest difference of a forecast's numbers.
    """

    name: str
    nights: int
    forecasts: int | None = None
    furthest: float = 0.0

    def line(self) -> str:
        """Say it in one line."""
        said = f"account '{self.name}': {self.nights} night(s) replay to what was recorded"
        if self.forecasts is None:
            return said
        return f"{said}; {self.forecasts} forecast(s) made again, {self.furthest:.1g} off at most"


def replay_account(name: str, now: pd.Timestamp, events: Events, *, deep: bool = False) -> Replayed:
    """Replay an account, and with ``deep`` make its forecasts again from the bars as they were.

    Series beside the bars are read as they are now.

    Raises
    ------
    LedgerError
        Naming the first night, forecast or value that differs.
    """
    with open_ledger(existing_ledger(name), read_only=True) as ledger:
        account = read_account(ledger)
        account.check_unchanged()
        nights = ledger.nights()
        if nights:
            stand(account, ledger, now)
        if not deep:
            return Replayed(name, len(nights))
        if account.trader.forecaster is None or not nights:
            return Replayed(name, len(nights), 0)
        made = pd.concat(list(_made_again(account, ledger, nights, now, events)))
        return Replayed(name, len(nights), len(made), _compare(name, ledger.forecasts(), made))


def _made_again(
    account: PaperAccount,
    ledger: Ledger,
    nights: Sequence[Night],
    now: pd.Timestamp,
    events: Events,
) -> Iterator[pd.DataFrame]:
    """Forecasts of every night, each from the bars that were known then."""
    settings = begun(account.settings, nights[0].bar_at)
    for part in _parts(ledger, nights):
        markets = [
            MarketData(symbol, DAY, settings.data.source, bars)
            for symbol in account.symbols
            if len(bars := ledger.bars(symbol, until=part[-1].night_id))
        ]
        extras = load_extras(settings.data, markets, now)
        making = Forecasting(markets, extras, account.trader, settings, events)
        made = making.forecasts(making.features())
        assert made is not None, "a trader with a forecaster has forecasts, or there was an error"
        yield made.frame[made.frame["time"].isin([night.bar_at for night in part])]


def _parts(ledger: Ledger, nights: Sequence[Night]) -> list[list[Night]]:
    """Nights one after another that saw the same past: a bar that arrived late begins a part."""
    bars = ledger.table("bars")
    begins = set(bars.loc[bars["arrived_late"] == 1, "night_id"])
    parts: list[list[Night]] = []
    for night in nights:
        if not parts or night.night_id in begins:
            parts.append([])
        parts[-1].append(night)
    return parts


def _compare(name: str, recorded: pd.DataFrame, made: pd.DataFrame) -> float:
    """Largest difference of the numbers of two tables with the same rows."""
    ours, again = (frame.set_index(_KEYS)[_NUMBERS].sort_index() for frame in (recorded, made))
    odd = ours.index.symmetric_difference(again.index)
    if len(odd):
        time, symbol, model = odd[0]
        where = "was recorded and is not made again" if odd[0] in ours.index else "is new"
        raise LedgerError(f"account '{name}': forecast of {symbol} {iso(time)} ({model}) {where}")
    apart = (ours - again.loc[ours.index]).abs().to_numpy(copy=True)
    # a number that is missing on one side only is no rounding
    apart[ours.isna().to_numpy() != again.loc[ours.index].isna().to_numpy()] = np.inf
    apart = np.nan_to_num(apart, nan=0.0, posinf=np.inf)
    row, column = divmod(int(apart.argmax()), len(_NUMBERS))
    if apart[row, column] > TOLERANCE:
        time, symbol, model = ours.index[row]
        was, is_ = (frame[_NUMBERS[column]].loc[ours.index[row]] for frame in (ours, again))
        raise LedgerError(
            f"account '{name}': forecast of {symbol} {iso(time)} ({model}): {_NUMBERS[column]} was "
            f"{was:.12g} and is {is_:.12g} when it is made again; series beside the bars are not "
            "in the ledger: one that was rewritten since gives other forecasts"
        )
    return float(apart[row, column])
