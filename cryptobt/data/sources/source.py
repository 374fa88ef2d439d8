"""What every source gives: bars of a symbol, or a series beside them, as its vendor has them."""

from typing import Protocol

import pandas as pd

from cryptobt.core.types import ExtraSeries

Quote = tuple[float, pd.Timestamp]
"""Price of a last trade in the quote currency, and its time, aware UTC."""


class BarSource(Protocol):
    """A vendor of bars.

    Attributes
    ----------
    name : str
        As ``--source`` and the store call it.
    intervals : tuple of str
        Labels of the intervals that it has, such as ``1d``.
    """

    name: str
    intervals: tuple[str, ...]

    def fetch(
        self, symbol: str, interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Fetch every bar that opens at ``since`` or later, as the vendor tells it.

        Causality: nothing is promised; the vendor's forming bar of ``now`` may be among the rows.
        Whoever asks takes the complete ones.

        Parameters
        ----------
        since : Timestamp or None
            Aware; None for all that there is. Earlier bars may come along.
        now : Timestamp
            Aware; the clock.

        Returns
        -------
        DataFrame
            Columns ``time`` (aware UTC: the bar's open), open, high, low, close, volume (numbers or
            the vendor's text, unadjusted; NaN where it has none), in the vendor's order. It is not
            checked: :func:`cryptobt.data.validation.check_bars` is the door. It may be empty only
            where ``since`` is given and nothing newer is there.

        Raises
        ------
        UsageError
            If the source has no such interval.
        SourceUnreachableError, SourceRefusedError, RateLimitedError, UnknownSymbolError,
        NoDataError, MalformedAnswerError
            One line each: what was asked, what came, what to do.
        """
        ...


class SeriesSource(Protocol):
    """A vendor of series beside the bars: on-chain, sentiment, macro.

    Attributes
    ----------
    name : str
        As settings and the store call it.
    """

    name: str

    def fetch(self, key: str, since: pd.Timestamp | None, now: pd.Timestamp) -> ExtraSeries:
        """Fetch a series with the instant at which each row may be used.

        Parameters
        ----------
        key : str
            What the source is asked for, such as an asset; empty where there is one series only.
        since : Timestamp or None
            Aware; None for all that there is.
        now : Timestamp
            Aware; rows published after it are left out.

        Raises
        ------
        SourceUnreachableError, SourceRefusedError, RateLimitedError, UnknownSymbolError,
        NoDataError, MalformedAnswerError
        """
        ...
