"""Markets that close at night and at weekends: their closes as series, through Yahoo."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, CLOSE, TIME
from cryptobt.core.errors import NoDataError, UnknownSymbolError, did_you_mean
from cryptobt.core.types import ExtraSeries
from cryptobt.data.sources.yahoo import YahooSource

SERIES = {"sp500": "^GSPC", "gold": "GC=F", "dollar": "DX-Y.NYB", "vix": "^VIX"}
CLOSED_AFTER = pd.Timedelta(hours=17, minutes=15)
"""From a trading day's midnight, where its exchange is, to a close that all of them are past.

Stocks close at 16:00 in New York, VIX at 16:15, gold and the dollar index trade until 17:00.
"""


class MacroSource:
    """Daily closes of another market, each to be used once that market has closed.

    Parameters
    ----------
    bars : callable
        Makes the source of the bars.
    """

    name = "macro"

    def __init__(self, bars: Callable[[], YahooSource] = YahooSource) -> None:
        self._bars = bars

    def fetch(self, key: str, since: pd.Timestamp | None, now: pd.Timestamp) -> ExtraSeries:
        """Fetch ``sp500``, ``gold``, ``dollar`` or ``vix``; see :class:`SeriesSource`.

        Causality: Yahoo names a day by its midnight in New York; its close may be used from
        17:15 there on. Days without trade have no row: the last close is carried over them when
        the series is joined.

        Returns
        -------
        ExtraSeries
            One column, called as the key.
        """
        if key not in SERIES:
            raise UnknownSymbolError(
                f"there is no macro series '{key}'; {did_you_mean(key, SERIES)}"
            )
        rows = self._bars().fetch(SERIES[key], "1d", since, now)
        times = pd.DatetimeIndex(rows[TIME])
        at = times + CLOSED_AFTER
        closes = pd.to_numeric(rows[CLOSE], errors="coerce").to_numpy(float)
        kept = np.isfinite(closes) & np.asarray(at <= now)
        if since is None and not kept.any():
            raise NoDataError(f"Yahoo has no close of {SERIES[key]} for the macro series '{key}'")
        index = times[kept].rename(TIME)
        frame = pd.DataFrame({key: closes[kept], AVAILABLE_AT: at[kept]}, index=index)
        lag = CLOSED_AFTER / pd.Timedelta(hours=1) - 24
        return ExtraSeries(key, self.name, frame.sort_index(), lag)
