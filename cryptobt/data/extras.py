"""The series beside the bars that a run loads: on-chain, sentiment, macro, and any file."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.csv_series import read_series
from cryptobt.data.named_files import pair_files, split_entry
from cryptobt.data.sample import sample_market
from cryptobt.data.sources.registry import find_series

COINMETRICS = "coinmetrics"


def load_extras(
    settings: DataSettings, markets: Sequence[MarketData], now: pd.Timestamp
) -> dict[str, tuple[ExtraSeries, ...]]:
    """Load the series beside the bars of every symbol; symbols without any have an empty tuple.

    The sample market brings its own simulated on-chain and sentiment series.

    Parameters
    ----------
    markets : sequence of MarketData
        What :func:`cryptobt.data.load.load_markets` gave.
    now : Timestamp
        Aware; what was published after it is left out.

    Raises
    ------
    UsageError
        Missing file, an unknown series, a symbol without bars, or an unnamed on-chain file beside
        several symbols.
    DataUnavailableError
        If a vendor fails.
    DataInvalidError
        If a row is bad.
    """
    shared = tuple(_shared(entry, now) for entry in settings.extras)
    onchain = _onchain(settings, [market.symbol for market in markets], now)
    extras = {}
    for market in markets:
        own = _simulated(market.symbol, settings) if market.source == "sample" else ()
        if market.symbol in onchain:
            others = tuple(series for series in own if series.name != "onchain")
            own = (onchain[market.symbol], *others)
        extras[market.symbol] = (*own, *shared)
    return extras


def _shared(entry: str, now: pd.Timestamp) -> ExtraSeries:
    """One of ``data.extras``: NAME=FILE, or SOURCE or SOURCE:KEY."""
    name, sign, path = entry.partition("=")
    if sign:
        return read_series(Path(path).expanduser(), name.strip(), 0.0, own_publication=True)
    source, _, key = entry.partition(":")
    return find_series(source).fetch(key, None, now)


def _onchain(
    settings: DataSettings, symbols: list[str], now: pd.Timestamp
) -> dict[str, ExtraSeries]:
    if COINMETRICS in settings.onchain:
        from cryptobt.data.sources.coinmetrics import CoinMetricsSource

        if len(settings.onchain) > 1:
            raise UsageError("--onchain coinmetrics is for all symbols; give no file beside it")
        source = CoinMetricsSource(lag_hours=settings.onchain_lag_hours)
        return {symbol: source.fetch(symbol, None, now) for symbol in symbols}
    return {
        symbol: read_series(path, "onchain", settings.onchain_lag_hours)
        for symbol, path in _onchain_files(settings, symbols).items()
    }


def _onchain_files(settings: DataSettings, known: list[str]) -> dict[str, Path]:
    unnamed = [entry for entry in settings.onchain if not split_entry(entry)[0]]
    if unnamed and len(known) > 1:
        raise UsageError(
            f"--onchain {unnamed[0]}: say which of {', '.join(known)} it belongs to, "
            f"as {known[0]}={unnamed[0]}"
        )
    files = pair_files(settings.onchain, known, "onchain")
    for symbol in files:
        if symbol not in known:
            raise UsageError(f"--onchain: there are no bars of '{symbol}'; {', '.join(known)} only")
    return files


def _simulated(symbol: str, settings: DataSettings) -> tuple[ExtraSeries, ...]:
    coin = sample_market(symbol, lag_hours=settings.onchain_lag_hours)
    return (coin.onchain, coin.sentiment)
