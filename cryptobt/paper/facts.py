"""What a night adds to a ledger, and what is read back from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Quote:
    """The price at which a symbol could be traded when its night was decided.

    Attributes
    ----------
    price : float
        Last trade, in quote.
    quoted_at : Timestamp
        Of the trade, as the source tells it.
    """

    symbol: str
    price: float
    quoted_at: pd.Timestamp
    source: str

    def shortfall_bps(self, side: str, price: float) -> float:
        """What a fill at a price cost against this quote; negative where it was the better one."""
        sign = 1 if side == "buy" else -1
        return round(sign * (price / self.price - 1) * 1e4, 2)


@dataclass(frozen=True)
class Rewritten:
    """A recorded bar that its vendor tells otherwise now; the recorded one stays in use."""

    symbol: str
    time: pd.Timestamp
    recorded: dict[str, float | None]
    told: dict[str, float | None]
    seen_at: pd.Timestamp


@dataclass(frozen=True)
class NewBars:
    """Bars of one symbol that a night is the first to see.

    Attributes
    ----------
    bars : DataFrame
        Index ``time``, columns open … volume.
    fetched_at : Timestamp or None
        When a vendor gave them.
    decided : Timestamp or None
        Newest bar that had been decided before: a bar up to it has arrived late.
    """

    symbol: str
    bars: pd.DataFrame
    source: str
    fetched_at: pd.Timestamp | None
    decided: pd.Timestamp | None


@dataclass(frozen=True)
class NewNight:
    """Everything that one night adds, in one transaction.

    Attributes
    ----------
    bar_at : Timestamp
        The bar whose close was decided at.
    decided_at : Timestamp
        Wall clock of the decision.
    simulated : bool
        Whether the clock was given by ``--as-of``.
    record : str
        The account after the night, to be compared with later replays.
    forecasts : DataFrame
        Rows of ``bar_at``, columns as in :data:`cryptobt.core.columns.FORECASTS`.
    absent : sequence of (str, Timestamp)
        Symbols without a bar, and the newest that each has.
    """

    bar_at: pd.Timestamp
    decided_at: pd.Timestamp
    simulated: bool
    record: str
    libraries: dict[str, str]
    bars: Sequence[NewBars] = ()
    forecasts: pd.DataFrame | None = None
    quotes: Sequence[Quote] = ()
    rewritten: Sequence[Rewritten] = ()
    absent: Sequence[tuple[str, pd.Timestamp]] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Night:
    """A night as the ledger keeps it; see :class:`NewNight`."""

    night_id: int
    bar_at: pd.Timestamp
    decided_at: pd.Timestamp
    simulated: bool
    record: str
    warnings: tuple[str, ...] = ()
    libraries: dict[str, Any] = field(default_factory=dict)
