"""What the market said when a night was decided: prices, and what time it is there."""

from collections.abc import Callable

import pandas as pd

from cryptobt.core.errors import DataUnavailableError
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY, iso
from cryptobt.data.sources.registry import find_quotes
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.facts import Quote

SLACK = pd.Timedelta(minutes=15)
"""How far a quote and the decision may be apart."""


def quote_source(settings: Settings) -> str:
    """Name the source of quotes: that of the bars, unless another is set."""
    return settings.paper.quote_source or settings.data.source


def ask_quotes(
    account: PaperAccount, now: pd.Timestamp, warn: Callable[[str], None]
) -> list[Quote]:
    """Ask for the price of every symbol; a source without one, or that fails, is no obstacle.

    A quote of another time than ``now``, as under ``--as-of``, is left out.

    Raises
    ------
    UsageError
        If there is no such source of quotes.
    DataUnavailableError
        If the newest trade is from before the close of the newest bar that this machine's clock
        takes for complete.
    """
    name = quote_source(account.settings)
    ask = find_quotes(name)
    if ask is None:
        return []
    quotes = []
    for symbol in account.symbols:
        try:
            price, at = ask(symbol, now)
        except DataUnavailableError as error:
            warn(f"no quote of {symbol} at the decision: {error}")
            continue
        quotes.append(Quote(symbol, price, at, name))
    _check_clock(quotes, now)
    return [quote for quote in quotes if abs(quote.quoted_at - now) <= SLACK]


def _check_clock(quotes: list[Quote], now: pd.Timestamp) -> None:
    """Refuse a clock that is ahead: what it takes for a closed bar is still forming."""
    if not quotes:
        return
    newest = max(quote.quoted_at for quote in quotes)
    if newest < now.floor("D"):
        raise DataUnavailableError(
            f"the clock says {iso(now)}, but the newest trade at {quotes[0].source} is of "
            f"{iso(newest)}: the bar of {iso(now.floor('D') - DAY)} is not over there; nothing was "
            "traded, set the clock right if it is ahead, and run again"
        )
