"""What every job loads: bars, the series beside them, and what a person should know of both."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cryptobt.backtests.run import check_intervals
from cryptobt.core.settings import DataSettings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.data.load import load_markets
from cryptobt.jobs.events import Events
from cryptobt.jobs.symbols import extra_warnings, quality_warnings


def load_bars(data: DataSettings, now: pd.Timestamp, events: Events) -> list[MarketData]:
    """Load the bars of every symbol, and warn of what was found in them.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do.
    """
    markets = load_markets(data, now)
    for line in quality_warnings(markets):
        events.warn(line)
    check_intervals(markets)
    return markets


def load_beside(
    data: DataSettings, markets: Sequence[MarketData], now: pd.Timestamp, events: Events
) -> Mapping[str, Sequence[ExtraSeries]]:
    """Load the series beside the bars of each symbol, and warn of what was found in them."""
    extras = load_extras(data, markets, now)
    for line in extra_warnings(extras):
        events.warn(line)
    return extras
