"""The symbols of a run side by side: the times they share, and those that one of them misses."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.time import iso
from cryptobt.core.types import ExtraSeries, MarketData


def common_times(markets: Sequence[MarketData]) -> pd.DatetimeIndex:
    """Every time at which some symbol has a bar."""
    times = markets[0].times
    for market in markets[1:]:
        times = times.union(market.times)
    return times


def missed_times(market: MarketData, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Of these times, those from the symbol's listing on at which it has no bar."""
    return times[times >= market.times[0]].difference(market.times)


def describe_stale(markets: Sequence[MarketData], times: pd.DatetimeIndex) -> list[str]:
    """Say of each symbol that misses bars which others have, how many and since when."""
    said = []
    for market in markets:
        missed = missed_times(market, times)
        if not len(missed):
            continue
        bars = "1 bar" if len(missed) == 1 else f"{len(missed):,} bars"
        line = f"no data for {bars} that other symbols have, {iso(missed[0])} the first"
        if market.times[-1] < times[-1]:
            line += f"; it ends at {iso(market.times[-1])}"
        said.append(prefixed(markets, market.symbol, line + ": left alone there, as it was held"))
    return said


def prefixed(markets: Sequence[MarketData], symbol: str, line: str) -> str:
    """Put the symbol before a line about it, where there are several."""
    return f"{symbol}: {line}" if len(markets) > 1 else line


def quality_warnings(markets: Sequence[MarketData]) -> list[str]:
    """What was found in the data of each symbol; what is said of all of them is said once."""
    said: dict[str, list[str]] = {}
    for market in markets:
        for warning in market.quality.warnings:
            said.setdefault(warning, []).append(market.symbol)
    return [
        warning if len(symbols) == len(markets) else prefixed(markets, ", ".join(symbols), warning)
        for warning, symbols in said.items()
    ]


def extra_warnings(extras: Mapping[str, Sequence[ExtraSeries]]) -> list[str]:
    """What is to be known of the series beside the bars; what symbols share is said once."""
    every = (line for own in extras.values() for series in own for line in series.warnings)
    return list(dict.fromkeys(every))


def title_of(markets: Sequence[MarketData]) -> str:
    """The symbols in words, for a title: the first few by name."""
    names = [market.symbol for market in markets]
    return (
        ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    )


def closes(markets: Sequence[MarketData], times: pd.DatetimeIndex) -> pd.DataFrame:
    """Last known close of each symbol, one column each; NaN before its listing."""
    every = common_times(markets)
    table = pd.DataFrame(
        {market.symbol: market.bars[columns.CLOSE].reindex(every).ffill() for market in markets}
    )
    return table.reindex(times)


def quarantined(markets: Sequence[MarketData]) -> list[dict[str, str]]:
    """Rows that were taken out of the data, of every symbol."""
    return [
        {"symbol": market.symbol, **row} for market in markets for row in market.quality.quarantined
    ]


def name_of(markets: Sequence[MarketData]) -> str:
    """The symbols in a few letters, for a folder's name."""
    first, more = markets[0].symbol, len(markets) - 1
    return f"{first}-and-{more}-more" if more else first
