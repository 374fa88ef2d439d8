"""What a run loads: the bars of its symbols and the series beside them, as the settings say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, SourceUnreachableError, UsageError
from cryptobt.core.settings import DataSettings, home
from cryptobt.core.time import DAY, interval_label, parse_day, parse_interval
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import compare
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.frames import split_key
from cryptobt.data.named_files import pair_files
from cryptobt.data.resample import resample
from cryptobt.data.sample import COINS, sample_market
from cryptobt.data.sources.registry import find_source
from cryptobt.data.store import BarStore
from cryptobt.data.sync import up_to_date
from cryptobt.data.validation import count_gaps

DEFAULT_SYMBOL = "BTC-USD"
FALLBACK_WARNING = (
    "the network cannot be reached: this is the SIMULATED sample market, not real prices; "
    "give --csv FILE for real ones"
)


def load_markets(
    settings: DataSettings, now: pd.Timestamp, again: pd.Timestamp | None = None
) -> list[MarketData]:
    """Load the bars of every symbol, in the order in which they are named.

    A file given means source csv. Source auto is Yahoo, or the sample market for all symbols,
    with a loud warning first in each report, when Yahoo cannot be reached. Bars after ``end`` are
    cut off (a day without a time: after its last bar); ``start`` is not applied here, since
    earlier bars feed warm-up and training. With ``resample`` bars are joined to longer ones, of
    complete periods only. With ``cross_check`` closes that another source tells otherwise are
    said in the report, and kept.

    Parameters
    ----------
    now : Timestamp
        Aware; bars not complete by then are left out.
    again : Timestamp or None
        From where on a vendor is asked again for bars that are stored; see
        :func:`cryptobt.data.sync.up_to_date`.

    Raises
    ------
    UsageError
        Missing file, a file beside another source, source csv without a file, an unknown sample
        symbol, or a symbol that is empty or named twice.
    DataUnavailableError
        If the vendor gives nothing.
    DataInvalidError
        If a row is bad, or fewer than two bars are left.
    """
    if settings.csv or settings.source == "csv":
        files = _bar_files(settings)
        if not files:
            raise UsageError("source csv needs a file; give --csv [SYMBOL=]FILE")
        markets = [
            read_bars(path, symbol, settings.on_bad_row, now) for symbol, path in files.items()
        ]
    else:
        markets = _from_source(settings, _symbols(settings), now, again)
    cut = [_cut(_resampled(market, settings.resample), settings.end) for market in markets]
    return [_cross_checked(market, settings, now) for market in cut]


def other_market(
    name: str,
    ours: MarketData,
    settings: DataSettings,
    now: pd.Timestamp,
    again: pd.Timestamp | None = None,
) -> MarketData:
    """Load the same symbol from another file or source, to be compared.

    Shorter bars of a file are joined to bars of our interval.

    Parameters
    ----------
    again : Timestamp or None
        As in :func:`load_markets`.

    Raises
    ------
    UsageError
        If it is neither a file nor a source.
    DataUnavailableError, DataInvalidError
        As for the bars that are traded.
    """
    path = Path(name).expanduser()
    if split_key(path)[0].is_file():
        other = read_bars(path, ours.symbol, settings.on_bad_row, now)
        other = replace(other, source=path.name)
        return resample(other, ours.interval) if other.interval < ours.interval else other
    source, label = find_source(name), interval_label(ours.interval)
    return up_to_date(bar_store(), source, ours.symbol, label, settings.on_bad_row, now, again)


def _symbols(settings: DataSettings) -> tuple[str, ...]:
    symbols = settings.symbols or (DEFAULT_SYMBOL,)
    _refuse_empty(symbols)
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise UsageError(f"symbol '{symbol}' is named twice; name it once")
    return symbols


def _refuse_empty(symbols: Sequence[str]) -> None:
    if not all(symbol.strip() for symbol in symbols):
        raise UsageError(f"a symbol is empty; write it like {DEFAULT_SYMBOL}")


def _bar_files(settings: DataSettings) -> dict[str, Path]:
    if settings.csv and settings.source not in ("auto", "csv"):
        raise UsageError(
            f"source {settings.source} contradicts --csv: "
            "--csv gives the bars: leave --source out, or say --source csv"
        )
    _refuse_empty(settings.symbols)
    return pair_files(settings.csv, settings.symbols, "csv")


def bar_store() -> BarStore:
    """The store of vendors' bars in the user's data folder."""
    return BarStore(home("data") / "store")


def _from_source(
    settings: DataSettings,
    symbols: Sequence[str],
    now: pd.Timestamp,
    again: pd.Timestamp | None,
) -> list[MarketData]:
    if settings.source == "sample":
        return [_sample(symbol, settings) for symbol in symbols]
    source = find_source("yahoo" if settings.source == "auto" else settings.source)
    interval, on_bad_row = settings.interval, settings.on_bad_row
    try:
        return [
            up_to_date(bar_store(), source, symbol, interval, on_bad_row, now, again)
            for symbol in symbols
        ]
    except SourceUnreachableError:
        if settings.source != "auto" or not set(symbols) <= set(COINS):
            raise
    return [_warned(_sample(symbol, settings)) for symbol in symbols]


def _sample(symbol: str, settings: DataSettings) -> MarketData:
    if parse_interval(settings.interval) != DAY:
        raise UsageError(
            f"the sample market has bars of 1d only, not {settings.interval}; "
            "set data.interval to 1d, or give --csv FILE"
        )
    return sample_market(symbol).market


def _warned(market: MarketData) -> MarketData:
    return _with_warnings(market, (FALLBACK_WARNING, *market.quality.warnings))


def _with_warnings(market: MarketData, warnings: tuple[str, ...]) -> MarketData:
    return replace(market, quality=replace(market.quality, warnings=warnings))


def _cross_checked(market: MarketData, settings: DataSettings, now: pd.Timestamp) -> MarketData:
    if settings.cross_check is None:
        return market
    other = other_market(settings.cross_check, market, settings, now)
    agreement = compare(market, other, settings.cross_check_threshold)
    if not agreement.apart:
        return market
    return _with_warnings(market, (*market.quality.warnings, agreement.warning()))


def _resampled(market: MarketData, interval: str | None) -> MarketData:
    return market if interval is None else resample(market, parse_interval(interval))


def _cut(market: MarketData, end: str | None) -> MarketData:
    if end is None:
        return market
    last = parse_day(end, "data.end")
    whole_day = len(end.strip()) <= len("2021-03-01")
    # taken from the bars and not added to the end, which may be the last day there is
    times = market.times - DAY if whole_day else market.times - pd.Timedelta(1, unit="ns")
    bars = market.bars[times < last]
    if len(bars) < 2:
        raise DataInvalidError(
            f"{market.symbol}: {len(bars)} bar(s) of {interval_label(market.interval)} until "
            f"{end}; at least 2 are needed, set data.end later"
        )
    gaps = count_gaps(pd.DatetimeIndex(bars.index, name=columns.TIME), market.interval)
    return replace(market, bars=bars, quality=replace(market.quality, gaps=gaps))
