"""What the page of a paper account shows besides: the facts of its nights."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.types import BacktestResult


@dataclass(frozen=True)
class LiveNight:
    """One decision of the record.

    Attributes
    ----------
    bar_at : Timestamp
        Open of the bar at whose close it was to be made.
    decided_at : Timestamp
        When it was made.
    late : bool
        After the deadline, so that its orders filled at the first open after it.
    missed : bool
        Made only when the next bar was over, too: no run decided it in its own night.
    simulated : bool
        Made in hindsight by ``--as-of``.
    """

    bar_at: pd.Timestamp
    decided_at: pd.Timestamp
    late: bool
    missed: bool
    simulated: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """What sets it apart from a night as it should be; empty for one on time."""
        missed = "missed, caught up late" if self.late else "missed, caught up"
        late = missed if self.missed else "late" if self.late else ""
        return tuple(mark for mark in ("simulated" if self.simulated else "", late) if mark)


@dataclass(frozen=True)
class LiveFill:
    """A fill, and the quote at the moment of its decision where there is one.

    Attributes
    ----------
    night : Timestamp
        Bar at whose close the order was decided.
    time : Timestamp
        Bar at whose open, or within which, it filled.
    shortfall_bps : float or None
        How much worse than the quote the fill was, positive for a loss.
    """

    night: pd.Timestamp
    time: pd.Timestamp
    symbol: str
    side: str
    quantity_base: float
    price_quote: float
    quote: float | None
    shortfall_bps: float | None
    late: bool


@dataclass(frozen=True)
class LiveRewrite:
    """A recorded bar that its vendor told otherwise later; closes in quote."""

    symbol: str
    time: pd.Timestamp
    recorded: float | None
    told: float | None
    seen_at: pd.Timestamp


@dataclass(frozen=True)
class LiveRecord:
    """The nights of a paper account, and the backtest of the time before them.

    Attributes
    ----------
    name : str
        Of the account.
    deadline_hours : float
        After a close; a later decision is late.
    nights : tuple of LiveNight
        At least one, oldest first.
    without : tuple of Timestamp
        Days between the first night and the last that no symbol has a bar of.
    absent : tuple of (Timestamp, str)
        Nights that did without a symbol.
    before : BacktestResult or None
        Account of the same settings up to the close of the first night's bar.
    expected : ndarray, shape (bars, 2)
        Growth from the first night on, bar by bar, within which most stretches of ``before``
        stayed; empty without it.
    """

    name: str
    deadline_hours: float
    nights: tuple[LiveNight, ...]
    without: tuple[pd.Timestamp, ...]
    fills: tuple[LiveFill, ...]
    absent: tuple[tuple[pd.Timestamp, str], ...]
    rewrites: tuple[LiveRewrite, ...]
    before: BacktestResult | None
    expected: np.ndarray

    @property
    def first(self) -> pd.Timestamp:
        """Bar of the first night."""
        return self.nights[0].bar_at

    @property
    def simulated(self) -> list[pd.Timestamp]:
        """Bars of the simulated nights."""
        return [night.bar_at for night in self.nights if night.simulated]

    @property
    def late(self) -> list[pd.Timestamp]:
        """Bars of the late nights."""
        return [night.bar_at for night in self.nights if night.late]
