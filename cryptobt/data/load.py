"""What a run loads: the bars of its symbols and the series beside them, as the settings say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY, interval_label, parse_day, parse_interval
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.csv_series import read_series
from cryptobt.data.sample import COINS, sample_market
from cryptobt.data.sources import yahoo
from cryptobt.data.validation import count_gaps

DEFAULT_SYMBOL = "BTC-USD"
FALLBACK_WARNING = (
    "the network cannot be reached: this is the SIMULATED sample market, not real prices; "
    "give --csv FILE for real ones"
)


def load_markets(settings: DataSettings, now: pd.Timestamp) -> list[MarketData]:
    """Load the bars of every symbol, in the order in which they are named.

    A file given means source csv. Source auto is Yahoo, or the sample market for all symbols,
    with a loud warning first in each report, when Yahoo cannot be reached. Bars after ``end`` are
    cut off (a day without a time: after its last bar); ``start`` is not applied here, since
    earlier bars feed warm-up and training.

    Parameters
    ----------
    now : Timestamp
        Aware; bars not complete by then are left out.

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
        markets = _from_source(settings, _symbols(settings), now)
    return [_cut(market, settings.end) for market in markets]


def load_extras(
    settings: DataSettings, markets: Sequence[MarketData] | None = None
) -> dict[str, tuple[ExtraSeries, ...]]:
    """Load the series beside the bars of every symbol; symbols without any have an empty tuple.

    Parameters
    ----------
    markets : sequence of MarketData, optional
        What :func:`load_markets` gave. With source auto only they tell whether the sample market
        stands in, whose simulated on-chain and sentiment series then come along.

    Raises
    ------
    UsageError
        Missing file, a symbol without bars, or an unnamed file beside several symbols.
    DataInvalidError
        If a row is bad.
    """
    if markets is None:
        simulated = settings.source == "sample" and not settings.csv
        known = dict.fromkeys(_known_symbols(settings), simulated)
    else:
        known = {market.symbol: market.source == "sample" for market in markets}
    extras = {symbol: _simulated(symbol, settings) if known[symbol] else () for symbol in known}
    if not settings.onchain:
        return extras
    for symbol, path in _onchain_files(settings, list(known)).items():
        others = tuple(series for series in extras[symbol] if series.name != "onchain")
        extras[symbol] = (read_series(path, "onchain", settings.onchain_lag_hours), *others)
    return extras


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


def _known_symbols(settings: DataSettings) -> tuple[str, ...]:
    return tuple(_bar_files(settings)) if settings.csv else _symbols(settings)


def _bar_files(settings: DataSettings) -> dict[str, Path]:
    if settings.csv and settings.source not in ("auto", "csv"):
        raise UsageError(
            f"source {settings.source} contradicts --csv: "
            "--csv gives the bars: leave --source out, or say --source csv"
        )
    _refuse_empty(settings.symbols)
    return _files(settings.csv, settings.symbols, "csv")


def _from_source(
    settings: DataSettings, symbols: Sequence[str], now: pd.Timestamp
) -> list[MarketData]:
    if settings.source == "sample":
        return [_sample(symbol, settings) for symbol in symbols]
    try:
        return [
            yahoo.fetch_bars(symbol, settings.interval, settings.on_bad_row, now)
            for symbol in symbols
        ]
    except yahoo.SourceUnreachableError:
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


def _simulated(symbol: str, settings: DataSettings) -> tuple[ExtraSeries, ...]:
    coin = sample_market(symbol, lag_hours=settings.onchain_lag_hours)
    return (coin.onchain, coin.sentiment)


def _warned(market: MarketData) -> MarketData:
    warnings = (FALLBACK_WARNING, *market.quality.warnings)
    return replace(market, quality=replace(market.quality, warnings=warnings))


def _files(entries: Sequence[str], symbols: Sequence[str], flag: str) -> dict[str, Path]:
    """Pair symbols with files: ``SYMBOL=FILE``, else the first symbol set, else the file's stem."""
    files: dict[str, Path] = {}
    for entry in entries:
        named, path = _split(entry)
        if path == Path():
            raise UsageError(f"--{flag} '{entry}' is not a regular file; give a file")
        symbol = named or (symbols[0] if symbols else _stem(path))
        if symbol in files:
            raise UsageError(
                f"--{flag} gives two files for symbol '{symbol}'; write each as SYMBOL=FILE"
            )
        files[symbol] = path
    missing = [symbol for symbol in symbols if entries and symbol not in files]
    if missing and flag == "csv":
        raise UsageError(
            f"there is no file for symbol '{missing[0]}'; give --csv {missing[0]}=FILE"
        )
    return files


def _onchain_files(settings: DataSettings, known: list[str]) -> dict[str, Path]:
    unnamed = [entry for entry in settings.onchain if not _split(entry)[0]]
    if unnamed and len(known) > 1:
        raise UsageError(
            f"--onchain {unnamed[0]}: say which of {', '.join(known)} it belongs to, "
            f"as {known[0]}={unnamed[0]}"
        )
    files = _files(settings.onchain, known, "onchain")
    for symbol in files:
        if symbol not in known:
            raise UsageError(f"--onchain: there are no bars of '{symbol}'; {', '.join(known)} only")
    return files


def _split(entry: str) -> tuple[str, Path]:
    symbol, sign, path = entry.partition("=")
    # a file may carry the sign in its own name
    if not sign or Path(entry).exists():
        return "", Path(entry).expanduser()
    # a shell leaves the tilde of SYMBOL=~/file alone
    return symbol.strip(), Path(path).expanduser()


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


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
